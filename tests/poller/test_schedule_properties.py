"""Whatever happens in whatever order: the schedule keeps its promises."""

from __future__ import annotations

from math import inf
from random import Random

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.poller.schedule import LONGEST_LOCKOUT_WAIT, Budget, Schedule
from exporter.poller.task import Call, Task
from exporter.quantconnect.errors import ApiError, Reason

from .virtual import task_of

NAMES = st.sampled_from(["portfolio", "status", "statistics"])
PROJECTS = st.integers(1, 4)
INTERVALS = st.sampled_from([1.0, 60.0, 3600.0])
BUDGETS = st.builds(
    Budget,
    calls_per_second=st.sampled_from([0.1, 1.0, 7.0]),
    status_interval=st.sampled_from([0.0, 5.0, 60.0]),
)
ENDINGS = st.one_of(
    st.none(),
    st.builds(ApiError, st.sampled_from(Reason), st.just("no")),
    st.builds(ApiError, st.just(Reason.RATE_LIMIT), st.just("no"), retry_after=st.floats(0, 2000)),
)


class AnyAccount(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.authenticate = task_of("authenticate")
        self.schedule = Schedule(self.authenticate, Budget(1.0, 60.0), random=Random(1), now=1000.0)
        self.tasks: dict[tuple[str, int], Task] = {}
        self.under_way: list[Call] = []
        self.next_slot = self.now
        self.longest = LONGEST_LOCKOUT_WAIT

    def task(self, name: str, project_id: int) -> Task:
        return self.tasks.setdefault((name, project_id), task_of(name, project_id))

    # What happens.

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def time_passes_until_the_next_turn(self) -> None:
        if (then := self.schedule.first_due()) < inf:
            self.now = max(self.now, then)

    @rule()
    def a_turn(self) -> None:
        every = [self.authenticate, *self.tasks.values()]
        due = {id(task): task.due for task in every}
        waiting = [(task.priority, task.due) for task in every if task.due <= self.now]
        authenticated = self.schedule.authenticated
        rests = self.schedule.is_resting(self.now)
        call = self.schedule.next(self.now)
        if not isinstance(call, Call):
            assert call > 0
            in_time = self.now >= self.next_slot and not rests
            assert not in_time or not [one for one in waiting if authenticated or one[0] == 0]
            return
        task = call.task
        assert self.now >= self.next_slot, "calls come closer than the budget allows"
        assert not rests
        assert task not in [each.task for each in self.under_way if each.task.call is each]
        assert authenticated or task is self.authenticate
        assert (task.priority, due[id(task)]) == min(waiting)
        self.next_slot = self.now + 1 / self.schedule.budget.calls_per_second
        self.under_way.append(call)

    @precondition(lambda self: self.under_way)
    @rule(which=st.randoms(use_true_random=False), failure=ENDINGS)
    def a_call_ends(self, which: Random, failure: ApiError | None) -> None:
        call = which.choice(self.under_way)
        self.under_way.remove(call)
        self.schedule.put(call, failure, self.now)

    @rule(name=NAMES, project_id=PROJECTS, every=st.one_of(st.just(0.0), INTERVALS))
    def an_interval(self, name: str, project_id: int, every: float) -> None:
        self.schedule.set_interval(self.task(name, project_id), every, self.now)

    @rule(name=NAMES, project_id=PROJECTS)
    def news(self, name: str, project_id: int) -> None:
        self.schedule.run_now(self.task(name, project_id), self.now)

    @rule(name=NAMES, project_id=PROJECTS)
    def a_task_goes(self, name: str, project_id: int) -> None:
        self.schedule.drop(self.task(name, project_id))

    @rule(budget=BUDGETS)
    def another_budget(self, budget: Budget) -> None:
        self.schedule.budget = budget

    @rule()
    def another_token(self) -> None:
        self.schedule.use_new_token(self.now)

    # What must hold at any time.

    @invariant()
    def nothing_regular_is_lost(self) -> None:
        for task in self.tasks.values():
            assert (task.due < inf) + (task.call is not None) <= 1, "waits and is under way"
            if task.regular_interval:
                assert task.due < inf or task.call is not None, f"lost: {task.name}"
        if not self.schedule.authenticated:
            assert self.authenticate.due < inf or self.authenticate.call is not None
        assert self.schedule.under_way == len(self.under_way)

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        for task in self.tasks.values():
            self.longest = max(self.longest, self.schedule.interval(task))
            assert task.due == inf or task.due <= self.now + self.longest

    @invariant()
    def demand_is_the_sum_of_what_is_asked_for(self) -> None:
        regular = sum(
            1 / task.regular_interval for task in self.tasks.values() if task.regular_interval
        )
        listing = self.schedule.budget.listing
        assert abs(self.schedule.demand - regular - listing) < 1e-9
        assert self.schedule.stretch >= 1

    @invariant()
    def it_wakes_in_time(self) -> None:
        assert self.schedule.first_due() >= self.next_slot or self.schedule.is_resting(self.now)


AnyAccount.TestCase.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
TestAnyAccount = AnyAccount.TestCase
