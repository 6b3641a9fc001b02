"""Calls one after the other: how far apart, and how often again."""

from __future__ import annotations

import pytest

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources import chart
from exporter.sources.chart import Window

from .given import DAY, MIDNIGHT, Charts, Time, asking

REQUEST = chart.equity(7, Window(MIDNIGHT, MIDNIGHT + DAY, 10))


def failing(*failures: ApiError) -> Charts:
    """Fails so, and then answers."""
    left = list(failures)
    return Charts(answer=lambda _endpoint, _parameters: left.pop(0) if left else None)


def again(reason: Reason, times: int, retry_after: float | None = None) -> list[ApiError]:
    return [ApiError(reason, "broken", retry_after=retry_after)] * times


def test_calls_are_spaced_evenly() -> None:
    time, client = Time(), Charts()
    account = asking(client, time, per_second=0.5)
    account.ask(REQUEST)
    account.ask(REQUEST)
    time.now += 1.5
    account.ask(REQUEST)
    time.now += 60
    account.ask(REQUEST)
    account.ask(REQUEST)
    assert time.slept == [2.0, 2.0, 0.5, 2.0]


@pytest.mark.parametrize(
    ("failures", "waits"),
    [
        (again(Reason.NOT_READY, 2), [10.0, 10.0]),
        (again(Reason.RATE_LIMIT, 3), [60.0] * 3),
        (again(Reason.RATE_LIMIT, 1, 0.0), [1.0]),
        (again(Reason.HTTP_5XX, 2, 30.0), [30.0] * 2),
        (again(Reason.HTTP_4XX, 1, 3600.0), [900.0]),
    ],
)
def test_a_failure_that_passes(failures: list[ApiError], waits: list[float]) -> None:
    time = Time()
    assert asking(failing(*failures), time, per_second=1e9).ask(REQUEST).points == ()
    assert [each for each in time.slept if each > 0.1] == waits


@pytest.mark.parametrize("reason", [Reason.CONNECTION, Reason.TIMEOUT, Reason.HTTP_5XX])
def test_a_connection_is_tried_again_at_a_random_time(reason: Reason) -> None:
    time = Time()
    assert asking(failing(*again(reason, 3)), time, per_second=1e9).ask(REQUEST).points == ()
    waits = [each for each in time.slept if each > 0.1]
    assert len(waits) == 3
    assert all(wait < most for wait, most in zip(waits, (10, 20, 40), strict=True))


@pytest.mark.parametrize(
    ("reason", "tries"),
    [
        (Reason.NOT_READY, 3),
        (Reason.CONNECTION, 4),
        (Reason.RATE_LIMIT, 4),
        (Reason.AUTH, 1),
        (Reason.API_ERROR, 1),
        (Reason.MALFORMED, 1),
        (Reason.TLS, 1),
        (Reason.TOO_LARGE, 1),
        (Reason.HTTP_4XX, 1),
    ],
)
def test_a_failure_that_lasts(reason: Reason, tries: int) -> None:
    client = failing(*again(reason, 9))
    with pytest.raises(ApiError, match="broken"):
        asking(client).ask(REQUEST)
    assert len(client.asked) == tries


def test_a_rejection_is_not_tried_again_however_long_the_wait() -> None:
    client = failing(*again(Reason.AUTH, 9, 1.0))
    with pytest.raises(ApiError):
        asking(client).ask(REQUEST)
    assert len(client.asked) == 1
