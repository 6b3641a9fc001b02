from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from exporter.metrics.reading import Source
from exporter.poller.pace import Pace
from exporter.poller.plan import DISCOVERY_INTERVAL, Plan
from exporter.poller.queue import Kind, Task
from exporter.poller.retries import Failure
from exporter.quantconnect.errors import Reason

from .virtual import VirtualAccount

PACE = Pace(calls_per_second=1.0, status_interval=60.0, statistics_interval=300.0)
AUTHENTICATE, RUNNING = Task(Kind.AUTHENTICATE), Task(Kind.RUNNING)
AUTH, DOWN = Failure(Reason.AUTH), Failure(Reason.HTTP_5XX)
MINUTE = 60.0


def plan_of(pace: Pace = PACE, *, now: float = 0.0) -> Plan:
    return Plan(pace, random=Random(1), now=now)


def finish(plan: Plan, now: float, failure: Failure | None = None) -> Task:
    """Take the next task at ``now`` or soon after, and let it end at once."""
    task = plan.take(max(now, plan.wake_at()))
    assert task is not None
    plan.done(task, failure, now)
    return task


def authenticated(pace: Pace = PACE) -> Plan:
    plan = plan_of(pace)
    assert finish(plan, 0.0) == AUTHENTICATE
    return plan


def due(plan: Plan, kind: Kind, project_id: int | None = 1) -> float | None:
    return plan._queue.due(Task(kind, project_id))


# --- The account ----------------------------------------------------------------------------------


def test_authenticate_comes_first_and_alone() -> None:
    plan = plan_of()
    plan.add(1, interval=60.0, named=True, now=0.0)
    assert plan.take(0.0) == AUTHENTICATE
    assert plan.take(100.0) is None
    assert plan.wake_at() == float("inf")
    plan.done(AUTHENTICATE, None, 100.0)
    assert plan.take(100.0) == RUNNING


def test_a_bad_token_is_one_authenticate_and_then_silence() -> None:
    account = VirtualAccount(plan_of(), answer=lambda *_: AUTH, keep_calls=True)
    account.add(1, interval=60.0)
    account.run(until=7 * 3600.0)
    assert account.kinds() == [Kind.AUTHENTICATE] * 6
    times = [at for at, _ in account.calls]
    silences = [later - earlier for earlier, later in pairwise(times)]
    assert [round(silence / MINUTE) for silence in silences] == [15, 30, 60, 120, 120]
    assert account.plan.waits_for_auth


def test_another_token_ends_the_silence() -> None:
    good = False
    account = VirtualAccount(plan_of(), answer=lambda *_: None if good else AUTH, keep_calls=True)
    account.add(1, interval=60.0)
    account.run(until=100.0)
    good = True
    account.plan.token_changed(account.now)
    account.run(until=103.0)
    assert [(at, task.kind) for at, task in account.calls] == [
        (0.0, Kind.AUTHENTICATE),
        (100.0, Kind.AUTHENTICATE),
        (101.0, Kind.RUNNING),
        (102.0, Kind.PORTFOLIO),
        (103.0, Kind.STATISTICS),
    ]


def test_a_token_that_changes_while_the_old_one_is_tried_is_tried_too() -> None:
    plan = plan_of()
    assert plan.take(0.0) == AUTHENTICATE
    plan.token_changed(0.5)
    plan.done(AUTHENTICATE, AUTH, 2.0)
    assert not plan.waits_for_auth
    assert plan.take(2.0) == AUTHENTICATE


def test_a_token_that_changes_while_all_is_well_asks_nothing() -> None:
    plan = authenticated()
    plan.token_changed(1.0)
    assert due(plan, Kind.AUTHENTICATE, None) is None


def test_an_authenticate_that_fails_otherwise_is_tried_again_soon() -> None:
    plan = plan_of()
    assert finish(plan, 0.0, DOWN) == AUTHENTICATE
    assert plan.waits_for_auth
    assert plan.wake_at() <= 10.0


