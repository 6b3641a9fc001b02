"""One trouble is said once, however its words change; another one is said too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.poller.complaint import Complaint, LeftOut
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.model import Problem

if TYPE_CHECKING:
    from uuid import UUID


def error(message: str, reason: Reason = Reason.API_ERROR) -> ApiError:
    return ApiError(reason, message)


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
    complaint = Complaint()
    assert complaint.is_news(error(first))
    assert not complaint.is_news(error(then))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (error("busy"), error("Project not found")),
        (error("HTTP 403", Reason.HTTP_4XX), error("HTTP 404", Reason.HTTP_4XX)),
        (error("no answer", Reason.TIMEOUT), error("no answer", Reason.CONNECTION)),
    ],
)
def test_another_trouble_is(first: ApiError, then: ApiError) -> None:
    complaint = Complaint()
    for news in (True, False):
        assert complaint.is_news(first) is news
        assert complaint.is_news(then) is news
    assert complaint.ended()
    assert not complaint.ended()
    assert complaint.is_news(then)


@given(st.lists(st.text(), max_size=200))
def test_whatever_a_server_says_is_said_a_few_times_at_most(messages: list[str]) -> None:
    complaint = Complaint()
    news = [message for message in messages if complaint.is_news(error(message))]
    assert len(news) <= 8
    assert complaint.ended() is bool(messages)


@given(st.lists(st.uuids(), min_size=1), st.text("abc ,.:", max_size=20))
def test_an_id_is_never_news(ids: list[UUID], text: str) -> None:
    complaint = Complaint()
    assert sum(complaint.is_news(error(f"{text} {one}")) for one in ids) == 1


def odd(field: str, where: str) -> Problem:
    return Problem(field, where, "found nothing that makes sense")


def test_what_is_left_out_is_news_until_it_is_there_again() -> None:
    left_out = LeftOut()
    price, volume = odd("price", 'holdings["SPY"]'), odd("volume", 'holdings["SPY"]')
    assert left_out.news([price]) == [price]
    assert left_out.news([price, volume]) == [volume]
    assert left_out.news([volume]) == []
    assert left_out.news([price]) == [price]


def test_the_place_in_a_list_is_no_news_but_the_name_of_a_thing_is() -> None:
    left_out = LeftOut()
    first = odd("projectId", "live[0]")
    assert left_out.news([first, odd("projectId", "live[7]")]) == [first]
    assert left_out.news([odd("projectId", "live[8]")]) == []
    both = [odd("status", "live[projectId=1]"), odd("status", "live[projectId=2]")]
    assert left_out.news(both) == both
