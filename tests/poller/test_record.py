"""The record: counted each time, logged once."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.poller.record import (
    ACCEPTED,
    CALL_FAILED,
    CALL_SUCCEEDS,
    FAULT,
    REJECTED,
    Record,
)
from exporter.poller.task import Fault, Outcome, Task
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.telemetry import Telemetry

from .given import Time, said

DOWN = ApiError(Reason.HTTP_5XX, "HTTP 503")
NO = ApiError(Reason.AUTH, "QuantConnect answered: UserID not valid")


class Recorded:
    """A record, its instruments and its clock."""

    def __init__(self) -> None:
        self.time = Time()
        self.telemetry = Telemetry(version="0", revision="0")
        account = self.telemetry.account("main", endpoints=(), reasons=(), budget=1.0)
        self.record = Record(
            "main", account, self.time.clock, monotonic=lambda: self.time.monotonic
        )

    def ended(self, task: Task, *failures: ApiError | Fault | None, **keywords: Any) -> None:
        for failure in failures:
            self.record.record_call(
                task,
                Outcome(failure),
                **{"project": "", "duration": 0.5, "interval": 60.0, "wait": 1.0, **keywords},
            )

    def fault(self, error: Exception) -> None:
        try:
            fail(error)
        except Exception:  # noqa: BLE001
            self.record.record_fault(call="portfolio")


def fail(error: Exception) -> None:
    raise error


def task_of(name: str) -> Task:
    return Task(name=name, endpoint=Endpoint.LIVE_LIST, priority=0)


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


def test_a_failure_is_logged_once_and_so_is_the_recovery(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    recorded.ended(task_of("running"), None, DOWN, DOWN, DOWN, None, None)
    assert said(caplog) == [
        {
            "msg": CALL_FAILED,
            "account": "main",
            "call": "running",
            "reason": "http_5xx",
            "error": "HTTP 503",
        },
        {"msg": CALL_SUCCEEDS, "account": "main", "call": "running"},
    ]
    labels = {"account": "main", "endpoint": "live/list", "reason": "http_5xx"}
    name = "quantconnect_api_request_failures_total"
    assert recorded.telemetry.registry.get_sample_value(name, labels) == 3


def test_each_rejection_names_the_wait(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    authenticate = task_of("authenticate")
    recorded.ended(authenticate, NO, wait=900.4)
    recorded.ended(authenticate, NO, wait=1800.0)
    recorded.ended(authenticate, None)
    assert [entry.get("wait_seconds") for entry in said(caplog)] == [900, 1800, None]
    assert len(said(caplog, REJECTED)) == 2
    assert said(caplog, CALL_SUCCEEDS)


def test_the_first_acceptance_is_logged(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    recorded.ended(task_of("authenticate"), None)
    assert [entry["msg"] for entry in said(caplog)] == [ACCEPTED]


@pytest.mark.parametrize("name", ["running", "Stopped"])
def test_a_rejection_of_another_call_is_an_ordinary_failure(
    recorded: Recorded, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    recorded.ended(task_of(name), NO)
    assert [entry["msg"] for entry in said(caplog)] == [CALL_FAILED]


def test_a_fault_of_ours_is_no_failure_of_quantconnect(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    task = task_of("running")
    recorded.ended(task, Fault())
    assert task.success is False
    assert said(caplog)[0]["reason"] == "fault"
    samples = [
        sample
        for family in recorded.telemetry.registry.collect()
        for sample in family.samples
        if sample.name == "quantconnect_api_request_failures_total"
    ]
    assert samples == []


def test_one_fault_is_logged_once_a_minute_and_another_at_once(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(59):
        recorded.fault(ValueError("one"))
        recorded.time.passes(1)
    assert len(said(caplog, FAULT)) == 1
    recorded.fault(ValueError("another"))
    assert len(said(caplog, FAULT)) == 2
    recorded.time.passes(1)
    recorded.fault(ValueError("one"))
    assert len(said(caplog, FAULT)) == 3
    name = "quantconnect_exporter_faults_total"
    assert recorded.telemetry.registry.get_sample_value(name) == 61


def test_many_different_faults_are_all_logged(
    recorded: Recorded, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(250):
        recorded.fault(ValueError(str(number)))
    assert len(said(caplog, FAULT)) == 250
