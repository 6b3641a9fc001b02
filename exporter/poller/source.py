"""How the reading of one source of a project stands: its last good answer, rendered, and its age.

A source logs once what is wrong with it and once that it is well again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.metrics.reading import Reading, Source
from exporter.poller.complaint import Complaint, LeftOut
from exporter.store import Part, SourceReport

if TYPE_CHECKING:
    from exporter.clock import Clock
    from exporter.exposition import Snapshot
    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Problem

log = Log(__name__)

# A source is too old after so many of its intervals, if that is longer than stale_after.
_STALE_INTERVALS = 3


class ReadSource:
    """One source of one project. Its project holds the lock."""

    def __init__(self, project_id: int, source: Source, interval: float, *, clock: Clock) -> None:
        self._project_id = project_id
        self._clock = clock
        self._read_at: float | None = None
        self._read_interval = interval
        self._tried: float | None = None
        self._error = ""
        self._complaint = Complaint()
        self._left_out = LeftOut()
        self._problems: tuple[Problem, ...] = ()
        self.reading = Reading(source, interval)
        self.snapshot: Snapshot = {}

    @property
    def tried(self) -> bool:
        """Whether a read has ended."""
        return self._tried is not None

    @property
    def known(self) -> bool:
        """Whether a read has succeeded."""
        return self._read_at is not None

    def interval(self, seconds: float) -> None:
        """The interval in force from now on."""
        self.reading = replace(self.reading, interval=seconds)

    def succeeded(
        self,
        *,
        duration: float,
        interval: float,
        problems: tuple[Problem, ...] = (),
        age: float = 0.0,
    ) -> None:
        """It was read well ``age`` seconds ago, and these things were left out."""
        if self._complaint.ended():
            log.info(
                "Reading works again",
                project_id=self._project_id,
                source=self.reading.source.value,
            )
        if self._left_out and not problems:
            log.info(
                "Everything can be understood again",
                project_id=self._project_id,
                source=self.reading.source.value,
            )
        for problem in self._left_out.news(problems):
            log.warning(
                "Left out what could not be understood",
                project_id=self._project_id,
                source=self.reading.source.value,
                where=problem.where,
                field=problem.field,
                found=problem.message,
            )
        now = self._clock.now()
        self.reading = Reading(
            self.reading.source,
            interval=interval,
            success=True,
            last_success=now - age,
            duration=duration,
        )
        self._tried, self._read_at = now - age, self._clock.monotonic() - age
        self._read_interval = interval
        self._error, self._problems = "", problems

    def failed(
        self, error: ApiError, *, duration: float, interval: float, project: str, logged: bool
    ) -> None:
        """A read failed; ``logged`` says that somebody has said so for many projects at once."""
        if not logged and self._complaint.is_news(error):
            log.warning(
                "Reading failed",
                project_id=self._project_id,
                project=project,
                source=self.reading.source.value,
                reason=error.reason.value,
                error=error.message,
            )
        self.reading = replace(self.reading, interval=interval, success=False, duration=duration)
        self._tried = self._clock.now()
        self._error = f"{error.reason.value}: {error.message}"

    def part(self, stale_after: float) -> Part | None:
        """What was read last, until it is too old; None before the first good read."""
        if self._read_at is None:
            return None
        # It does not age at once when it is to be read more often from now on.
        interval = max(self._read_interval, self.reading.interval)
        lifetime = max(stale_after, _STALE_INTERVALS * interval)
        return Part(self.snapshot, expires=self._read_at + lifetime)

    def report(self) -> SourceReport:
        """The same for people."""
        return SourceReport(
            source=self.reading.source.value,
            interval=self.reading.interval,
            tried=self._tried,
            succeeded=self.reading.last_success,
            error=self._error,
            problems=tuple(f"{problem.where}: {problem.message}" for problem in self._problems),
        )
