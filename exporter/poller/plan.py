"""What is asked of one account's QuantConnect next: results and time in, the next call out.

A plan does nothing itself: it holds no thread, no clock and no connection, so that an hour of a
hundred thousand projects can be played through in a test. The account's poller takes a task from
it when there is one, performs it and reports how it ended.

Calls are spaced evenly under the account's budget, without bursts. If what is configured needs
more than the budget, all intervals but the account-wide live/list are stretched by one factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.metrics.reading import Source
from exporter.poller import backoff
from exporter.poller.pace import Budget, Pace, Project
from exporter.poller.queue import Kind, Queue, Task
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from random import Random

DISCOVERY_INTERVAL = 3600.0
"""How often all deployments of an account are listed, to find those that came and went unseen."""

NAME_TRIES = 3
"""After so many failures a project is called by its id."""

SOURCES = {
    Kind.PORTFOLIO: Source.PORTFOLIO,
    Kind.STATUS: Source.STATUS,
    Kind.STATISTICS: Source.STATISTICS,
}
"""What is read by the calls for a single project."""

_AUTHENTICATE = Task(Kind.AUTHENTICATE)


@dataclass(frozen=True)
class Failure:
    """How a call failed; ``retry_after`` is what QuantConnect asked for, in seconds."""

    reason: Reason
    retry_after: float | None = None


@dataclass(frozen=True)
class _Call:
    """A task that was taken: when, and how often the account had authenticated by then."""

    taken: float
    sessions: int


class Plan:
    """The plan of one account. Not safe for threads: whoever uses it holds a lock around it."""

    def __init__(self, pace: Pace, *, random: Random, now: float) -> None:
        self._random = random
        self._queue = Queue()
        self._budget = Budget(pace)
        self._projects: dict[int, Project] = {}
        self._calls: dict[Task, _Call] = {}
        self._failures: dict[Task, int] = {}
        self._next_slot = now
        self._paused_until = now
        self._rate_limited = 0
        self._sessions = 0
        self.authenticated = False
        self._queue.put(_AUTHENTICATE, now)
        self.keep_pace(pace, now)

    # --- Projects and intervals -------------------------------------------------------------------

    def add(self, project_id: int, *, interval: float, named: bool, now: float) -> None:
        """Ask for a project from now on; one without a name is asked for its name first."""
        project = self._projects[project_id] = Project(interval=interval, named=named)
        self._budget.add(project)
        if named:
            self._ensure(Task(Kind.PORTFOLIO, project_id), now)
            self._ensure(Task(Kind.STATISTICS, project_id), now)
        else:
            self._queue.put(Task(Kind.NAME, project_id), now)

    def name_settled(self, project_id: int, now: float) -> None:
        """The project has its name: begin to read it."""
        self._projects[project_id].named = True
        self._ensure(Task(Kind.PORTFOLIO, project_id), now)
        self._ensure(Task(Kind.STATISTICS, project_id), now)

    def remove(self, project_id: int) -> None:
        """Ask no longer for a project; an answer that is still under way is of no consequence."""
        self._budget.remove(self._projects.pop(project_id))
        for kind in Kind:
            task = Task(kind, project_id)
            self._queue.discard(task)
            self._failures.pop(task, None)

    def keep_pace(self, pace: Pace, now: float) -> None:
        """Go at this pace from now on; what waits comes no later than the new intervals allow."""
        self._budget.change(pace, self._projects.values())
        self._ensure(Task(Kind.RUNNING), now)
        self._ensure(Task(Kind.DEPLOYMENTS), now)
        for project_id, project in self._projects.items():
            if project.named:
                self._ensure(Task(Kind.STATISTICS, project_id), now)
            self._no_later(project_id, now)

    def change_interval(self, project_id: int, interval: float, now: float) -> None:
        """Read the project's portfolio at this interval, in seconds, from now on."""
        project = self._projects[project_id]
        self._budget.remove(project)
        project.interval = interval
        self._budget.add(project)
        self._no_later(project_id, now)

    def interval(self, project_id: int, source: Source) -> float:
        """The interval in force, in seconds."""
        return self._budget.interval(self._projects[project_id], source)

    @property
    def needed(self) -> float:
        """Calls per second that the configured intervals need."""
        return self._budget.needed

    @property
    def stretch(self) -> float:
        """The factor by which they are stretched to fit the budget, 1 or more."""
        return self._budget.stretch

    def _ensure(self, task: Task, now: float) -> None:
        """Let a task wait exactly if its kind is on; one that waits already keeps its place."""
        if not self._on(task.kind):
            self._queue.discard(task)
        elif task not in self._calls and self._queue.due(task) is None:
            self._queue.put(task, now)

    def _on(self, kind: Kind) -> bool:
        pace = self._budget.pace
        if kind in (Kind.RUNNING, Kind.STATUS):
            return pace.status_interval > 0
        if kind is Kind.STATISTICS:
            return pace.statistics_interval > 0
        return kind is not Kind.DEPLOYMENTS or pace.discovers

    def _no_later(self, project_id: int, now: float) -> None:
        for kind, source in SOURCES.items():
            task = Task(kind, project_id)
            due = self._queue.due(task)
            if due is not None and not self._on(kind):
                self._queue.discard(task)
            elif due is not None and task not in self._failures:
                self._queue.put(task, min(due, now + self.interval(project_id, source)))

    # --- What QuantConnect told -------------------------------------------------------------------

    def listed(self, project_id: int, *, running: bool, now: float) -> bool:
        """The account-wide list has the project or not; returns whether that is news.

        One that was thought to run and isn't in the list is asked for at once: its own answer, and
        not its absence, says what became of it.
        """
        if running:
            self._queue.discard(Task(Kind.STATUS, project_id))
            return self.runs(project_id, running=True, now=now)
        if self.thought_to_run(project_id):
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
        self._budget.remove(project)
        project.running = running
        self._budget.add(project)
        if not first:
            self._hurry(Task(Kind.PORTFOLIO, project_id), now)
            self._hurry(Task(Kind.STATISTICS, project_id), now)
        return True

    def thought_to_run(self, project_id: int) -> bool:
        """Whether the account-wide list is what tells of the project's status."""
        return self._projects[project_id].running is not False

    def token_changed(self, now: float) -> None:
        """There is another token: ends the wait after a rejection."""
        self._failures.pop(_AUTHENTICATE, None)
        if not self.authenticated:
            self._hurry(_AUTHENTICATE, now)

    def _hurry(self, task: Task, now: float) -> None:
        due = self._queue.due(task)
        if self._on(task.kind) and task not in self._calls and (due is None or due > now):
            self._queue.put(task, now)

    # --- Taking turns -----------------------------------------------------------------------------

    @property
    def waits_for_auth(self) -> bool:
        """The last authenticate failed, and nothing else is sent until one succeeds."""
        return not self.authenticated and _AUTHENTICATE in self._failures

    @property
    def under_way(self) -> int:
        """How many calls have been taken and not ended."""
        return len(self._calls)

    def failures(self, task: Task) -> int:
        """How often in a row the task has failed."""
        return self._failures.get(task, 0)

    def take(self, now: float) -> Task | None:
        """The task to perform now, or None; the next one comes no sooner than the budget allows."""
        if now < max(self._next_slot, self._paused_until):
            return None
        task = self._queue.take(now, self._kinds)
        if task is None:
            return None
        spacing = 1 / self._budget.pace.calls_per_second
        if task in self._calls:
            # Of a project that was removed and added again meanwhile: never two at a time.
            self._queue.put(task, now + spacing)
            return None
        self._next_slot = now + spacing
        self._calls[task] = _Call(taken=now, sessions=self._sessions)
        return task

    def wake_at(self) -> float:
        """When take() may have something; infinity if not before a call ends."""
        return max(self._queue.next_due(self._kinds), self._next_slot, self._paused_until)

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        return tuple(Kind) if self.authenticated else (Kind.AUTHENTICATE,)

    def done(self, task: Task, failure: Failure | None, now: float) -> None:
        """A task that was taken has ended; it is put back for its next time."""
        call = self._calls.pop(task)
        if failure is not None:
            self._pause(failure, now)
            self._suspect(failure, call, now)
        else:
            self._rate_limited = 0
        gone = task.project_id is not None and task.project_id not in self._projects
        if gone or not self._on(task.kind):
            return
        if failure is not None:
            self._failures[task] = failures = self._failures.get(task, 0) + 1
            self._queue.put(task, now + self._wait(task, failure, failures))
            return
        self._failures.pop(task, None)
        if task.kind is Kind.AUTHENTICATE:
            self.authenticated = True
            self._sessions += 1
        interval = self._recurs(task)
        if interval is not None and self._queue.due(task) is None:
            self._queue.put(task, call.taken + interval)

    def _recurs(self, task: Task) -> float | None:
        """After how many seconds the task comes again if it succeeds; None if it doesn't."""
        if task.kind is Kind.RUNNING:
            return self._budget.pace.status_interval
        if task.kind is Kind.DEPLOYMENTS:
            return DISCOVERY_INTERVAL
        if task.project_id is None or task.kind not in SOURCES:
            return None
        if task.kind is Kind.STATUS and self.thought_to_run(task.project_id):
            return None
        return self.interval(task.project_id, SOURCES[task.kind])

    # --- Failures ---------------------------------------------------------------------------------

    def _suspect(self, failure: Failure, call: _Call, now: float) -> None:
        """After a rejection nothing is sent but one authenticate, which tells whom it was about."""
        # A call that began before the last authenticate says nothing about what came after.
        if failure.reason is Reason.AUTH and self.authenticated and call.sessions == self._sessions:
            self.authenticated = False
            self._queue.put(_AUTHENTICATE, now)

    def _pause(self, failure: Failure, now: float) -> None:
        """Let the whole account rest when QuantConnect asks for it."""
        if failure.reason is Reason.RATE_LIMIT:
            self._rate_limited += 1
        if failure.retry_after is not None:
            rest = backoff.retry_after(failure.retry_after)
        elif failure.reason is Reason.RATE_LIMIT:
            rest = backoff.after_failures(self._rate_limited, interval=0, random=self._random)
            rest = max(backoff.RETRY_AFTER_LEAST, rest)
        else:
            return
        self._paused_until = max(self._paused_until, now + rest)

    def _wait(self, task: Task, failure: Failure, failures: int) -> float:
        interval = self._recurs(task) or 0.0
        if failure.reason is Reason.AUTH:
            return backoff.after_auth_failures(failures)
        if failure.reason is Reason.NOT_READY:
            return interval  # it did answer, only without a portfolio yet
        return backoff.after_failures(failures, interval=interval, random=self._random)
