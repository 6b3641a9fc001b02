from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.poller import backoff
from exporter.poller.queue import Kind, Task
from exporter.poller.retries import Failure, Retries
from exporter.quantconnect.errors import Reason

AUTHENTICATE, PORTFOLIO = Task(Kind.AUTHENTICATE), Task(Kind.PORTFOLIO, 1)
AUTH, TIMEOUT, NOT_READY = (
    Failure(reason) for reason in (Reason.AUTH, Reason.TIMEOUT, Reason.NOT_READY)
)


class Bound(Random):
    """Draws the upper bound each time, so that the bounds can be seen."""

    def uniform(self, a: float, b: float) -> float:
        return b


def waits(retries: Retries, task: Task, failure: Failure, times: int) -> list[float]:
    return [retries.failed(task, failure, interval=60.0, crowded=False) for _ in range(times)]


def test_the_bound_doubles_up_to_five_minutes() -> None:
    assert waits(Retries(Bound()), PORTFOLIO, TIMEOUT, 8) == [10, 20, 40, 80, 160, 300, 300, 300]


def test_the_bound_is_the_interval_where_that_is_longer() -> None:
    assert backoff.after_failures(1000, interval=3600.0, random=Bound()) == 3600.0


@given(st.integers(1, 10_000), st.floats(1, 86_400), st.integers())
def test_full_jitter_stays_within_the_bound(failures: int, interval: float, seed: int) -> None:
    wait = backoff.after_failures(failures, interval=interval, random=Random(seed))
    assert 0 <= wait <= min(max(300.0, interval), 5.0 * 2.0 ** min(failures, 40))


def test_full_jitter_uses_the_whole_room() -> None:
    random = Random(7)
    drawn = [backoff.after_failures(9, interval=60.0, random=random) for _ in range(500)]
    assert min(drawn) < 15
    assert max(drawn) > 285


def test_a_rejected_authenticate_waits_a_quarter_of_an_hour_doubling_to_two() -> None:
    minutes = [wait / 60 for wait in waits(Retries(Random(1)), AUTHENTICATE, AUTH, 6)]
    assert minutes == [15, 30, 60, 120, 120, 120]


def test_only_rejections_count_for_that() -> None:
    retries = Retries(Bound())
    waits(retries, AUTHENTICATE, TIMEOUT, 5)
    assert waits(retries, AUTHENTICATE, AUTH, 1) == [15 * 60]


def test_another_call_that_is_rejected_is_tried_once_more_soon() -> None:
    assert waits(Retries(Bound()), PORTFOLIO, AUTH, 4) == [10, 15 * 60, 30 * 60, 60 * 60]


def test_forgiving_forgets_rejections_and_nothing_else() -> None:
    retries = Retries(Bound())
    other = Task(Kind.PORTFOLIO, 2)
    waits(retries, PORTFOLIO, AUTH, 3)
    waits(retries, other, TIMEOUT, 3)
    assert retries.forgive() == [PORTFOLIO]
    assert (retries.failures(PORTFOLIO), retries.failures(other)) == (0, 3)


def test_not_ready_is_asked_again_at_the_normal_pace() -> None:
    assert waits(Retries(Random(1)), PORTFOLIO, NOT_READY, 3) == [60, 60, 60]


def test_success_begins_anew() -> None:
    retries = Retries(Bound())
    waits(retries, PORTFOLIO, TIMEOUT, 5)
    retries.succeeded(PORTFOLIO)
    assert waits(retries, PORTFOLIO, TIMEOUT, 1) == [10]


def test_over_a_full_budget_no_retry_comes_sooner_than_the_usual_read() -> None:
    retries = Retries(Random(3))
    crowded = [retries.failed(PORTFOLIO, TIMEOUT, interval=90.0, crowded=True) for _ in range(20)]
    assert min(crowded) == 90.0
    assert max(crowded) <= 300.0


@pytest.mark.parametrize(
    ("asked", "rest"), [(0.0, 1.0), (30.0, 30.0), (1e9, 900.0), (900.0, 900.0)]
)
@pytest.mark.parametrize("reason", [Reason.RATE_LIMIT, Reason.HTTP_5XX])
def test_retry_after_is_honoured_and_bounded(reason: Reason, asked: float, rest: float) -> None:
    assert Retries(Random(1)).rest(Failure(reason, retry_after=asked)) == rest


def test_a_rate_limit_that_names_no_time_backs_off() -> None:
    retries = Retries(Bound())
    limited = Failure(Reason.RATE_LIMIT)
    assert [retries.rest(limited) for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    retries.succeeded(PORTFOLIO)
    assert retries.rest(limited) == 10


def test_no_other_failure_makes_the_account_rest() -> None:
    retries = Retries(Bound())
    for reason in set(Reason) - {Reason.RATE_LIMIT}:
        assert retries.rest(Failure(reason)) == 0.0


@given(st.integers())
def test_a_rate_limit_rests_at_least_a_second(seed: int) -> None:
    assert 1.0 <= Retries(Random(seed)).rest(Failure(Reason.RATE_LIMIT)) <= 10.0
