"""The latest snapshots of every project, swapped whole, and withdrawn when they are too old.

The poller's threads write, a scrape's thread reads. Everything in the store is immutable, and under
the lock only references are taken, so that neither ever waits for the other's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from exporter.exposition import Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.clock import Clock


class SourceReport(Struct, frozen=True):
    """The state of one source of a project, or of one of an account's own calls, for people.

    Times are unix seconds.
    """

    source: str
    interval: float
    tried: float | None = None
    succeeded: float | None = None
    error: str = ""
    """The reason and the message of the last failure, if the last read failed."""
    reason: str = ""
    """The reason alone."""
    is_from_between: bool = False
    """A proxy or the like refused, not QuantConnect."""
    problems: tuple[str, ...] = ()
    """The parts that were left out of the last good answer."""


class AccountReport(Struct, frozen=True):
    """The account's standing with QuantConnect, for people."""

    name: str
    state: str
    """``not asked yet``, ``accepted``, ``rejected`` or ``waiting``."""
    error: str = ""
    """Why the last call for the whole account failed, if it did."""
    next_try: float | None = None
    """When the wait of a rejected or waiting one is over, in unix seconds."""
    calls: Mapping[str, SourceReport] = field(default_factory=dict)
    """The account's own calls, by name: ``authenticate``, ``running``, ``names`` and others."""
    clock_skew: float | None = None
    """Seconds by which our clock is ahead of QuantConnect's."""
    is_complete: bool = False
    """Everything that is read was tried once."""
    needed_per_minute: float = 0.0
    """The calls that the configured intervals need."""
    stretch: float = 1.0
    """The factor by which intervals are stretched to fit the budget."""
    running: int = 0
    """The projects that run, and those that stopped a short while ago, where discovery is on."""
    stopped: int = 0
    left_out: Mapping[int, str] = field(default_factory=dict)
    """The names of live projects that include and exclude leave out, by id."""
    unread: Mapping[int, str] = field(default_factory=dict)
    """The names, as far as known, of live projects that are neither configured nor discovered."""


class ProjectReport(Struct, frozen=True):
    """The state of a project, for people."""

    project_id: int
    name: str
    account: str
    state: str
    """The deployment's status, or what is known instead of one."""
    positions: int | None
    sources: tuple[SourceReport, ...]
    currencies: int = 0
    """The entries of the cash book."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Today's tickers by the first ones, where ``tickers`` lacks them."""
    naming: SourceReport | None = None
    """The reading of the project's name and settings."""
    error: str = ""
    """The deployment's own error."""
    account_currency: str | None = None
    """The label of its series; None while it is not known or in doubt, empty if ambiguous."""
    positions_until: float | None = None
    """The time at which the number of positions is too old, monotonic; None for never."""
    state_until: float | None = None
    """The time at which the state is too old, likewise."""

    def at(self, monotonic: float) -> ProjectReport:
        """Return the report at a time: without what is withdrawn by then, as the samples are."""
        positions, state = self.positions, self.state
        if self.positions_until is not None and monotonic >= self.positions_until:
            positions = None
        if self.state_until is not None and monotonic >= self.state_until:
            state = f"not known (was {state})"
        return replace(self, positions=positions, state=state)


class Part(Struct, frozen=True):
    """The snapshot of one source; ``expires`` is monotonic, None for what stays."""

    snapshot: Snapshot
    expires: float | None = None


class Published(Struct, frozen=True):
    """A project's report and snapshots at one moment."""

    report: ProjectReport
    parts: tuple[Part, ...] = ()


class Store:
    """The published state of each project, by its id, and of each account, by who reads it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._projects: dict[int, Published] = {}
        self._accounts: dict[object, tuple[Part, ...]] = {}

    def put(self, published: Published) -> None:
        """Replace everything that is published of a project."""
        with self._lock:
            self._projects[published.report.project_id] = published

    def remove(self, project_id: int) -> None:
        """Publish nothing more of a project."""
        with self._lock:
            self._projects.pop(project_id, None)

    def put_account(self, owner: object, parts: tuple[Part, ...]) -> None:
        """Replace everything that is published of an account itself.

        ``owner`` stays the same while the account may get another name.
        """
        with self._lock:
            self._accounts[owner] = parts

    def remove_account(self, owner: object) -> None:
        """Publish nothing more of an account itself."""
        with self._lock:
            self._accounts.pop(owner, None)

    def snapshots(self) -> Sequence[Snapshot]:
        """Return everything that is not too old, by project id, then that of the accounts."""
        with self._lock:
            accounts = list(self._accounts.values())
        everything = [*(published.parts for published in self._all()), *accounts]
        return [snapshot for parts in everything for snapshot in self._fresh(parts)]

    def snapshots_of(self, project_id: int) -> Sequence[Snapshot]:
        """Return everything of one project that is not too old; empty for an unknown one."""
        with self._lock:
            published = self._projects.get(project_id)
        return [] if published is None else self._fresh(published.parts)

    def reports(self) -> Sequence[ProjectReport]:
        """Return the report on each project, in the order of their ids."""
        now = self._clock.monotonic()
        return [published.report.at(now) for published in self._all()]

    def report(self, project_id: int) -> ProjectReport | None:
        """Return the report on one project; None for an unknown one."""
        with self._lock:
            published = self._projects.get(project_id)
        return None if published is None else published.report.at(self._clock.monotonic())

    def _all(self) -> Sequence[Published]:
        with self._lock:
            return [published for _, published in sorted(self._projects.items())]

    def _fresh(self, parts: tuple[Part, ...]) -> list[Snapshot]:
        now = self._clock.monotonic()
        return [part.snapshot for part in parts if part.expires is None or now < part.expires]
