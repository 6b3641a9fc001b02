from __future__ import annotations

from itertools import pairwise
from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.poller.schedule import Budget, Schedule, backoff, lockout_wait
from exporter.poller.task import Call, Fault, Task
from exporter.quantconnect.errors import ApiError, Reason

from .virtual import AUTH, DOWN, NOT_READY, TIMEOUT, VirtualAccount, task_of

MINUTE = 60.0


class Bound(Random):
    """Draws the upper bound each time, so that the bounds can be seen."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Turns:
    """A schedule that is authenticated, with tasks of projects."""

    def __init__(self, budget: Budget | None = None, random: Random | None = None) -> None:
        self.authenticate = task_of("authenticate")
        self.schedule = Schedule(
            self.authenticate, budget or Budget(1.0), random=random or Bound(), now=0.0
        )
        self.end(self.take(0.0), None, 0.0)

    def add(self, name: str, project_id: int | None = 1, *, every: float = 60.0) -> Task:
        task = task_of(name, project_id)
        self.schedule.set_interval(task, every, 0.0)
        return task

    def take(self, now: float) -> Call:
        call = self.schedule.next(max(now, self.schedule.first_due()))
        assert isinstance(call, Call)
        return call

    def end(self, call: Call, failure: ApiError | Fault | None, now: float) -> Task:
        self.schedule.put(call, failure, now)
        return call.task

    def once(self, now: float, failure: ApiError | Fault | None = None) -> Task:
        """Take the call that is next and end it at once."""
        return self.end(self.take(now), failure, now)


# --- Authentication -------------------------------------------------------------------------------


def test_authenticate_comes_first_and_alone() -> None:
    authenticate, running = task_of("authenticate"), task_of("running")
    schedule = Schedule(authenticate, Budget(1.0, 60.0), random=Random(1), now=0.0)
    schedule.set_interval(running, 60.0, 0.0)
    call = schedule.next(0.0)
    assert isinstance(call, Call)
    assert call.task is authenticate
    assert schedule.next(100.0) == inf
    assert not schedule.authenticated
    schedule.put(call, None, 100.0)
    assert schedule.authenticated
    following = schedule.next(100.0)
    assert isinstance(following, Call)
    assert following.task is running


def test_a_bad_token_is_one_authenticate_and_then_silence() -> None:
    account = VirtualAccount(Budget(1.0, 60.0), answer=lambda *_: AUTH, keep_calls=True)
    account.add(1, portfolio=60.0)
    account.run(until=7 * 3600.0)
    assert account.names() == ["authenticate"] * 6
    silences = [later - earlier for (earlier, _), (later, _) in pairwise(account.calls)]
    assert [round(silence / MINUTE) for silence in silences] == [15, 30, 60, 120, 120]
    assert account.schedule.is_waiting_for_auth


def test_another_token_ends_the_silence() -> None:
    account = VirtualAccount(Budget(1.0, 60.0), answer=lambda *_: AUTH, keep_calls=True)
    account.add(1, portfolio=60.0, statistics=300.0)
    account.run(until=100.0)
    account.answer = lambda *_: None
    account.schedule.use_new_token(account.now)
    account.run(until=103.0)
    assert [(at, task.name) for at, task in account.calls] == [
        (0.0, "authenticate"),
        (100.0, "authenticate"),
        (101.0, "running"),
        (102.0, "portfolio"),
        (103.0, "statistics"),
    ]


def test_a_token_that_changes_while_the_old_one_is_tried_is_tried_too() -> None:
    authenticate = task_of("authenticate")
    schedule = Schedule(authenticate, Budget(1.0), random=Random(1), now=0.0)
    call = schedule.next(0.0)
    assert isinstance(call, Call)
    schedule.use_new_token(0.5)
    schedule.put(call, AUTH, 2.0)
    assert not schedule.is_waiting_for_auth
    assert isinstance(schedule.next(2.0), Call)


def test_a_token_that_changes_while_all_is_well_asks_nothing() -> None:
    turns = Turns()
    turns.schedule.use_new_token(1.0)
    assert turns.authenticate.due == inf


def test_an_authenticate_that_fails_otherwise_is_tried_again_soon() -> None:
    authenticate = task_of("authenticate")
    schedule = Schedule(authenticate, Budget(1.0), random=Bound(), now=0.0)
    call = schedule.next(0.0)
    assert isinstance(call, Call)
    schedule.put(call, DOWN, 0.0)
    assert schedule.is_waiting_for_auth
    assert schedule.first_due() == 10.0


def test_a_rejected_call_leads_to_exactly_one_authenticate() -> None:
    turns = Turns()
    tasks = [turns.add("portfolio", number) for number in (1, 2, 3)]
    calls = [turns.take(at) for at in (1.0, 2.0, 3.0)]
    assert [call.task for call in calls] == tasks
    turns.end(calls[0], AUTH, 3.5)
    turns.end(calls[1], AUTH, 3.6)
    assert not turns.schedule.authenticated
    assert turns.once(4.0) is turns.authenticate
    turns.end(calls[2], AUTH, 4.6)  # it was sent before, and says nothing about what came after
    assert turns.schedule.authenticated
    assert turns.authenticate.due == inf


def test_a_call_that_alone_is_rejected_does_not_keep_the_others_waiting() -> None:
    account = VirtualAccount(
        Budget(1.0, 60.0),
        answer=lambda task, _: AUTH if task.project_id == 1 else None,
        keep_calls=True,
    )
    account.add(1, portfolio=60.0)
    account.add(2, portfolio=60.0)
    account.run(until=3600.0)
    rejected = [at for at, task in account.calls if task.project_id == 1]
    assert len(rejected) == 4  # at once, once more, after 15 and 30 minutes
    assert account.names().count("authenticate") == 5
    assert len([task for _, task in account.calls if task.project_id == 2]) >= 58


@pytest.mark.parametrize("is_new_token", [True, False])
def test_the_wait_of_a_rejected_call_can_be_ended(*, is_new_token: bool) -> None:
    turns = Turns()
    task = turns.add("portfolio")
    for at in (10.0, 30.0):
        assert turns.once(at, AUTH) is task
        assert turns.once(at + 1) is turns.authenticate
    assert task.due == 30.0 + 15 * MINUTE
    other = turns.add("statistics", every=300.0)
    assert turns.once(40.0, DOWN) is other
    waits = other.due
    (turns.schedule.use_new_token if is_new_token else turns.schedule.end_waits)(100.0)
    assert (task.due, task.failures, task.rejections) == (100.0, 0, 0)
    assert other.due == waits


def test_forgiving_asks_once_more_whether_the_account_is_accepted() -> None:
    turns = Turns()
    task = turns.add("portfolio")
    call = turns.take(1.0)
    turns.end(call, AUTH, 1.0)
    assert turns.end(turns.take(2.0), AUTH, 2.0) is turns.authenticate
    turns.schedule.end_waits(3.0)
    assert turns.authenticate.due == 3.0
    assert task.failures == 0


# --- Waits after failures -------------------------------------------------------------------------


def waits_of(task_name: str, failures: list[ApiError | Fault], every: float = 60.0) -> list[float]:
    """How long a task waits after each of several failures in a row."""
    turns = Turns()
    task = turns.add(task_name, every=every)
    waits = []
    now = 1.0
    for failure in failures:
        while (call := turns.take(now)).task is not task:
            turns.end(call, None, now)
        now = max(now, call.taken)
        turns.end(call, failure, now)
        waits.append(task.due - now)
        now = task.due
    return waits


def test_the_bound_doubles_up_to_five_minutes() -> None:
    assert waits_of("portfolio", [TIMEOUT] * 8) == [10, 20, 40, 80, 160, 300, 300, 300]
    assert waits_of("portfolio", [Fault()] * 2) == [10, 20]


def test_the_bound_is_the_interval_where_that_is_longer() -> None:
    assert backoff(1000, interval=3600.0, random=Bound()) == 3600.0


@given(st.integers(1, 10_000), st.floats(1, 86_400), st.integers())
def test_full_jitter_stays_within_the_bound(failures: int, interval: float, seed: int) -> None:
    wait = backoff(failures, interval=interval, random=Random(seed))
    assert 0 <= wait <= min(max(300.0, interval), 5.0 * 2.0 ** min(failures, 40))


def test_full_jitter_uses_the_whole_room() -> None:
    random = Random(7)
    drawn = [backoff(9, interval=60.0, random=random) for _ in range(500)]
    assert min(drawn) < 15
    assert max(drawn) > 285


def test_a_rejected_authenticate_waits_a_quarter_of_an_hour_doubling_to_two() -> None:
    assert [lockout_wait(count) / 60 for count in (1, 2, 3, 4, 5, 99)] == [15, 30, 60, *[120] * 3]


def test_another_call_that_is_rejected_is_tried_once_more_soon() -> None:
    assert waits_of("portfolio", [AUTH] * 4) == [10, 15 * 60, 30 * 60, 60 * 60]


def test_only_rejections_count_for_that() -> None:
    assert waits_of("portfolio", [TIMEOUT, TIMEOUT, AUTH, AUTH]) == [10, 20, 40, 15 * 60]


def test_not_ready_comes_again_at_the_normal_pace() -> None:
    assert waits_of("portfolio", [NOT_READY] * 3, every=45.0) == [45, 45, 45]


def test_what_is_loading_comes_again_later_and_later() -> None:
    loading = ApiError(Reason.NOT_READY, "still loading", is_loading=True)
    assert waits_of("orders", [loading] * 4, every=600.0) == [10, 60, 360, 600]
    turns = Turns()
    task = turns.add("orders", every=0.0)
    turns.schedule.run_now(task, 1.0)
    turns.once(1.0, loading)
    assert task.due == 11.0


def test_success_begins_anew() -> None:
    turns = Turns()
    task = turns.add("portfolio")
    turns.once(1.0, TIMEOUT)
    turns.once(100.0)
    assert task.failures == 0
    turns.once(200.0, TIMEOUT)
    assert task.due == 210.0


def test_over_a_full_budget_no_retry_comes_sooner_than_the_usual_read() -> None:
    turns = Turns(Budget(0.01), Random(3))
    task = turns.add("portfolio", every=90.0)
    interval = turns.schedule.interval(task)
    assert interval > 90.0
    call = turns.take(100.0)
    turns.end(call, TIMEOUT, 100.0)
    assert task.due == 100.0 + interval


@pytest.mark.parametrize("reason", [Reason.RATE_LIMIT, Reason.HTTP_5XX])
@pytest.mark.parametrize(("asked", "rest"), [(30.0, 30.0), (0.0, 1.0), (86_400.0, 900.0)])
def test_retry_after_is_honoured_and_bounded(reason: Reason, asked: float, rest: float) -> None:
    turns = Turns()
    turns.add("portfolio")
    turns.add("portfolio", 2)
    turns.once(5.0, ApiError(reason, "wait", retry_after=asked))
    assert turns.schedule.is_resting(5.0)
    wait = turns.schedule.next(5.0)
    assert wait == pytest.approx(rest)
    assert not turns.schedule.is_resting(5.0 + rest)


def test_a_rate_limit_that_names_no_time_backs_off() -> None:
    limited = ApiError(Reason.RATE_LIMIT, "too many requests")
    turns = Turns()
    for number in range(1, 10):
        turns.add("portfolio", number)
    now, rests = 1.0, []
    for _ in range(7):
        turns.once(now, limited)
        rests.append(turns.schedule.first_due() - now)
        now = turns.schedule.first_due()
    assert rests == [10, 20, 40, 80, 160, 300, 300]
    turns.once(now)
    turns.once(now + 1, limited)
    assert turns.schedule.first_due() - (now + 1) == 10


def test_no_other_failure_makes_the_account_rest() -> None:
    for reason in set(Reason) - {Reason.RATE_LIMIT}:
        turns = Turns()
        turns.add("portfolio")
        turns.once(1.0, ApiError(reason, "no"))
        assert not turns.schedule.is_resting(1.0)


# --- Turns ----------------------------------------------------------------------------------------


def test_the_most_urgent_first_and_evenly_spaced() -> None:
    turns = Turns(Budget(2.0, 60.0))
    later = [turns.add("statistics", number) for number in (1, 2)]
    first = [turns.add("running", None), *(turns.add("portfolio", each) for each in (1, 2))]
    assert turns.schedule.next(0.25) == 0.25
    taken = [turns.schedule.next(0.5 * turn) for turn in range(1, 6)]
    assert [call.task for call in taken if isinstance(call, Call)] == first + later
    assert turns.schedule.under_way == 5
    assert turns.schedule.next(10.0) == inf


def test_a_task_comes_again_an_interval_after_it_was_taken() -> None:
    turns = Turns()
    task = turns.add("portfolio", every=45.0)
    turns.end(turns.take(10.0), None, 17.0)
    assert task.due == 55.0


def test_a_task_without_an_interval_is_asked_until_it_succeeds_once() -> None:
    turns = Turns()
    task = task_of("status", 1)
    turns.schedule.run_now(task, 1.0)
    turns.once(1.0, DOWN)
    assert task.due == 11.0
    turns.once(11.0)
    assert task.due == inf


def test_news_while_a_task_is_under_way_have_it_asked_once_more() -> None:
    turns = Turns()
    task = turns.add("portfolio")
    call = turns.take(1.0)
    turns.schedule.run_now(task, 1.2)
    assert turns.schedule.next(2.0) == inf  # never two calls of one task at a time
    turns.end(call, None, 2.0)
    assert task.due == 2.0


def test_a_hurry_brings_no_call_later() -> None:
    turns = Turns()
    task = turns.add("portfolio")
    turns.schedule.run_now(task, 50.0)
    assert task.due == 0.0


# --- Other intervals ------------------------------------------------------------------------------


def test_a_shorter_interval_counts_from_now_and_a_longer_one_from_the_next_read() -> None:
    turns = Turns()
    task = turns.add("portfolio", every=60.0)
    turns.once(10.0)
    turns.schedule.set_interval(task, 10.0, 12.0)
    assert task.due == 22.0
    turns.schedule.set_interval(task, 600.0, 13.0)
    assert task.due == 22.0
    assert turns.schedule.interval(task) == 600.0


def test_another_interval_does_not_cut_a_back_off_short() -> None:
    turns = Turns()
    task = turns.add("portfolio", every=60.0)
    turns.once(10.0, DOWN)
    turns.schedule.set_interval(task, 1.0, 10.0)
    assert task.due == 20.0


def test_a_task_that_is_switched_off_is_asked_no_more() -> None:
    turns = Turns()
    task = turns.add("portfolio")
    turns.once(1.0, DOWN)
    turns.schedule.set_interval(task, 0.0, 2.0)
    assert (task.due, task.failures) == (inf, 0)
    assert turns.schedule.demand == 0
    assert turns.schedule.next(1000.0) == inf
    turns.schedule.set_interval(task, 0.0, 3.0)
    turns.schedule.set_interval(task, 60.0, 5.0)
    assert task.due == 5.0


@pytest.mark.parametrize("failure", [None, DOWN])
def test_a_task_that_is_dropped_while_under_way_is_over_with_the_answer(
    failure: ApiError | None,
) -> None:
    turns = Turns()
    task = turns.add("portfolio")
    call = turns.take(1.0)
    turns.schedule.drop(task)
    turns.end(call, failure, 2.0)
    assert task.due == inf
    assert not turns.schedule.under_way
    assert turns.schedule.next(1000.0) == inf


def test_a_call_of_a_dropped_task_still_tells_of_the_account() -> None:
    turns = Turns()
    task = turns.add("portfolio")
    call = turns.take(1.0)
    turns.schedule.drop(task)
    turns.end(call, AUTH, 2.0)
    assert turns.take(2.0).task is turns.authenticate


# --- The budget -----------------------------------------------------------------------------------


def test_intervals_that_fit_are_not_stretched() -> None:
    turns = Turns(Budget(1.0, 60.0))
    running = turns.add("running", None)
    portfolio, statistics = turns.add("portfolio"), turns.add("statistics", every=300.0)
    assert turns.schedule.demand == pytest.approx(1 / 60 + 1 / 60 + 1 / 300)
    assert turns.schedule.stretch == 1
    every = [turns.schedule.interval(task) for task in (running, portfolio, statistics)]
    assert every == [60, 60, 300]


def test_intervals_that_do_not_fit_are_stretched_evenly_but_for_the_list() -> None:
    turns = Turns(Budget(1.0, 60.0))
    running = turns.add("running", None)
    portfolios = [turns.add("portfolio", number, every=30.0) for number in range(60)]
    statistics = [turns.add("statistics", number, every=300.0) for number in range(60)]
    assert turns.schedule.demand * 60 == pytest.approx(60 * 2 + 60 / 5 + 1)
    stretch = (60 / 30 + 60 / 300) / ((1 - 1 / 60) * 0.95)
    assert turns.schedule.stretch == pytest.approx(stretch)
    tasks = (portfolios[0], running, statistics[0])
    assert [turns.schedule.interval(task) for task in tasks] == pytest.approx(
        [30 * stretch, 60, 300 * stretch]
    )


def test_dropping_gives_the_budget_back() -> None:
    turns = Turns(Budget(0.5, 30.0))
    tasks = [turns.add("portfolio", number, every=7.0 + number) for number in range(50)]
    for task in tasks[1:]:
        turns.schedule.drop(task)
    assert turns.schedule.demand == pytest.approx(1 / 7 + 1 / 30)


def test_a_task_that_a_listing_tells_of_has_the_listings_interval() -> None:
    turns = Turns(Budget(0.001, 60.0))
    turns.add("portfolio")
    task = task_of("status", 1)
    task.listed_interval = turns.schedule.budget.listing_interval
    assert turns.schedule.interval(task) == task.listed_interval


def test_the_list_leaves_a_tenth_of_a_budget_that_it_would_take_whole() -> None:
    share = Budget(calls_per_second=0.1, status_interval=5.0)
    assert share.listing == pytest.approx(0.09)
    assert share.listing_interval == pytest.approx(1 / 0.09)
    turns = Turns(share)
    task = turns.add("portfolio")
    assert turns.schedule.stretch == pytest.approx(1 / 60 / (0.01 * 0.95))
    assert turns.schedule.interval(task) == pytest.approx(60 * turns.schedule.stretch)


def test_a_list_that_is_off_costs_nothing() -> None:
    assert Budget(1.0).listing == Budget(1.0).listing_interval == 0.0
