"""A fault of our own is counted each time, and logged now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.poller.faults import Faults
from exporter.telemetry import Telemetry

from .given import said

if TYPE_CHECKING:
    from collections.abc import Callable

FAULT = "A fault of this exporter"


def fail(error: Exception) -> None:
    raise error


def caught(found: Faults, error: Exception) -> None:
    try:
        fail(error)
    except Exception:  # noqa: BLE001
        found.caught(account="main")


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry(version="0", revision="0")


@pytest.fixture
def found(telemetry: Telemetry) -> Faults:
    return Faults(telemetry.account("main", endpoints=(), reasons=(), budget=1.0))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr("exporter.poller.faults.time.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_the_same_is_logged_once_a_minute_and_another_at_once(
    found: Faults,
    telemetry: Telemetry,
    passes: Callable[[float], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(59):
        caught(found, ValueError("one"))
        passes(1)
    assert len(said(caplog, FAULT)) == 1
    caught(found, ValueError("another"))
    assert len(said(caplog, FAULT)) == 2
    passes(1)
    caught(found, ValueError("one"))
    assert len(said(caplog, FAULT)) == 3
    assert telemetry.registry.get_sample_value("quantconnect_exporter_faults_total") == 61


def test_no_more_are_remembered_than_can_be(
    found: Faults, passes: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        caught(found, ValueError(str(number)))
    assert len(said(caplog, FAULT)) == 1000
    assert len(found._said) <= 100
