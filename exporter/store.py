"""The latest snapshots of every project, swapped whole, and withdrawn when they are too old.

The poller's threads put, a scrape's thread looks. What is put is immutable, and looking takes
references under a lock and nothing else, so that neither ever waits for the other's work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.clock import Clock
    from exporter.exposition import Snapshot


@dataclass(frozen=True)
class SourceReport:
    """How one source of a project stands, for people; times are unix seconds."""

    source: str
    interval: float
    tried: float | None = None
    succeeded: float | None = None
    error: str = ""
    problems: tuple[str, ...] = ()
    """What was left out of the last good answer."""


@dataclass(frozen=True)
class ProjectReport:
    """How a project stands, for people."""

    project_id: int
    name: str
    account: str
    state: str
    """The deployment's status, or what is known instead of one."""
    positions: int | None
    sources: tuple[SourceReport, ...]


@dataclass(frozen=True)
class _Part:
    snapshot: Snapshot
    expires: float | None
    """On the monotonic clock; None for what stays as long as the project."""


@dataclass
class _Project:
    report: ProjectReport | None = None
    parts: dict[str, _Part] = field(default_factory=dict)


class Store:
    """Snapshots by project and part; a part is a source's data, or what describes the reading."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._projects: dict[int, _Project] = {}

    def put(
        self, project_id: int, part: str, snapshot: Snapshot, *, expires: float | None = None
    ) -> None:
        """Swap a part; from ``expires`` on, monotonic time, it is no longer shown."""
        with self._lock:
            parts = self._projects.setdefault(project_id, _Project()).parts
            parts[part] = _Part(snapshot, expires)

    def report(self, report: ProjectReport) -> None:
        """Swap what people are told of a project."""
        with self._lock:
            self._projects.setdefault(report.project_id, _Project()).report = report

    def remove(self, project_id: int) -> None:
        """A project is no longer configured: all of it goes."""
        with self._lock:
            self._projects.pop(project_id, None)

    def snapshots(self) -> Sequence[Snapshot]:
        """All that is not too old, project by project in the order of their ids."""
        now = self._clock.monotonic()
        with self._lock:
            return [
                part.snapshot
                for _, project in sorted(self._projects.items())
                for part in project.parts.values()
                if part.expires is None or now < part.expires
            ]

    def snapshots_of(self, project_id: int) -> Sequence[Snapshot]:
        """The same of one project."""
        now = self._clock.monotonic()
        with self._lock:
            project = self._projects.get(project_id, _Project())
            return [
                part.snapshot
                for part in project.parts.values()
                if part.expires is None or now < part.expires
            ]

    def reports(self) -> Iterable[ProjectReport]:
        """What is known of each project, in the order of their ids."""
        with self._lock:
            return [
                project.report
                for _, project in sorted(self._projects.items())
                if project.report is not None
            ]