def test_a_rejected_call_leads_to_exactly_one_authenticate() -> None:
    plan = authenticated()
    for project_id in (1, 2):
        plan.add(project_id, interval=60.0, named=True, now=0.0)
    calls = [plan.take(at) for at in (1.0, 2.0, 3.0)]
    assert calls == [RUNNING, Task(Kind.PORTFOLIO, 1), Task(Kind.PORTFOLIO, 2)]
    plan.done(Task(Kind.PORTFOLIO, 1), AUTH, 3.5)
    plan.done(Task(Kind.PORTFOLIO, 2), AUTH, 3.6)
    assert not plan.authenticated
    assert plan.take(4.0) == AUTHENTICATE
    plan.done(AUTHENTICATE, None, 4.5)
    plan.done(RUNNING, AUTH, 4.6)  # it was sent before, and says nothing about what came after
    assert plan.authenticated
    assert due(plan, Kind.AUTHENTICATE, None) is None
    after = [task for at in range(5, 30) if (task := plan.take(float(at)))]
    assert Task(Kind.PORTFOLIO, 1) in after
    assert Task(Kind.PORTFOLIO, 2) in after


def test_a_call_that_alone_is_rejected_does_not_keep_the_others_waiting() -> None:
    account = VirtualAccount(
        plan_of(),
        answer=lambda task, _: AUTH if task == Task(Kind.PORTFOLIO, 1) else None,
        keep_calls=True,
    )
    account.add(1, interval=60.0)
    account.add(2, interval=60.0)
    account.run(until=3600.0)
    rejected = [at for at, task in account.calls if task == Task(Kind.PORTFOLIO, 1)]
    assert len(rejected) == 4  # at once, once more, after 15 and 30 minutes
    assert account.kinds().count(Kind.AUTHENTICATE) == 5
    assert len([task for _, task in account.calls if task == Task(Kind.PORTFOLIO, 2)]) >= 58


def test_another_token_gives_rejected_calls_another_try() -> None:
    plan = authenticated(Pace(1.0, 0.0, 0.0))
    plan.add(1, interval=60.0, named=True, now=0.0)
    for at in (10.0, 30.0):
        assert finish(plan, at, AUTH) == Task(Kind.PORTFOLIO, 1)
        assert finish(plan, at + 1) == AUTHENTICATE
    assert due(plan, Kind.PORTFOLIO) == 30.0 + 15 * MINUTE
    plan.token_changed(100.0)
    assert due(plan, Kind.PORTFOLIO) == 100.0


@pytest.mark.parametrize(("asked", "rest"), [(30.0, 30.0), (0.0, 1.0), (86_400.0, 900.0)])
def test_a_rate_limit_makes_the_account_rest(asked: float, rest: float) -> None:
    plan = authenticated()
    plan.add(1, interval=60.0, named=True, now=0.0)
    assert finish(plan, 5.0, Failure(Reason.RATE_LIMIT, retry_after=asked)) == RUNNING
    assert plan.rests(5.0)
    assert plan.take(5.0 + rest - 0.01) is None
    assert not plan.rests(5.0 + rest)
    assert plan.take(max(6.0, 5.0 + rest)) is not None


def test_rate_limits_without_a_time_make_longer_and_longer_rests() -> None:
    limited = Failure(Reason.RATE_LIMIT)
    account = VirtualAccount(authenticated(), answer=lambda *_: limited, keep_calls=True)
    for project_id in range(1, 21):
        account.add(project_id, interval=60.0)
    account.run(until=3600.0)
    assert 10 < len(account.calls) < 60  # of 3600 that the budget had room for


# --- Turns ----------------------------------------------------------------------------------------


def test_the_order_of_kinds_and_the_spacing() -> None:
    plan = authenticated(Pace(2.0, 60.0, 300.0, discovers=True))
    plan.add(1, interval=60.0, named=True, now=0.0)
    plan.add(2, interval=60.0, named=True, now=0.0)
    plan.add(3, interval=60.0, named=False, now=0.0)
    plan.listed(2, running=False, now=0.0)
    assert plan.take(0.49) is None
    assert [plan.take(0.5 * turn) for turn in range(1, 9)] == [
        RUNNING,
        Task(Kind.DEPLOYMENTS),
        Task(Kind.PORTFOLIO, 1),
        Task(Kind.PORTFOLIO, 2),
        Task(Kind.STATUS, 2),
        Task(Kind.STATISTICS, 1),
        Task(Kind.STATISTICS, 2),
        Task(Kind.NAME, 3),
    ]
    assert plan.under_way == 8


