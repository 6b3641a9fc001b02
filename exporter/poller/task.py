"""One thing that is asked of QuantConnect, again and again."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from exporter.poller.news import LeftOut, News
from exporter.quantconnect.errors import ApiError
from exporter.store import SourceReport

if TYPE_CHECKING:
    from exporter.quantconnect.client import Endpoint
    from exporter.quantconnect.fields import Problem
    from exporter.sources.source import Source


class Fault:
    """A fault of this exporter where an answer was expected; the log has the traceback."""

    reason = None
    message = "a fault of this exporter, see its log"
    retry_after = None


@dataclass(frozen=True)
class Outcome:
    """The verdict on an answer: taken in, but for ``problems``; or nothing of it, for a reason."""

    failure: ApiError | Fault | None = None
    problems: tuple[Problem, ...] = ()
    is_whole: bool = True
    """The reading is over; else another call follows at once, and nothing new is published yet."""


@dataclass(eq=False, kw_only=True)
class Task:
    """One thing that an account or a project asks QuantConnect for.

    Owned by the account or the project, used under the account's lock. The schedule writes when it
    is asked, the record how that goes. Times are seconds.
    """

    name: str
    """Such as ``authenticate``, or the name of a project's source."""
    endpoint: Endpoint
    priority: int
    """The most urgent tasks have 0."""
    project_id: int | None = None
    source: Source[Any] | None = None
    calls: int = 1
    """The calls that one reading usually takes."""

    # --- Written by the schedule, but for the two intervals; monotonic ---
    every: float = 0.0
    """The regular interval, not stretched; 0 while it is not asked regularly."""
    listed_every: float = 0.0
    """The interval at which an answer for the whole account tells of it, if one does."""
    demand: float = 0.0
    """Calls per second, as they are counted in the schedule's demand."""
    due: float = inf
    call: Call | None = None
    """The call under way."""
    failures: int = 0
    """In a row."""
    rejections: int = 0
    """Of them, those for which QuantConnect may lock the account out."""

    # --- Written by the record; unix time ---
    interval: float = 0.0
    """The interval in force, as it is published."""
    tried: float | None = None
    success: bool | None = None
    last_success: float | None = None
    duration: float | None = None
    error: ApiError | Fault | None = None
    problems: tuple[Problem, ...] = ()
    news: News = field(default_factory=News)
    left_out: LeftOut = field(default_factory=LeftOut)

    def note(self, outcome: Outcome, *, at: float, duration: float, interval: float) -> None:
        """Note how a read ended ``at`` this unix time; the interval is the one in force."""
        self.tried, self.duration, self.interval = at, duration, interval
        self.error, self.success = outcome.failure, outcome.failure is None
        if self.success:
            self.last_success, self.problems = at, outcome.problems

    def report(self) -> SourceReport:
        """Return how the asking goes, for people."""
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
    """A task that was taken from the schedule at a time, in one of the account's sessions.

    ``again`` says that there was news meanwhile, which the answer may not contain.
    """

    task: Task
    taken: float
    session: int
    again: bool = False
