"""An account with a given equity and nothing else, for given portfolio answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from exporter.simulator.market import Market
from exporter.simulator.state import AccountState

if TYPE_CHECKING:
    from exporter.simulator.instruments import Instrument
    from exporter.simulator.ledger import Trip
    from exporter.simulator.timetable import Running


_ORIGIN = 1_795_000_000.0  # an arbitrary time in November 2026


class GivenAccount:
    """An account that never changes; trading in it raises ValueError."""

    currency = "USD"
    market = Market("given", _ORIGIN)

    def __init__(self, equity: float) -> None:
        self._state = AccountState(
            currency=self.currency,
            holdings={},
            cash={},
            deposits=equity,
            realized=0.0,
            fees=0.0,
            volume=0.0,
            unrealized=0.0,
            equity=equity,
        )

    def at(self, _time: float) -> AccountState:
        """Return the state, the same at any time."""
        return self._state

    def equity(self, _time: float) -> float:
        """Return the given equity."""
        return self._state.equity

    def trips(self, _time: float) -> list[Trip]:
        """Return none."""
        return []

    def open(self, _instrument: Instrument, _quantity: float, _time: float) -> NoReturn:
        """Raise ValueError."""
        msg = "an account behind a given answer can't trade"
        raise ValueError(msg)

    def close(self, _time: float, _key: str | None = None) -> bool:
        """Return False: there is nothing to close."""
        return False

    def set_runs(self, _running: Running) -> None:
        """Do nothing."""
