"""live/logs/read: how many lines match, and nothing of the lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.logs import LOGS, LogLines
from exporter.sources.source import Known

from .given import CONFIG, PROJECT, A, P, published

ASKED = replace(PROJECT, log_queries={"errors": "error", "disconnects": "Disconnected"})
LINE = "2026-11-24 09:40:00 PRIVATE error"


def answer(length: object, **fields: object) -> dict[str, object]:
    return {"logs": [LINE], "length": length, "deploymentOffset": 1756, "success": True, **fields}


def test_each_query_is_a_call_and_then_all_are_published() -> None:
    request = LOGS.request(ASKED, CONFIG, Known("L-1"))
    assert request.parameters == {
        "projectId": 101,
        "algorithmId": "L-1",
        "format": "json",
        "startLine": 0,
        "endLine": 1,
        "query": "error",
    }
    first = request.decode(answer(37))
    assert not LOGS.is_whole(first)
    request = LOGS.request(ASKED, CONFIG, Known("L-1", first))
    assert request.parameters["query"] == "Disconnected"
    second = request.decode(answer(0, logs=[]))
    assert LOGS.is_whole(second)
    assert "PRIVATE" not in repr(second)
    assert published(LOGS, second) == [
        f'quantconnect_live_log_lines{{{A},{P},query="errors"}} 37.0',
        f'quantconnect_live_log_lines{{{A},{P},query="disconnects"}} 0.0',
    ]
    again = LOGS.request(ASKED, CONFIG, Known("L-1", second))
    assert again.parameters["query"] == "error"


def test_queries_that_change_in_between() -> None:
    begun = LogLines({"errors": 37}, is_whole=False)
    only = replace(ASKED, log_queries={"errors": "error"})
    assert LOGS.request(only, CONFIG, Known("L-1", begun)).parameters["query"] == "error"
    other = replace(ASKED, log_queries={"fills": "Filled", "errors": "error"})
    gone = LogLines({"disconnects": 1}, is_whole=False)
    request = LOGS.request(other, CONFIG, Known("L-1", gone))
    assert request.decode(answer(1)).counts == {"fills": 1}
    # A new one before those that were asked: each is asked once, and the reading ends.
    request = LOGS.request(other, CONFIG, Known("L-1", begun))
    assert request.parameters["query"] == "Filled"
    whole = request.decode(answer(1))
    assert LOGS.is_whole(whole)
    assert whole.counts == {"errors": 37, "fills": 1}


def test_a_project_without_queries_is_not_asked() -> None:
    assert LOGS.interval(PROJECT, CONFIG) == 0.0
    assert LOGS.interval(ASKED, CONFIG) == 300.0
    assert LOGS.calls(ASKED) == 2


def test_without_a_status_there_is_no_deployment_to_ask_for() -> None:
    assert LOGS.interval(ASKED, replace(CONFIG, status_interval=0.0)) == 0.0


@pytest.mark.parametrize("length", ["many", -1, 1.5, LINE])
def test_a_length_that_is_none_is_malformed_without_quoting_it(length: object) -> None:
    with pytest.raises(ApiError) as raised:
        LOGS.request(ASKED, CONFIG, Known("L-1")).decode(answer(length))
    assert raised.value.reason is Reason.MALFORMED
    assert raised.value.message == "live/logs/read: length: expected a number of lines"


def test_an_answer_without_a_length_is_not_ready() -> None:
    with pytest.raises(ApiError, match="live/logs/read: the answer has no length") as raised:
        LOGS.request(ASKED, CONFIG, Known("L-1")).decode({"success": True})
    assert raised.value.reason is Reason.NOT_READY
