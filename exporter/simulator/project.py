"""A project, its deployments, and its true state at any time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from exporter.simulator.instruments import Instrument
    from exporter.simulator.ledger import Trip
    from exporter.simulator.market import Market
    from exporter.simulator.state import AccountState
    from exporter.simulator.timetable import Running

RUNNING = "Running"


@dataclass(frozen=True, slots=True)
class Format:
    """The format of a project's answers.

    ``encoding``: ``short`` is today's, ``long`` that of 2024, ``pascal`` the previous one.
    ``empty_as_list`` sends empty maps as ``[]``, as PHP does; ``iso_dates`` sends
    ``2026-11-22T10:00:00Z`` in place of ``2026-11-22 10:00:00``.
    """

    encoding: Literal["short", "long", "pascal"] = "short"
    empty_as_list: bool = False
    iso_dates: bool = False


@dataclass(frozen=True, slots=True)
class Deployment:
    """A live deployment; ``stopped`` and ``outcome`` are its end, which may be in the future."""

    deploy_id: str
    launched: float
    stopped: float | None = None
    outcome: str = "Stopped"
    error: str = ""
    brokerage: str = "PaperBrokerage"
    environment: str = "paper"

    def status(self, time: float) -> str:
        """Return its status at ``time``."""
        return self.outcome if self.ended(time) else RUNNING

    def ended(self, time: float) -> bool:
        """Return True if it has ended by ``time``."""
        return self.stopped is not None and self.stopped <= time

    def latest(self, time: float) -> float:
        """Return the last time up to ``time`` at which it ran."""
        return time if self.stopped is None else min(time, self.stopped)


class Book(Protocol):
    """The state of an account at any time, and trades by hand."""

    currency: str
    market: Market
    """The market that values it."""

    def at(self, time: float) -> AccountState:
        """Return the account's state at ``time``."""

    def equity(self, time: float) -> float:
        """Return that state's equity, in the quickest way."""

    def trips(self, time: float) -> list[Trip]:
        """Return the known round trips that were opened by ``time``."""

    def open(self, instrument: Instrument, quantity: float, time: float) -> None:
        """Open a position by hand at the price of ``time``."""

    def close(self, time: float, key: str | None = None) -> bool:
        """Close by hand; return False if there was nothing to close."""

    def set_runs(self, running: Running) -> None:
        """Set the times at which the algorithm ran, runs and will run."""


def running(deployments: list[Deployment]) -> Running:
    """Return the times at which an algorithm with these deployments runs."""
    return [(deployment.launched, deployment.stopped) for deployment in deployments]


def deploy_id(*parts: object) -> str:
    """Return an id such as ``L-a1b2…``, in QuantConnect's form, that depends only on ``parts``."""
    return f"L-{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Statistics:
    """The running deployment's statistics since its launch, in the account's currency;
    ``return_ratio`` is a fraction."""

    equity: float
    fees: float
    holdings_value: float
    net_profit: float
    unrealized: float
    volume: float
    return_ratio: float


@dataclass(frozen=True, slots=True)
class Truth:
    """The true state of a project at ``at`` (unix seconds), not rounded.

    On the wire, holdings are rounded as in ``Holding.on_wire``, cash is not rounded, ``equity`` and
    the statistics are rounded to the cent, the return to a hundredth of a percent. All but the name
    is None for a project that was never deployed. ``account`` is the state at ``state_at``: ``at``,
    or the end of the deployment.
    """

    project_id: int
    name: str
    at: float
    deployment: Deployment | None = None
    status: str | None = None
    state_at: float | None = None
    account: AccountState | None = None
    equity: float | None = None
    statistics: Statistics | None = None


@dataclass(slots=True)
class Project:
    """A project of the account. Its ``deployments`` are in order of launch; only ``World`` replaces
    the list, under its lock."""

    project_id: int
    name: str
    created: float
    book: Book
    answer: bytes | None = None
    deployments: list[Deployment] = field(default_factory=list)
    format: Format = Format()
    security_types: str = "Equity"
    user_statistics: dict[str, str] = field(default_factory=dict)

    def deployment(self, time: float) -> Deployment | None:
        """Return the newest deployment launched by ``time``."""
        launched = [d for d in self.deployments if d.launched <= time]
        return launched[-1] if launched else None

    def equity(self, deployment: Deployment, time: float) -> float:
        """Return the equity of live/list: that of ``deployment`` at ``time`` or at its end; 0 if it
        never started."""
        if deployment.stopped is not None and deployment.stopped <= deployment.launched:
            return 0.0
        return self.book.equity(deployment.latest(time))

    def truth(self, time: float) -> Truth:
        """Return its true state at ``time``."""
        truth = Truth(self.project_id, self.name, time)
        deployment = self.deployment(time)
        if deployment is None:
            return truth
        state_at = deployment.latest(time)
        truth = replace(
            truth, deployment=deployment, status=deployment.status(time), state_at=state_at
        )
        state = self.book.at(state_at)
        start = self.book.at(deployment.launched)
        statistics = Statistics(
            equity=state.equity,
            fees=state.fees - start.fees,
            holdings_value=state.holdings_value,
            net_profit=(state.realized - state.fees) - (start.realized - start.fees),
            unrealized=state.unrealized_pnl,
            volume=state.volume - start.volume,
            return_ratio=state.equity / start.equity - 1.0 if start.equity else 0.0,
        )
        return replace(truth, account=state, equity=state.equity, statistics=statistics)