def test_a_task_comes_again_an_interval_after_it_was_taken() -> None:
    plan = authenticated(Pace(1.0, 60.0, 300.0, discovers=True))
    plan.add(1, interval=45.0, named=True, now=0.0)
    for at in (10.0, 20.0, 30.0, 40.0):
        task = plan.take(at)
        assert task is not None
        plan.done(task, None, at + 7.0)
    assert due(plan, Kind.RUNNING, None) == 70.0
    assert due(plan, Kind.DEPLOYMENTS, None) == 20.0 + DISCOVERY_INTERVAL
    assert due(plan, Kind.PORTFOLIO) == 75.0
    assert due(plan, Kind.STATISTICS) == 340.0


def test_not_ready_comes_again_at_the_normal_pace() -> None:
    plan = authenticated(Pace(1.0, 0.0, 0.0))
    plan.add(1, interval=45.0, named=True, now=0.0)
    for at in (10.0, 100.0, 200.0):
        finish(plan, at, Failure(Reason.NOT_READY))
        assert due(plan, Kind.PORTFOLIO) == at + 45.0


def test_a_name_is_asked_for_until_it_is_settled_and_not_after() -> None:
    plan = authenticated(Pace(1.0, 0.0, 0.0))
    plan.add(1, interval=60.0, named=False, now=0.0)
    name = Task(Kind.NAME, 1)
    for tries in (1, 2, 3):
        assert finish(plan, 1000.0 * tries, DOWN) == name
        assert plan.failures(name) == tries
    plan.name_settled(1, 3001.0)
    assert due(plan, Kind.NAME) is None
    assert plan.failures(name) == 0
    assert due(plan, Kind.PORTFOLIO) == 3001.0


def test_a_name_that_is_settled_while_it_is_asked_for() -> None:
    plan = authenticated(Pace(1.0, 0.0, 0.0))
    plan.add(1, interval=60.0, named=False, now=0.0)
    assert plan.take(1.0) == Task(Kind.NAME, 1)
    plan.name_settled(1, 2.0)
    plan.done(Task(Kind.NAME, 1), DOWN, 3.0)
    assert due(plan, Kind.NAME) is None


# --- What runs ------------------------------------------------------------------------------------


def read_once(pace: Pace = PACE) -> Plan:
    """A plan whose project 1 runs and was read at 10."""
    plan = authenticated(pace)
    plan.add(1, interval=60.0, named=True, now=0.0)
    plan.listed(1, running=True, now=0.0)
    for _ in range(3):
        finish(plan, 10.0)
    return plan


def test_leaving_the_list_is_asked_about_at_once() -> None:
    plan = read_once()
    assert not plan.listed(1, running=False, now=20.0)
    assert plan.take(20.0) == Task(Kind.STATUS, 1)


def test_a_stopped_project_is_read_at_once_and_then_five_times_more_rarely() -> None:
    plan = read_once()
    plan.listed(1, running=False, now=20.0)
    assert plan.take(20.0) == Task(Kind.STATUS, 1)
    assert plan.runs(1, running=False, now=20.5)
    plan.done(Task(Kind.STATUS, 1), None, 20.5)
    assert due(plan, Kind.STATUS) == 20.0 + 300.0
    assert due(plan, Kind.PORTFOLIO) == due(plan, Kind.STATISTICS) == 20.5
    assert finish(plan, 21.0) == Task(Kind.PORTFOLIO, 1)
    assert due(plan, Kind.PORTFOLIO) == 21.0 + 300.0
    assert [plan.interval(1, source) for source in Source] == [300.0, 300.0, 1500.0]
    assert not plan.listed(1, running=False, now=80.0)
    assert due(plan, Kind.STATUS) == 320.0  # it is known not to run: no hurry


def test_back_in_the_list_it_is_read_at_once_and_as_often_as_before() -> None:
    plan = read_once()
    plan.runs(1, running=False, now=20.0)
    finish(plan, 21.0)
    assert plan.listed(1, running=True, now=100.0)
    assert due(plan, Kind.STATUS) is None
    assert due(plan, Kind.PORTFOLIO) == 100.0
    assert plan.interval(1, Source.PORTFOLIO) == 60.0
    assert not plan.listed(1, running=True, now=160.0)


