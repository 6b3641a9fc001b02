"""One trouble is said once, however its words change; another one is said too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.poller.news import LeftOut, News
from exporter.quantconnect.fields import Problem

if TYPE_CHECKING:
    from uuid import UUID


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("busy", "busy"),
        ("Request 8812345 failed", "Request 8812346 failed"),
        ("failed (id=a81f-77cd)", "failed (id=0cc1-d2e4)"),
        ('no answer at "2026-11-22T13:00:00.123Z"', 'no answer at "2026-11-22T13:01:00.456Z"'),
        ("{'request': 'x7'}, try later", "{'request': 'p99q'}, try later"),
    ],
)
def test_the_same_trouble_with_another_number_is_no_news(first: str, then: str) -> None:
    news = News()
    assert news.is_new("api_error", first)
    assert not news.is_new("api_error", then)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (("api_error", "busy"), ("api_error", "Project not found")),
        (("http_4xx", "HTTP 403"), ("http_4xx", "HTTP 404")),
        (("timeout", "no answer"), ("connection", "no answer")),
    ],
)
def test_another_trouble_is(first: tuple[str, str], then: tuple[str, str]) -> None:
    news = News()
    for is_new in (True, False):
        assert news.is_new(*first) is is_new
        assert news.is_new(*then) is is_new
    assert news.end()
    assert not news.end()
    assert news.is_new(*then)


@given(st.lists(st.text(), max_size=200))
def test_whatever_a_server_says_is_said_a_few_times_at_most(messages: list[str]) -> None:
    news = News()
    assert sum(news.is_new("api_error", message) for message in messages) <= 8
    assert news.end() is bool(messages)


@given(st.lists(st.uuids(), min_size=1), st.text("abc ,.:", max_size=20))
def test_an_id_is_never_news(ids: list[UUID], text: str) -> None:
    news = News()
    assert sum(news.is_new("api_error", f"{text} {one}") for one in ids) == 1


def odd(field: str, where: str) -> Problem:
    return Problem(field, where, "found nothing that makes sense")


def test_what_is_left_out_is_news_until_it_is_there_again() -> None:
    left_out = LeftOut()
    price, volume = odd("price", 'holdings["SPY"]'), odd("volume", 'holdings["SPY"]')
    assert left_out.update([price]) == [price]
    assert left_out.update([price, volume]) == [volume]
    assert left_out.update([volume]) == []
    assert left_out.update([price]) == [price]


def test_the_place_in_a_list_is_no_news_but_the_name_of_a_thing_is() -> None:
    left_out = LeftOut()
    first = odd("projectId", "live[0]")
    assert left_out.update([first, odd("projectId", "live[7]")]) == [first]
    assert left_out.update([odd("projectId", "live[8]")]) == []
    both = [odd("status", "live[projectId=1]"), odd("status", "live[projectId=2]")]
    assert left_out.update(both) == both
