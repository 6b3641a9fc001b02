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
from exporter.poller.pace import Budget, Pace, Project
from exporter.poller.queue import EVERY_KIND, Kind, Queue, Task
from exporter.poller.retries import Failure, Retries
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
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
_FIRST = (Kind.AUTHENTICATE,)


@dataclass
class _Call:
    """A task that was taken: when, how often the account had authenticated by then, and for whom.

    ``again`` says that there was news meanwhile, of which its answer may not know.
    """

    taken: float
    sessions: int
    project: Project | None
    again: bool = False


class Plan:
    """The plan of one account. Not safe for threads: whoever uses it holds a lock around it."""

    def __init__(self, pace: Pace, *, random: Random, now: float) -> None:
        self._queue = Queue()
        self._retries = Retries(random)
        self._budget = Budget(pace)
        self._projects: dict[int, Project] = {}
        self._calls: dict[Task, _Call] = {}
        self._next_slot = now
        self._resting_until = now
        self._sessions = 0
        self.authenticated = False
        self._queue.put(_AUTHENTICATE, now)
        self.keep_pace(pace, now)

    # --- Projects and intervals -------------------------------------------------------------------

    def add(self, project_id: int, *, interval: float, named: bool, now: float) -> None:
        """Ask for a project from now on; one without a name is asked for its name first."""
        project = Project(interval=interval, named=named, asks_name=not named)
        self._projects[project_id] = project
        self._budget.add(project)
        self._begin(project_id, now)

    def name_settled(self, project_id: int, now: float) -> None:
        """The project has its name: begin to read it."""
        project = self._projects[project_id]
        project.named, project.asks_name = True, False
        self._drop(Task(Kind.NAME, project_id))
        self._begin(project_id, now)

    def ask_name(self, project_id: int, now: float) -> None:
        """Ask for the name of a project that is read without it."""
        self._projects[project_id].asks_name = True
        self._ensure(Task(Kind.NAME, project_id), now)

    def _begin(self, project_id: int, now: float) -> None:
        for kind in (Kind.NAME, Kind.PORTFOLIO, Kind.STATISTICS):
            self._ensure(Task(kind, project_id), now)

    def remove(self, project_id: int) -> None:
        """Ask no longer for a project; an answer that is still under way is of no consequence."""
        self._budget.remove(self._projects.pop(project_id))
        for kind in Kind:
            self._drop(Task(kind, project_id))

    def keep_pace(self, pace: Pace, now: float) -> None:
        """Go at this pace from now on; what waits comes no later than the new intervals allow."""
        if not pace.status_interval:
            # Nobody will tell any more who runs, so all are read as if they did.
            for project in self._projects.values():
                project.running, project.listed = None, False
        self._budget.change(pace, self._projects.values())
        self._ensure(Task(Kind.RUNNING), now)
        self._ensure(Task(Kind.DEPLOYMENTS), now)
        for project_id in self._projects:
            self._begin(project_id, now)
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

    def intervals(self, project_id: int) -> dict[Source, float]:
        """Those of the sources that are read."""
        intervals = {source: self.interval(project_id, source) for source in Source}
        return {source: interval for source, interval in intervals.items() if interval}

    @property
    def needed(self) -> float:
        """Calls per second that the configured intervals need."""
        return self._budget.needed

    @property
    def stretch(self) -> float:
        """The factor by which they are stretched to fit the budget, 1 or more."""
        return self._budget.stretch

    def _ensure(self, task: Task, now: float) -> None:
        """Let a task wait exactly if it is wanted; one that waits already keeps its place."""
        if not self._wanted(task):
            self._drop(task)
        elif task not in self._calls and self._queue.due(task) is None:
            self._queue.put(task, now)

    def _drop(self, task: Task) -> None:
        self._queue.discard(task)
        self._retries.forget(task)

    def _wanted(self, task: Task) -> bool:
        """Whether a task is to be asked, now or later."""
        pace = self._budget.pace
        if task.project_id is None:
            if task.kind is Kind.RUNNING:
                return pace.status_interval > 0
            return task.kind is not Kind.DEPLOYMENTS or pace.discovers
        project = self._projects[task.project_id]
        if task.kind is Kind.NAME:
            return project.asks_name
        if not project.named:
            return False
        if task.kind is Kind.STATUS:
            return pace.status_interval > 0 and not project.listed
        return task.kind is Kind.PORTFOLIO or pace.statistics_interval > 0

    def _no_later(self, project_id: int, now: float) -> None:
        for kind, source in SOURCES.items():
            task = Task(kind, project_id)
            due = self._queue.due(task)
            if due is None:
                continue
            if not self._wanted(task):
                self._drop(task)
            elif not self._retries.failures(task):
                self._queue.put(task, min(due, now + self.interval(project_id, source)))

    # --- What QuantConnect told -------------------------------------------------------------------

    def listed(self, project_id: int, *, running: bool, now: float) -> bool:
        """The account-wide list has the project or not; returns whether that is news.

        One that was thought to run and isn't in the list is asked for at once: its own answer, and
        not its absence, says what became of it.
        """
        if not self._budget.pace.status_interval:
            return False  # switched off while it was asked
        self._projects[project_id].listed = running
        status = Task(Kind.STATUS, project_id)
        if running:
            self._drop(status)
            return self.runs(project_id, running=True, now=now)
        if self.thought_to_run(project_id) and not self._retries.failures(status):
            self._hurry(status, now)
        return False

    def runs(self, project_id: int, *, running: bool, now: float) -> bool:
        """Whether a project runs, as QuantConnect says; returns whether that is news.

        When it changes, the project is read at once: these are the moments people look at.
        """
        project = self._projects[project_id]
        if project.running is running or not self._budget.pace.status_interval:
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
        """There may be another token: ends every wait after a rejection."""
        if not self.authenticated:
            self._hurry(_AUTHENTICATE, now)
        self.forgive(now)

    def forgive(self, now: float) -> None:
        """End every wait after a rejection, though nothing is known to have changed."""
        for task in self._retries.forgive():
            self._hurry(task, now)
        if not self.authenticated and _AUTHENTICATE not in self._calls:
            self._hurry(_AUTHENTICATE, now)

    def _hurry(self, task: Task, now: float) -> None:
        """Ask at once; if that is being done, once more, for its answer may be of before."""
        if task in self._calls:
            self._calls[task].again = True
        elif self._wanted(task):
            due = self._queue.due(task)
            self._queue.put(task, now if due is None else min(now, due))

    # --- Taking turns -----------------------------------------------------------------------------

    @property
    def waits_for_auth(self) -> bool:
        """The last authenticate failed, and nothing else is sent until one succeeds."""
        return not self.authenticated and self.failures(_AUTHENTICATE) > 0

    def rests(self, now: float) -> bool:
        """QuantConnect asked the account to wait a while."""
        return now < self._resting_until

    @property
    def under_way(self) -> int:
        """How many calls have been taken and not ended."""
        return len(self._calls)

    def failures(self, task: Task) -> int:
        """How often in a row the task has failed."""
        return self._retries.failures(task)

    def take(self, now: float) -> Task | None:
        """The task to perform now, or None; the next one comes no sooner than the budget allows."""
        if now < max(self._next_slot, self._resting_until):
            return None
        task = self._queue.take(now, self._kinds)
        if task is None:
            return None
        self._next_slot = now + 1 / self._budget.pace.calls_per_second
        self._calls[task] = _Call(now, self._sessions, self._project(task))
        return task

    def _project(self, task: Task) -> Project | None:
        return None if task.project_id is None else self._projects.get(task.project_id)

    def wake_at(self) -> float:
        """When take() may have something; infinity if not before a call ends."""
        return max(self._queue.next_due(self._kinds), self._next_slot, self._resting_until)

    @property
    def _kinds(self) -> Sequence[Kind]:
        return EVERY_KIND if self.authenticated else _FIRST

    def done(self, task: Task, failure: Failure | None, now: float) -> None:
        """A task that was taken has ended; it is put back for its next time."""
        call = self._calls.pop(task)
        if failure is not None:
            self._resting_until = max(self._resting_until, now + self._retries.rest(failure))
            self._suspect(failure, call, now)
        if call.project is not self._project(task):
            self._superseded(task, call, now)
        elif not self._wanted(task):
            self._drop(task)
        elif failure is not None:
            self._failed(task, call, failure, now)
        else:
            self._succeeded(task, call, now)

    def _superseded(self, task: Task, call: _Call, now: float) -> None:
        """The project was removed meanwhile; if it was added again, it is read at once."""
        if task.project_id in self._projects:
            self._begin(task.project_id, now)
            if call.again:
                self._ensure(task, now)

    def _failed(self, task: Task, call: _Call, failure: Failure, now: float) -> None:
        if task == _AUTHENTICATE and call.again:  # that was about the token of before
            self._queue.put(task, now)
            return
        interval = self._recurs(task) or 0.0
        crowded = task.project_id is not None and self.stretch > 1
        wait = self._retries.failed(task, failure, interval=interval, crowded=crowded)
        self._queue.put(task, now + wait)

    def _succeeded(self, task: Task, call: _Call, now: float) -> None:
        self._retries.succeeded(task)
        if task == _AUTHENTICATE:
            self.authenticated = True
            self._sessions += 1
            return
        interval = self._recurs(task)
        if call.again:
            self._queue.put(task, now)
        elif interval is not None:
            self._queue.put(task, call.taken + interval)

    def _recurs(self, task: Task) -> float | None:
        """After how many seconds the task comes again if it succeeds; None if it doesn't."""
        if task.kind is Kind.RUNNING:
            return self._budget.pace.listing_interval
        if task.kind is Kind.DEPLOYMENTS:
            return DISCOVERY_INTERVAL
        if task.project_id is None or task.kind not in SOURCES:
            return None
        if task.kind is Kind.STATUS and self.thought_to_run(task.project_id):
            return None
        return self.interval(task.project_id, SOURCES[task.kind])

    def _suspect(self, failure: Failure, call: _Call, now: float) -> None:
        """After a rejection nothing is sent but one authenticate, which tells whom it was about."""
        # A call that began before the last authenticate says nothing about what came after.
        if failure.reason is Reason.AUTH and self.authenticated and call.sessions == self._sessions:
            self.authenticated = False
            self._queue.put(_AUTHENTICATE, now)
