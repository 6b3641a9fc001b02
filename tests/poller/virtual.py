"""Plays an account's plan through in virtual time: no threads, no network, as fast as it goes.

An hour of a hundred thousand projects takes as long as its calls take to plan:

    plan = Plan(Pace(calls_per_second=100, status_interval=60, statistics_interval=0),
                random=Random(1), now=0.0)
    account = VirtualAccount(plan)
    for project_id in range(1, 100_001):
        account.add(project_id, interval=60.0)
    account.run(until=3600.0)
    account.waits[Kind.PORTFOLIO].longest()
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from statistics import median
from typing import TYPE_CHECKING

from exporter.poller.plan import NAME_TRIES
from exporter.poller.queue import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.poller.plan import Plan
    from exporter.poller.queue import Task
    from exporter.poller.retries import Failure


@dataclass
class Waits:
    """The seconds between one read of a project and the next, for one kind of call.

    What was read before ``since`` doesn't count; of each project the longest wait is kept, which
    is all that a hundred thousand of them need.
    """

    since: float = 0.0
    calls: int = 0
    last: dict[int, float] = field(default_factory=dict)
    of: dict[int, float] = field(default_factory=dict)

    def add(self, project_id: int, now: float) -> None:
        """A project is read now."""
        if now >= self.since:
            self.calls += 1
            if project_id in self.last:
                wait = now - self.last[project_id]
                self.of[project_id] = max(wait, self.of.get(project_id, 0.0))
            self.last[project_id] = now

    def longest(self) -> float:
        """The longest wait of any project; 0 if none was read twice."""
        return max(self.of.values(), default=0.0)

    def median(self) -> float:
        """The middle one of the projects' longest waits."""
        return median(self.of.values())


class VirtualAccount:
    """Does what an account's poller does, without threads.

    ``answer`` gives how a task that is taken at a time ends, ``latency`` after how many seconds,
    ``running`` which projects run; ``at_once`` is how many calls may be under way.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        now: float = 0.0,
        answer: Callable[[Task, float], Failure | None] = lambda _task, _now: None,
        latency: Callable[[Task], float] = lambda _: 0.2,
        running: Callable[[int], bool] = lambda _: True,
        at_once: float = inf,
        keep_calls: bool = False,
    ) -> None:
        self.plan = plan
        self.now = now
        self.waits: defaultdict[Kind, Waits] = defaultdict(Waits)
        self.calls: list[tuple[float, Task]] = []
        """Every call and when it was taken, if ``keep_calls``."""
        self.taken = 0
        self.closest = inf
        """The shortest time between two calls, seconds."""
        self._answer = answer
        self._latency = latency
        self._running = running
        self._at_once = at_once
        self._keep_calls = keep_calls
        self._last = -inf
        self._endings: list[tuple[float, int, Task, Failure | None]] = []
        self._with_name: set[int] = set()

    def add(self, project_id: int, *, interval: float, named: bool = True) -> None:
        """A project is to be read from now on."""
        self.plan.add(project_id, interval=interval, named=named, now=self.now)
        if named:
            self._with_name.add(project_id)

    def run(self, until: float) -> None:
        """Let time pass until then."""
        while True:
            while len(self._endings) < self._at_once and (task := self.plan.take(self.now)):
                self._begin(task)
            following = min(
                self._endings[0][0] if self._endings else inf,
                self.plan.wake_at() if len(self._endings) < self._at_once else inf,
            )
            if following > until:
                self.now = until
                return
            self.now = max(self.now, following)
            while self._endings and self._endings[0][0] <= self.now:
                _, _, task, failure = heappop(self._endings)
                self._end(task, failure)

    def kinds(self) -> list[Kind]:
        """The kinds of the calls made so far, in order."""
        return [task.kind for _, task in self.calls]

    def _begin(self, task: Task) -> None:
        self.taken += 1
        self.closest = min(self.closest, self.now - self._last)
        self._last = self.now
        if self._keep_calls:
            self.calls.append((self.now, task))
        if task.project_id is not None:
            self.waits[task.kind].add(task.project_id, self.now)
        failure = self._answer(task, self.now)
        heappush(self._endings, (self.now + self._latency(task), self.taken, task, failure))

    def _end(self, task: Task, failure: Failure | None) -> None:
        if failure is None:
            self._tell(task)
        self.plan.done(task, failure, self.now)
        if (
            task.kind is Kind.NAME
            and task.project_id is not None
            and self.plan.failures(task) == NAME_TRIES
        ):
            self._named(task.project_id)

    def _tell(self, task: Task) -> None:
        if task.kind is Kind.NAME and task.project_id is not None:
            self._named(task.project_id)
        elif task.kind is Kind.STATUS and task.project_id is not None:
            running = self._running(task.project_id)
            self.plan.runs(task.project_id, running=running, now=self.now)
        elif task.kind is Kind.RUNNING:
            for project_id in self._with_name:
                self.plan.listed(project_id, running=self._running(project_id), now=self.now)

    def _named(self, project_id: int) -> None:
        self._with_name.add(project_id)
        self.plan.name_settled(project_id, self.now)
        # The account tells a project that gets its name later what the last list said.
        self.plan.listed(project_id, running=self._running(project_id), now=self.now)
