"""Whatever happens in whatever order: the plan keeps its promises."""

from __future__ import annotations

from random import Random

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.metrics.reading import Source
from exporter.poller.backoff import AUTH_LONGEST
from exporter.poller.pace import Pace
from exporter.poller.plan import DISCOVERY_INTERVAL, Plan
from exporter.poller.queue import Kind, Task
from exporter.poller.retries import Failure
from exporter.quantconnect.errors import Reason

PROJECTS = st.integers(1, 4)
PACES = st.builds(
    Pace,
    calls_per_second=st.sampled_from([0.1, 1.0, 7.0]),
    status_interval=st.sampled_from([0.0, 5.0, 60.0]),
    statistics_interval=st.sampled_from([0.0, 300.0]),
    discovers=st.booleans(),
)
ENDINGS = st.one_of(
    st.none(),
    st.builds(Failure, st.sampled_from(Reason)),
    st.builds(Failure, st.just(Reason.RATE_LIMIT), st.floats(0, 2000)),
)


class AnyAccount(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.pace = Pace(1.0, 60.0, 300.0)
        self.plan = Plan(self.pace, random=Random(1), now=self.now)
        self.projects: dict[int, bool] = {}
        self.under_way: list[Task] = []
        self.next_slot = self.now
        self.longest = max(AUTH_LONGEST, DISCOVERY_INTERVAL)

    # What happens.

    @rule(seconds=st.floats(0, 400))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def time_passes_until_the_next_turn(self) -> None:
        if (then := self.plan.wake_at()) < float("inf"):
            self.now = max(self.now, then)

    @rule()
    def a_turn(self) -> None:
        due = {task: at for task, at in self.plan._queue._due.items() if at <= self.now}
        authenticated = self.plan.authenticated
        rests = self.plan.rests(self.now)
        task = self.plan.take(self.now)
        if task is None:
            in_time = self.now >= self.next_slot and not rests
            assert not in_time or not [
                waiting for waiting in due if authenticated or waiting.kind is Kind.AUTHENTICATE
            ]
            return
        assert self.now >= self.next_slot, "calls come closer than the budget allows"
        assert not rests
        assert task not in self.under_way, "two of one thing at a time"
        assert authenticated or task.kind is Kind.AUTHENTICATE
        assert (task.kind, due[task]) == min((waiting.kind, at) for waiting, at in due.items())
        self.next_slot = self.now + 1 / self.pace.calls_per_second
        self.under_way.append(task)

    @precondition(lambda self: self.under_way)
    @rule(which=st.randoms(use_true_random=False), failure=ENDINGS)
    def a_call_ends(self, which: Random, failure: Failure | None) -> None:
        task = which.choice(self.under_way)
        self.under_way.remove(task)
        if (
            task.kind is Kind.NAME
            and not failure
            and self.projects.get(task.project_id or 0) is False
        ):
            self.projects[task.project_id or 0] = True
            self.plan.name_settled(task.project_id or 0, self.now)
        self.plan.done(task, failure, self.now)

    @rule(project_id=PROJECTS, interval=st.sampled_from([1.0, 60.0, 3600.0]), named=st.booleans())
    def a_project_comes(self, project_id: int, interval: float, *, named: bool) -> None:
        if project_id not in self.projects:
            self.plan.add(project_id, interval=interval, named=named, now=self.now)
            self.projects[project_id] = named

    @rule(project_id=PROJECTS)
    def a_project_goes(self, project_id: int) -> None:
        if self.projects.pop(project_id, None) is not None:
            self.plan.remove(project_id)

    @rule(project_id=PROJECTS, running=st.booleans(), by_list=st.booleans())
    def a_status_is_told(self, project_id: int, *, running: bool, by_list: bool) -> None:
        if self.projects.get(project_id):
            tell = self.plan.listed if by_list else self.plan.runs
            tell(project_id, running=running, now=self.now)

    @rule(project_id=PROJECTS, interval=st.sampled_from([1.0, 60.0, 3600.0]))
    def another_interval(self, project_id: int, interval: float) -> None:
        if project_id in self.projects:
            self.plan.change_interval(project_id, interval, self.now)

    @rule(pace=PACES)
    def another_pace(self, pace: Pace) -> None:
        self.pace = pace
        self.plan.keep_pace(pace, self.now)

    @rule()
    def another_token(self) -> None:
        self.plan.token_changed(self.now)

    # What must hold at any time.

    @invariant()
    def nothing_wanted_is_lost_and_nothing_unwanted_kept(self) -> None:
        waiting = self.plan._queue._due
        assert not set(waiting) & set(self.under_way), "waits and is under way"
        coming = {*waiting, *self.under_way}
        needed = {Task(Kind.AUTHENTICATE)} if not self.plan.authenticated else set()
        optional: set[Task] = set()
        if self.pace.status_interval:
            needed.add(Task(Kind.RUNNING))
        if self.pace.discovers:
            needed.add(Task(Kind.DEPLOYMENTS))
        for project_id, named in self.projects.items():
            if not named:
                needed.add(Task(Kind.NAME, project_id))
                continue
            needed.add(Task(Kind.PORTFOLIO, project_id))
            if self.pace.statistics_interval:
                needed.add(Task(Kind.STATISTICS, project_id))
            if self.pace.status_interval:
                optional.add(Task(Kind.STATUS, project_id))
        assert needed <= coming, f"lost: {needed - coming}"
        assert set(waiting) <= needed | optional, f"kept: {set(waiting) - needed - optional}"
        assert self.plan.under_way == len(self.under_way)

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        for project_id in self.projects:
            intervals = (self.plan.interval(project_id, source) for source in Source)
            self.longest = max(self.longest, *intervals)
        assert all(at <= self.now + self.longest for at in self.plan._queue._due.values())

    @invariant()
    def what_stretches_is_right(self) -> None:
        assert self.plan.stretch >= 1
        assert self.plan.needed >= self.pace.listing - 1e-9

    @invariant()
    def it_wakes_in_time(self) -> None:
        assert self.plan.wake_at() >= self.next_slot or self.plan.rests(self.now)


AnyAccount.TestCase.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)
TestAnyAccount = AnyAccount.TestCase
