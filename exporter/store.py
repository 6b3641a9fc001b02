"""The latest snapshots of every project, swapped whole, and withdrawn when they are too old.

The poller's threads put, a scrape's thread looks. What is put is immutable, and under the lock
references are taken and nothing else, so that neither ever waits for the other's work.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.clock import Clock
    from exporter.exposition import Snapshot


@dataclass(frozen=True)
class AccountReport:
    """How an account stands with QuantConnect, for people."""

    name: str
    state: str
    """``not asked yet``, ``accepted``, ``rejected`` or ``waiting``."""
    error: str = ""
    """Why the last call for the whole account failed, if it did."""
    next_try: float | None = None
    """When the wait of a rejected or waiting one is over, in unix seconds."""


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
    error: str = ""
    """What the deployment itself says is wrong with it."""
    positions_until: float | None = None
    """When the number of positions is too old, monotonic; None for never."""
    state_until: float | None = None
    """The same of the state."""

    def at(self, monotonic: float) -> ProjectReport:
        """The report as it is then: without what is withdrawn, as the samples are."""
        positions, state = self.positions, self.state
        if self.positions_until is not None and monotonic >= self.positions_until:
            positions = None
        if self.state_until is not None and monotonic >= self.state_until:
            state = f"not known (was {state})"
        return replace(self, positions=positions, state=state)


@dataclass(frozen=True)
class Part:
    """The snapshot of one source; ``expires`` is monotonic, None for what stays."""

    snapshot: Snapshot
    expires: float | None = None


@dataclass(frozen=True)
class Published:
    """All that is known of a project at a time."""

    report: ProjectReport
    parts: tuple[Part, ...] = ()


class Store:
    """What is published of each project, by its id."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._projects: dict[int, Published] = {}

    def put(self, published: Published) -> None:
        """Swap a project whole."""
        with self._lock:
            self._projects[published.report.project_id] = published

    def remove(self, project_id: int) -> None:
        """A project is no longer configured: all of it goes."""
        with self._lock:
            self._projects.pop(project_id, None)

    def snapshots(self) -> Sequence[Snapshot]:
        """All that is not too old, project by project in the order of their ids."""
        return [snapshot for published in self._all() for snapshot in self._fresh(published)]

    def snapshots_of(self, project_id: int) -> Sequence[Snapshot]:
        """The same of one project; empty for one that isn't there."""
        with self._lock:
            published = self._projects.get(project_id)
        return [] if published is None else self._fresh(published)

    def reports(self) -> Sequence[ProjectReport]:
        """What people are told of each project, in the order of their ids."""
        now = self._clock.monotonic()
        return [published.report.at(now) for published in self._all()]

    def report(self, project_id: int) -> ProjectReport | None:
        """The same of one project; None for one that isn't there."""
        with self._lock:
            published = self._projects.get(project_id)
        return None if published is None else published.report.at(self._clock.monotonic())

    def _all(self) -> Sequence[Published]:
        with self._lock:
            return [published for _, published in sorted(self._projects.items())]

    def _fresh(self, published: Published) -> list[Snapshot]:
        now = self._clock.monotonic()
        return [
            part.snapshot for part in published.parts if part.expires is None or now < part.expires
        ]