def test_news_while_the_portfolio_is_read_have_it_read_once_more() -> None:
    plan = read_once()
    assert plan.take(70.0) == RUNNING
    assert plan.take(71.0) == Task(Kind.PORTFOLIO, 1)
    plan.runs(1, running=False, now=71.2)
    plan.done(Task(Kind.PORTFOLIO, 1), None, 71.5)
    assert due(plan, Kind.PORTFOLIO) == 71.5


def test_a_status_that_fails_backs_off_whatever_the_list_says() -> None:
    plan = read_once()
    plan.listed(1, running=False, now=20.0)
    assert finish(plan, 20.0, DOWN) == Task(Kind.STATUS, 1)
    waits = due(plan, Kind.STATUS)
    plan.listed(1, running=False, now=20.1)
    assert due(plan, Kind.STATUS) == waits


def test_a_status_that_fails_is_not_asked_again_of_what_is_listed_by_now() -> None:
    plan = read_once()
    plan.listed(1, running=False, now=20.0)
    assert plan.take(20.0) == Task(Kind.STATUS, 1)
    plan.listed(1, running=True, now=21.0)
    plan.done(Task(Kind.STATUS, 1), DOWN, 22.0)
    assert due(plan, Kind.STATUS) is None
    assert plan.failures(Task(Kind.STATUS, 1)) == 0


def test_an_unlisted_project_that_runs_after_all_is_left_to_the_next_list() -> None:
    plan = read_once()
    plan.listed(1, running=False, now=20.0)
    assert plan.take(20.0) == Task(Kind.STATUS, 1)
    assert not plan.runs(1, running=True, now=20.5)
    plan.done(Task(Kind.STATUS, 1), None, 20.5)
    assert due(plan, Kind.STATUS) is None


# --- Other projects, another pace -----------------------------------------------------------------


def test_what_is_removed_is_asked_no_more() -> None:
    plan = authenticated(Pace(1.0, 60.0, 300.0))
    plan.add(1, interval=60.0, named=True, now=0.0)
    plan.add(2, interval=60.0, named=False, now=0.0)
    finish(plan, 1.0)
    needed = plan.needed
    plan.remove(1)
    plan.remove(2)
    assert plan.needed < needed
    assert plan.needed == pytest.approx(PACE.listing)
    assert plan.wake_at() == 61.0  # the list


def test_what_is_added_again_has_not_failed_yet() -> None:
    plan = authenticated(Pace(1.0, 0.0, 0.0))
    plan.add(1, interval=60.0, named=True, now=0.0)
    assert finish(plan, 1.0, DOWN) == Task(Kind.PORTFOLIO, 1)
    plan.remove(1)
    plan.add(1, interval=60.0, named=True, now=2.0)
    assert plan.failures(Task(Kind.PORTFOLIO, 1)) == 0


@pytest.mark.parametrize("failure", [None, DOWN])
def test_what_is_removed_while_it_is_asked_is_over_with_the_answer(failure: Failure | None) -> None:
    plan = authenticated(Pace(1.0, 0.0, 0.0))
    plan.add(1, interval=60.0, named=True, now=0.0)
    assert plan.take(1.0) == Task(Kind.PORTFOLIO, 1)
    plan.remove(1)
    plan.done(Task(Kind.PORTFOLIO, 1), failure, 2.0)
    assert plan.take(1000.0) is None
    assert not plan.under_way


@pytest.mark.parametrize("failure", [None, DOWN])
def test_what_is_removed_and_added_again_meanwhile_is_read_at_once(failure: Failure | None) -> None:
    plan = authenticated(Pace(1.0, 60.0, 0.0))
    finish(plan, 0.0)
    plan.add(1, interval=60.0, named=True, now=0.0)
    plan.listed(1, running=False, now=2.0)
    assert plan.take(2.0) == Task(Kind.PORTFOLIO, 1)
    assert plan.take(3.0) == Task(Kind.STATUS, 1)
    plan.remove(1)
    plan.add(1, interval=60.0, named=True, now=4.0)
    plan.listed(1, running=False, now=4.0)
    assert plan.take(4.5) is None  # never two of one thing at a time
    plan.done(Task(Kind.PORTFOLIO, 1), failure, 5.0)
    plan.done(Task(Kind.STATUS, 1), failure, 6.0)
    assert plan.take(6.0) == Task(Kind.PORTFOLIO, 1)
    assert plan.take(7.0) == Task(Kind.STATUS, 1)
    assert plan.failures(Task(Kind.PORTFOLIO, 1)) == 0


