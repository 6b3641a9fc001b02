"""Hours of an account in virtual time: every project gets its turn, within the budget."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.poller.schedule import Budget

from .virtual import DOWN, TIMEOUT, VirtualAccount

pytestmark = pytest.mark.unmeasured

HOUR = 3600.0


def account_of(projects: int, *, calls_per_minute: float = 60.0) -> VirtualAccount:
    account = VirtualAccount(Budget(calls_per_minute / 60, status_interval=60.0))
    for project_id in range(1, projects + 1):
        account.add(project_id, portfolio=60.0, statistics=300.0)
    return account


def test_thirty_projects_an_hour() -> None:
    account = account_of(30)
    account.run(until=HOUR)
    portfolios, statistics = account.waits["portfolio"], account.waits["statistics"]
    assert account.schedule.stretch == 1
    assert account.closest == pytest.approx(1.0)
    assert portfolios.calls >= 30 * 57
    assert portfolios.longest() < 60.0 + 10.0
    assert portfolios.longest() / portfolios.median() < 1.1
    assert statistics.longest() < 300.0 + 60.0


@pytest.mark.parametrize("calls_per_minute", [5.0, 20.0, 60.0])
def test_three_hundred_projects_on_far_too_small_a_budget(calls_per_minute: float) -> None:
    account = account_of(300, calls_per_minute=calls_per_minute)
    stretch = account.schedule.stretch
    assert stretch > 4
    # The first round reads everything at once, which takes a while; what counts is what follows.
    start = 4 * 300 * 2 / (calls_per_minute / 60)
    for name in ("portfolio", "statistics"):
        account.waits[name].since = start
    account.run(until=start + 5 * 300.0 * stretch)
    portfolios, statistics = account.waits["portfolio"], account.waits["statistics"]
    assert len(portfolios.of) == len(statistics.of) == 300
    assert account.closest == pytest.approx(60 / calls_per_minute)
    assert portfolios.longest() / portfolios.median() < 1.1
    assert portfolios.longest() < 60.0 * stretch * 1.2
    assert statistics.longest() < 300.0 * stretch * 1.4
    assert statistics.longest() / statistics.median() < 1.4


def test_statistics_are_read_although_every_portfolio_fails_over_a_full_budget() -> None:
    account = account_of(200)
    account.answer = lambda task, _: DOWN if task.name == "portfolio" else None
    account.run(until=2 * HOUR)
    assert len(account.waits["statistics"].last) == 200


def test_when_all_fails_and_recovers_everything_is_read_again_soon() -> None:
    account = account_of(30)
    account.answer = lambda _, now: DOWN if 600 <= now < 1800 else None
    account.run(until=1800.0)
    account.waits.clear()
    account.run(until=1800.0 + 300.0 + 120.0)
    assert len(account.waits["portfolio"].of) == 30


def test_calls_that_stall_leave_the_others_their_turns() -> None:
    account = VirtualAccount(
        Budget(1.0, status_interval=60.0),
        answer=lambda task, _: TIMEOUT if (task.project_id or 9) <= 4 else None,
        latency=lambda task: 30.0 if (task.project_id or 9) <= 4 else 0.2,
        at_once=30,
    )
    for project_id in range(1, 31):
        account.add(project_id, portfolio=60.0)
    account.run(until=HOUR)
    waits = account.waits["portfolio"].of
    assert max(wait for project_id, wait in waits.items() if project_id > 4) < 75.0


@settings(max_examples=40, deadline=None)
@given(
    intervals=st.lists(st.sampled_from([10.0, 30.0, 60.0, 300.0]), min_size=1, max_size=25),
    calls_per_minute=st.sampled_from([10.0, 60.0, 600.0]),
    latency=st.floats(0, 5),
    seed=st.integers(),
)
def test_every_project_is_read_again_within_its_interval_and_a_bounded_slack(
    intervals: list[float], calls_per_minute: float, latency: float, seed: int
) -> None:
    random = Random(seed)
    account = VirtualAccount(
        Budget(calls_per_minute / 60, status_interval=60.0),
        random=random,
        latency=lambda _: random.uniform(0, latency),
    )
    for project_id, interval in enumerate(intervals, 1):
        account.add(project_id, portfolio=interval, statistics=300.0)
    account.run(until=1800.0)  # the first round of everything
    account.waits.clear()
    account.run(until=1800.0 + 3 * HOUR)
    # What is ahead at worst: every other project's portfolio, the list, and what is under way.
    turn = 60 / calls_per_minute
    slack = (len(intervals) + 2) * turn + latency
    waits = account.waits["portfolio"].of
    for project_id in range(1, len(intervals) + 1):
        in_force = account.schedule.interval(account.tasks["portfolio", project_id])
        assert waits[project_id] <= in_force + slack
    assert account.closest >= turn - 1e-6
    assert len(account.waits["statistics"].last) == len(intervals)


def test_only_what_is_kept_is_remembered() -> None:
    account = account_of(3)
    account.run(until=10.0)
    assert account.calls == []
    assert account.names() == []
    assert account.taken == 8
    assert account.waits["portfolio"].longest() == 0.0
