"""What is asked of one account's QuantConnect next: results and time in, the next call out.

A plan does nothing itself: it holds no thread, no clock and no connection, so that an hour of a
hundred thousand projects can be played through in a test. The account's poller takes a task from
it when there is one, performs it and reports how it ended.

Calls are spaced evenly under the account's budget, without bursts. If what is configured needs
more than the budget, all intervals but the account-wide live/list are stretched by one factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from exporter.metrics.reading import Source
from exporter.poller import backoff
from exporter.poller.queue import EVERY_KIND, Kind, Queue, Task
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from random import Random

STOPPED_FACTOR = 5
"""How much more rarely a project is read that does not run."""

DISCOVERY_INTERVAL = 3600.0
"""How often all deployments of an account are listed, to find those that came and went unseen."""

# What the stretched intervals leave of the budget for names, first reads and tries after failures.
_HEADROOM = 0.95

NAME_TRIES = 3
"""After so many failures a project is called by its id."""


@dataclass(frozen=True)
class Pace:
    """How often an account may and should be asked; intervals in seconds, 0 is off.

    ``calls_per_second`` is the budget of this process.
    """

    calls_per_second: float
    status_interval: float
    statistics_interval: float
    discovers: bool = False


@dataclass(frozen=True)
class Failure:
    """How a call failed."""

    reason: Reason
    retry_after: float | None = None


@dataclass
class _Project:
    interval: float
    named: bool
    running: bool | None = None
    """None until QuantConnect has told."""


@dataclass(frozen=True)
class _Call:
    """A task that was taken: when, and how often the account had authenticated by then."""

    taken: float
    sessions: int


class Plan:
    """The plan of one account. Not safe for threads: whoever uses it holds a lock around it."""

    def __init__(self, pace: Pace, *, random: Random, now: float) -> None:
        self._pace = pace
        self._random = random
        self._queue = Queue()
        self._projects: dict[int, _Project] = {}
        self._calls: dict[Task, _Call] = {}
        self._failures: dict[Task, int] = {}
        self._demand = 0.0
        self._next_slot = now
        self._paused_until = now
        self._rate_limited = 0
        self._sessions = 0
        self.authenticated = False
        self._queue.put(Task(Kind.AUTHENTICATE), now)
        if pace.status_interval:
            self._queue.put(Task(Kind.RUNNING), now)
        if pace.discovers:
            self._queue.put(Task(Kind.DEPLOYMENTS), now)

    # --- Projects ---------------------------------------------------------------------------------

    @property
    def project_ids(self) -> Collection[int]:
        """The projects that the plan asks for."""
        return self._projects.keys()

    def add(self, project_id: int, *, interval: float, named: bool, now: float) -> None:
        """Ask for a project from now on; one without a name is asked for its name first."""
        project = self._projects[project_id] = _Project(interval=interval, named=named)
        self._demand += self._needs(project)
        if named:
            self._start(project_id, now)
        else:
            self._queue.put(Task(Kind.NAME, project_id), now)

    def name_settled(self, project_id: int, now: float) -> None:
        """The project has its name: begin to read it."""
        project = self._projects[project_id]
        self._change(project, named=True)
        self._start(project_id, now)

    def remove(self, project_id: int) -> None:
        """Ask no longer for a project; an answer that is still under way is of no consequence."""
        self._demand -= self._needs(self._projects.pop(project_id))
        for kind in EVERY_KIND:
            task = Task(kind, project_id)
            self._queue.discard(task)
            self._failures.pop(task, None)

    def _start(self, project_id: int, now: float) -> None:
        self._queue.put(Task(Kind.PORTFOLIO, project_id), now)
        if self._pace.statistics_interval:
            self._queue.put(Task(Kind.STATISTICS, project_id), now)

    # --- The budget -------------------------------------------------------------------------------

    @property
    def demand(self) -> float:
        """Calls per second that the intervals need as they are configured."""
        return self._demand + self._listing

    @property
    def stretch(self) -> float:
        """The factor by which intervals are stretched to fit the budget, 1 or more."""
        left = (self._pace.calls_per_second - self._listing) * _HEADROOM
        # The configuration sees to it that live/list alone fits the budget.
        return max(1.0, self._demand / left) if left > 0 else inf

    @property
    def _listing(self) -> float:
        return 1 / self._pace.status_interval if self._pace.status_interval else 0.0

    def _needs(self, project: _Project) -> float:
        """Calls per second for one project, unstretched."""
        factor = STOPPED_FACTOR if project.running is False else 1
        needs = 1 / (project.interval * factor)
        if self._pace.statistics_interval:
            needs += 1 / (self._pace.statistics_interval * factor)
        if self._pace.status_interval and project.running is False:
            needs += 1 / (self._pace.status_interval * factor)
        return needs

    def _change(
        self, project: _Project, *, running: bool | None = None, named: bool | None = None
    ) -> None:
        self._demand -= self._needs(project)
        project.running = project.running if running is None else running
        project.named = project.named if named is None else named
        self._demand += self._needs(project)

    def interval(self, project_id: int, source: Source) -> float:
        """The interval in force, in seconds: stretched, and longer for what does not run."""
        project = self._projects[project_id]
        stopped = project.running is False
        if source is Source.STATUS and not stopped:
            return self._pace.status_interval
        base = {
            Source.PORTFOLIO: project.interval,
            Source.STATUS: self._pace.status_interval,
            Source.STATISTICS: self._pace.statistics_interval,
        }[source]
        return base * (STOPPED_FACTOR if stopped else 1) * self.stretch

    # --- What QuantConnect told -------------------------------------------------------------------

    def listed(self, project_id: int, *, running: bool, now: float) -> bool:
        """The account-wide list has the project or not; returns whether that is news.

        One that was thought to run and isn't in the list is asked for at once: its own answer, and
        not its absence, says what became of it.
        """
        if running:
            self._queue.discard(Task(Kind.STATUS, project_id))
            return self.runs(project_id, running=True, now=now)
        if self._projects[project_id].running is not False:
            self._hurry(Task(Kind.STATUS, project_id), now)
        return False

    def runs(self, project_id: int, *, running: bool, now: float) -> bool:
        """Whether a project runs, as QuantConnect says; returns whether that is news.

        When it changes, the project is read at once: these are the moments people look at.
        """
        project = self._projects[project_id]
        if project.running is running:
            return False
        first = project.running is None
        self._change(project, running=running)
        if project.named and not first:
            self._hurry(Task(Kind.PORTFOLIO, project_id), now)
            if self._pace.statistics_interval:
                self._hurry(Task(Kind.STATISTICS, project_id), now)
        return True

    def thought_to_run(self, project_id: int) -> bool:
        """Whether the account-wide list is what tells of the project's status."""
        return self._projects[project_id].running is not False

    def token_changed(self, now: float) -> None:
        """There is another token: ends the wait after a rejection."""
        self._failures.pop(Task(Kind.AUTHENTICATE), None)
        if not self.authenticated:
            self._hurry(Task(Kind.AUTHENTICATE), now)

    def _hurry(self, task: Task, now: float) -> None:
        if task not in self._calls and (self._queue.due(task) or inf) > now:
            self._queue.put(task, now)

    # --- Taking turns -----------------------------------------------------------------------------

    @property
    def waits_for_auth(self) -> bool:
        """QuantConnect rejected user id or token, and nothing is sent until the wait is over."""
        return not self.authenticated and bool(self._failures.get(Task(Kind.AUTHENTICATE)))

    @property
    def under_way(self) -> int:
        """How many calls have been taken and not ended."""
        return len(self._calls)

    def take(self, now: float) -> Task | None:
        """The task to perform now, or None; the next one comes no sooner than the budget allows."""
        if now < max(self._next_slot, self._paused_until):
            return None
        task = self._queue.take(now, self._kinds)
        if task is None:
            return None
        if task in self._calls:
            # Of a project that was removed and added again meanwhile: never two at a time.
            self._queue.put(task, now + 1 / self._pace.calls_per_second)
            return None
        self._next_slot = now + 1 / self._pace.calls_per_second
        self._calls[task] = _Call(taken=now, sessions=self._sessions)
        return task

    def failures(self, task: Task) -> int:
        """How often in a row the task has failed."""
        return self._failures.get(task, 0)

    def wake_at(self) -> float:
        """When take() may have something; infinity if not before a call ends."""
        return max(self._queue.next_due(self._kinds), self._next_slot, self._paused_until)

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        return tuple(Kind) if self.authenticated else (Kind.AUTHENTICATE,)

    def done(self, task: Task, failure: Failure | None, now: float) -> None:
        """A task that was taken has ended; it is put back for its next time."""
        call = self._calls.pop(task)
        if failure is None:
            self._failures.pop(task, None)
            self._rate_limited = 0
            self._succeeded(task, call)
            return
        if task.project_id is not None and task.project_id not in self._projects:
            return
        failures = self._failures[task] = self._failures.get(task, 0) + 1
        self._pause(failure, now)
        self._queue.put(task, now + self._wait(task, failure, failures))
        if failure.reason is Reason.AUTH and self.authenticated and call.sessions == self._sessions:
            self.authenticated = False
            self._queue.put(Task(Kind.AUTHENTICATE), now)

    def _succeeded(self, task: Task, call: _Call) -> None:
        if task.kind is Kind.AUTHENTICATE:
            self.authenticated = True
            self._sessions += 1
        elif task.project_id is None:
            self._queue.put(
                task,
                call.taken
                + (self._pace.status_interval if task.kind is Kind.RUNNING else DISCOVERY_INTERVAL),
            )
        elif task.project_id in self._projects and self._queue.due(task) is None:
            self._next(task, task.project_id, call)

    def _next(self, task: Task, project_id: int, call: _Call) -> None:
        if task.kind is Kind.PORTFOLIO:
            self._queue.put(task, call.taken + self.interval(project_id, Source.PORTFOLIO))
        elif task.kind is Kind.STATISTICS:
            self._queue.put(task, call.taken + self.interval(project_id, Source.STATISTICS))
        elif task.kind is Kind.STATUS and self._projects[project_id].running is False:
            self._queue.put(task, call.taken + self.interval(project_id, Source.STATUS))

    def _pause(self, failure: Failure, now: float) -> None:
        """Let the whole account rest when QuantConnect asks for it."""
        if failure.reason is Reason.RATE_LIMIT:
            self._rate_limited += 1
        asked = failure.retry_after
        if asked is not None:
            rest = backoff.retry_after(asked)
        elif failure.reason is Reason.RATE_LIMIT:
            rest = backoff.after_failures(self._rate_limited, interval=0, random=self._random)
            rest = max(backoff.RETRY_AFTER_LEAST, rest)
        else:
            return
        self._paused_until = max(self._paused_until, now + rest)

    def _wait(self, task: Task, failure: Failure, failures: int) -> float:
        interval = self._interval(task)
        if failure.reason is Reason.AUTH:
            return backoff.after_auth_failures(failures)
        if failure.reason is Reason.NOT_READY:
            return (
                interval  # an answer, only without a portfolio yet: no reason to hurry or to rest
            )
        return backoff.after_failures(failures, interval=interval, random=self._random)

    def _interval(self, task: Task) -> float:
        sources = {
            Kind.PORTFOLIO: Source.PORTFOLIO,
            Kind.STATUS: Source.STATUS,
            Kind.STATISTICS: Source.STATISTICS,
        }
        if task.project_id is None or task.kind not in sources:
            return 0.0
        return self.interval(task.project_id, sources[task.kind])
