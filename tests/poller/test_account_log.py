"""What an account's own calls say in the log."""

from __future__ import annotations

import pytest

from exporter.poller.queue import Kind
from exporter.poller.trouble import Trouble
from exporter.quantconnect.errors import ApiError, Reason

from .given import said

DOWN = ApiError(Reason.HTTP_5XX, "HTTP 503")
REJECTED = ApiError(Reason.AUTH, "QuantConnect answered: UserID not valid")


def test_once_what_is_wrong_and_once_that_it_is_well(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporter")
    trouble = Trouble("main")
    for error in (None, DOWN, DOWN, DOWN, None, None):
        trouble.ended(Kind.RUNNING, error, wait=1.0)
    assert said(caplog) == [
        {
            "msg": "A call for the account failed",
            "account": "main",
            "call": "running",
            "reason": "http_5xx",
            "error": "HTTP 503",
        },
        {"msg": "It works again", "account": "main", "call": "running"},
    ]


def test_each_rejection_says_how_long_it_is_silent_now(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporter")
    trouble = Trouble("main")
    trouble.ended(Kind.AUTHENTICATE, REJECTED, wait=900.4)
    trouble.ended(Kind.AUTHENTICATE, REJECTED, wait=1800.0)
    trouble.ended(Kind.AUTHENTICATE, None, wait=0.0)
    assert [entry.get("wait_seconds") for entry in said(caplog)] == [900, 1800, None]
    assert said(caplog, "It works again")


def test_being_accepted_is_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporter")
    Trouble("main").ended(Kind.AUTHENTICATE, None, wait=0.0)
    assert [entry["msg"] for entry in said(caplog)] == ["QuantConnect accepts the account"]


@pytest.mark.parametrize("kind", [Kind.RUNNING, Kind.DEPLOYMENTS])
def test_another_call_that_is_rejected_is_an_ordinary_failure(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    Trouble("main").ended(kind, REJECTED, wait=1.0)
    assert [entry["msg"] for entry in said(caplog)] == ["A call for the account failed"]