def test_a_shorter_interval_counts_from_now_and_a_longer_one_from_the_next_read() -> None:
    plan = read_once()
    plan.change_interval(1, 10.0, 12.0)
    assert due(plan, Kind.PORTFOLIO) == 22.0
    plan.change_interval(1, 600.0, 13.0)
    assert due(plan, Kind.PORTFOLIO) == 22.0
    assert plan.interval(1, Source.PORTFOLIO) == 600.0


def test_a_reload_does_not_cut_a_back_off_short() -> None:
    plan = read_once()
    assert finish(plan, 71.0) == RUNNING
    assert finish(plan, 75.0, DOWN) == Task(Kind.PORTFOLIO, 1)
    waits = due(plan, Kind.PORTFOLIO)
    plan.change_interval(1, 1.0, 75.0)
    assert due(plan, Kind.PORTFOLIO) == waits


def test_statistics_and_status_can_be_switched_off_and_on() -> None:
    plan = read_once()
    plan.runs(1, running=False, now=20.0)
    plan.listed(1, running=False, now=20.0)
    plan.add(2, interval=60.0, named=True, now=20.0)
    plan.listed(2, running=False, now=20.0)
    plan.keep_pace(Pace(1.0, 0.0, 0.0), 21.0)
    for kind in (Kind.STATUS, Kind.STATISTICS):
        assert due(plan, kind, 1) is due(plan, kind, 2) is None
    assert due(plan, Kind.RUNNING, None) is None
    # Nobody tells any more whether it runs: it is read as if it did.
    assert plan.interval(1, Source.PORTFOLIO) == 60.0
    assert not plan.runs(1, running=False, now=22.0)
    assert not plan.listed(1, running=True, now=22.0)
    assert plan.interval(1, Source.PORTFOLIO) == 60.0
    plan.keep_pace(PACE, 30.0)
    assert due(plan, Kind.RUNNING, None) == 30.0
    assert due(plan, Kind.STATISTICS) == 30.0


def test_what_is_switched_off_while_it_is_asked_does_not_come_again() -> None:
    plan = authenticated()
    plan.add(1, interval=60.0, named=True, now=0.0)
    calls = [plan.take(float(at)) for at in (1, 2, 3)]
    plan.keep_pace(Pace(1.0, 0.0, 0.0), 4.0)
    for task, failure in zip(calls, (None, DOWN, DOWN), strict=True):
        assert task is not None
        plan.done(task, failure, 5.0)
    assert due(plan, Kind.RUNNING, None) is due(plan, Kind.STATISTICS) is None
    assert plan.failures(Task(Kind.STATISTICS, 1)) == 0


def test_discovery_can_be_switched_on_and_off() -> None:
    plan = authenticated()
    plan.keep_pace(Pace(1.0, 60.0, 300.0, discovers=True), 5.0)
    assert due(plan, Kind.DEPLOYMENTS, None) == 5.0
    plan.keep_pace(PACE, 6.0)
    assert due(plan, Kind.DEPLOYMENTS, None) is None


def test_over_budget_the_list_keeps_its_pace_and_all_else_is_stretched() -> None:
    plan = authenticated(Pace(0.5, 60.0, 300.0))
    for project_id in range(1, 61):
        plan.add(project_id, interval=60.0, named=True, now=0.0)
    assert plan.needed * 60 == pytest.approx(60 + 12 + 1)
    assert plan.stretch == pytest.approx((1 + 0.2) / ((0.5 - 1 / 60) * 0.95))
    assert plan.interval(1, Source.STATUS) == 60.0
    assert plan.interval(1, Source.PORTFOLIO) == pytest.approx(60 * plan.stretch)


def test_news_do_not_bring_back_what_is_off() -> None:
    plan = authenticated(Pace(1.0, 60.0, 0.0))
    plan.add(1, interval=60.0, named=True, now=0.0)
    plan.listed(1, running=True, now=0.0)
    plan.runs(1, running=False, now=5.0)
    assert due(plan, Kind.PORTFOLIO) == 0.0
    assert due(plan, Kind.STATISTICS) is None
