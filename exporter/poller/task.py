"""One call that is made to QuantConnect repeatedly."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from exporter.poller.news import LeftOut, News
from exporter.quantconnect.errors import ApiError
from exporter.quantconnect.fields import Problem
from exporter.store import SourceReport

if TYPE_CHECKING:
    from exporter.quantconnect.client import Endpoint
    from exporter.sources.source import Source


class Fault:
    """A fault of this exporter in place of an answer; the log has the traceback."""

    reason = None
    message = "a fault of this exporter, see its log"
    retry_after = None


class Outcome(Struct, frozen=True):
    """The verdict on an answer: accepted except for ``problems``, or refused with a ``failure``."""

    failure: ApiError | Fault | None = None
    problems: tuple[Problem, ...] = ()
    is_whole: bool = True
    """False if the reading takes another call at once, before anything new is published."""


@dataclass(eq=False, kw_only=True)
class Task:
    """One kind of call of an account or a project.

    Owned by the account or the project, used under the account's lock. The schedule writes its
    times, the record its results. Times are seconds.
    """

    name: str
    """Such as ``authenticate``, or the name of a project's source."""
    endpoint: Endpoint
    priority: int
    """The most urgent tasks have 0."""
    project_id: int | None = None
    source: Source[Any] | None = None
    calls: int = 1
    """The usual number of calls per reading."""

    # --- Written by the schedule, but for the two intervals; monotonic ---
    regular_interval: float = 0.0
    """The regular interval, not stretched; 0 if there is none."""
    listed_interval: float = 0.0
    """The interval of account-wide answers that contain its part; 0 if none does."""
    demand: float = 0.0
    """Calls per second, the task's part of the schedule's demand."""
    due: float = inf
    call: Call | None = None
    """The call under way."""
    failures: int = 0
    """The number of failures in a row."""
    rejections: int = 0
    """The number of failures among them that may lead to a lockout."""

    # --- Written by the record; unix time ---
    interval: float = 0.0
    """The interval in force, as published."""
    tried: float | None = None
    success: bool | None = None
    last_success: float | None = None
    duration: float | None = None
    error: ApiError | Fault | None = None
    problems: tuple[Problem, ...] = ()
    news: News = field(default_factory=News)
    left_out: LeftOut = field(default_factory=LeftOut)

    def note(self, outcome: Outcome, *, at: float, duration: float, interval: float) -> None:
        """Record the result of a read ``at`` this unix time; the interval is the one in force."""
        self.tried, self.duration, self.interval = at, duration, interval
        self.error, self.success = outcome.failure, outcome.failure is None
        if self.success:
            self.last_success, self.problems = at, outcome.problems

    def report(self) -> SourceReport:
        """Return the state of the reads, for people."""
        failure = self.error
        reason = "" if failure is None or failure.reason is None else failure.reason.value
        message = "" if failure is None else failure.message
        return SourceReport(
            source=self.name,
            interval=self.interval,
            tried=self.tried,
            succeeded=self.last_success,
            error=f"{reason}: {message}" if reason else message,
            reason=reason,
            is_from_between=isinstance(failure, ApiError) and failure.from_between,
            problems=tuple(f"{problem.where}: {problem.message}" for problem in self.problems),
        )


@dataclass(eq=False)
class Call:
    """A task's call under way: when it began, and in which session of the account.

    ``again`` is set if the task was asked for meanwhile: the answer may be outdated.
    """

    task: Task
    taken: float
    session: int
    again: bool = False
