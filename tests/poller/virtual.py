"""Plays a schedule through in virtual time: no threads, no network, as fast as it goes.

An hour of a hundred thousand projects takes as long as its calls take to schedule:

    account = VirtualAccount(Budget(calls_per_second=100, status_interval=60))
    for project_id in range(1, 100_001):
        account.add(project_id, portfolio=60.0)
    account.run(until=3600.0)
    account.waits["portfolio"].longest()
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from exporter.poller.schedule import Budget, Schedule
from exporter.poller.task import Call, Task
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources import ACCOUNT_SOURCES, SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

AUTH = ApiError(Reason.AUTH, "UserID not valid")
DOWN = ApiError(Reason.HTTP_5XX, "HTTP 503")
TIMEOUT = ApiError(Reason.TIMEOUT, "no complete answer")
NOT_READY = ApiError(Reason.NOT_READY, "there is no portfolio yet")

PRIORITIES = {
    name: priority
    for priority, name in enumerate(
        ("authenticate", "running", *(source.name for source in (*SOURCES, *ACCOUNT_SOURCES)))
    )
}


def task_of(name: str, project_id: int | None = None) -> Task:
    """A task as an account has it; the endpoint is of no consequence here."""
    endpoint = Endpoint.LIVE_LIST
    return Task(
        name=name,
        endpoint=endpoint,
        priority=PRIORITIES[name],
        project_id=project_id,
        source=next((each for each in (*SOURCES, *ACCOUNT_SOURCES) if each.name == name), None),
    )


@dataclass
class Waits:
    """The seconds between one read of a project and the next, for one kind of task.

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
    """Does what an account's loop does, without threads.

    ``answer`` gives how a task that is taken at a time ends, ``latency`` after how many seconds;
    ``at_once`` is how many calls may be under way.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        random: Random | None = None,
        answer: Callable[[Task, float], ApiError | None] = lambda _task, _now: None,
        latency: Callable[[Task], float] = lambda _: 0.2,
        at_once: float = inf,
        keep_calls: bool = False,
    ) -> None:
        self.now = 0.0
        self.answer = answer
        self.authenticate, self.running = task_of("authenticate"), task_of("running")
        self.schedule = Schedule(self.authenticate, budget, random=random or Random(1), now=0.0)
        self.schedule.set_interval(self.running, budget.listing_interval, 0.0)
        self.tasks: dict[tuple[str, int | None], Task] = {}
        self.waits: defaultdict[str, Waits] = defaultdict(Waits)
        self.calls: list[tuple[float, Task]] = []
        """Every call and when it was taken, if ``keep_calls``."""
        self.taken = 0
        self.closest = inf
        """The shortest time between two calls, seconds."""
        self._latency = latency
        self._at_once = at_once
        self._keep_calls = keep_calls
        self._last = -inf
        self._endings: list[tuple[float, int, Call, ApiError | None]] = []

    def add(self, project_id: int | None, **every: float) -> None:
        """A project, or the account, is to be read from now on, each task at an interval."""
        for name, seconds in every.items():
            task = self.tasks[name, project_id] = task_of(name, project_id)
            self.schedule.set_interval(task, seconds, self.now)

    def run(self, until: float) -> None:
        """Let time pass until then."""
        while True:
            following = inf
            while len(self._endings) < self._at_once:
                call = self.schedule.next(self.now)
                if not isinstance(call, Call):
                    following = self.now + call
                    break
                self._begin(call)
            if self._endings:
                following = min(following, self._endings[0][0])
            if following > until:
                self.now = until
                return
            self.now = max(self.now, following)
            while self._endings and self._endings[0][0] <= self.now:
                _, _, call, failure = heappop(self._endings)
                self.schedule.put(call, failure, self.now)

    def names(self) -> list[str]:
        """The names of the tasks called so far, in order."""
        return [task.name for _, task in self.calls]

    def _begin(self, call: Call) -> None:
        task = call.task
        self.taken += 1
        self.closest = min(self.closest, self.now - self._last)
        self._last = self.now
        if self._keep_calls:
            self.calls.append((self.now, task))
        if task.project_id is not None:
            self.waits[task.name].add(task.project_id, self.now)
        failure = self.answer(task, self.now)
        heappush(self._endings, (self.now + self._latency(task), self.taken, call, failure))
