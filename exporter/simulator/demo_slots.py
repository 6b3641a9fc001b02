"""The slots of the demo's books: the instrument, size and frequency of their trades."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exporter.simulator.instruments import (
    Instrument,
    friday_after,
    future,
    option,
    third_friday_after,
)
from exporter.simulator.noise import uniform
from exporter.simulator.timetable import Slot, Timetable

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.market import Market

DAY = 86_400.0
_QUARTERS = (3, 6, 9, 12)


class Slots:
    """The factory of slots, which trade slowly before ``started`` (unix seconds)."""

    def __init__(self, *, seed: str, market: Market, started: float) -> None:
        self._seed = seed
        self._market = market
        self._started = started

    def slow(
        self, instrument: Instrument, value: float, side: int, cycle: float = 10 * DAY
    ) -> Slot:
        """Return a slot for one share that turns over in days."""
        return self._slot(instrument.ticker, lambda *_: instrument, value, side, cycle, cycle)

    def quick(self, instrument: Instrument, value: float, side: int, cycle: float) -> Slot:
        """Return a slot for one share that turns over in half a day before the start, then in
        ``cycle`` seconds.

        With half a day, a project has a few hundred orders when the demo starts.
        """
        return self._slot(
            instrument.ticker, lambda *_: instrument, value, side, 12 * 3600.0, cycle, 0.85
        )

    def contracts(
        self,
        name: str,
        contract: Callable[[float, float], Instrument],
        value: float,
        side: int,
        cycle: float,
        quick: float | None = None,
    ) -> Slot:
        """Return a slot for contracts that roll every ``cycle`` seconds; after the start, every
        ``quick``."""
        return self._slot(name, contract, value, side, cycle, quick or cycle)

    def _slot(
        self,
        name: str,
        contract: Callable[[float, float], Instrument],
        value: float,
        side: int,
        before: float,
        after: float,
        busy: float = 1.0,
    ) -> Slot:
        """Return a slot; when the demo starts, a slow one is within a cycle, a quick one begins
        one."""
        phase = uniform(self._seed, name, value)[0]
        offset = 0.2 + 0.6 * phase if before == after else 0.0
        switch = self._started - offset * before + (0 if before == after else 0.3 * phase * after)
        return Slot(name, contract, value, side, Timetable(switch, before, after, busy))

    def _strike(self, underlying: Instrument, time: float, step: int, steps: int = 0) -> Decimal:
        return Decimal(step * (round(self._market.price(underlying, time) / step) + steps))

    def call(
        self, underlying: Instrument, step: int, root: str | None = None
    ) -> Callable[[float, float], Instrument]:
        """Return a function that makes calls out of the money."""

        def contract(opened: float, closed: float) -> Instrument:
            strike = self._strike(underlying, opened, step, 3)
            expiry = third_friday_after(closed + 10 * DAY)
            return option(underlying, expiry, strike, ticker=root)

        return contract

    def put(
        self, underlying: Instrument, step: int, root: str | None = None
    ) -> Callable[[float, float], Instrument]:
        """Return a function that makes puts out of the money."""

        def contract(opened: float, closed: float) -> Instrument:
            strike = self._strike(underlying, opened, step, -4)
            expiry = third_friday_after(closed + 10 * DAY)
            return option(underlying, expiry, strike, put=True, ticker=root)

        return contract

    def weekly(self, underlying: Instrument) -> Callable[[float, float], Instrument]:
        """Return a function that makes calls at the money that expire on the next Friday."""

        def contract(opened: float, closed: float) -> Instrument:
            strike = self._strike(underlying, opened, 1) + Decimal("0.5")
            return option(underlying, friday_after(closed), strike)

        return contract

    def es(self, _opened: float, closed: float) -> Instrument:
        """Return the S&P 500 future."""
        return future("ES", "cme", third_friday_after(closed + 8 * DAY, _QUARTERS), 50.0, "SPX")

    def gc(self, _opened: float, closed: float) -> Instrument:
        """Return the gold future."""
        return future("GC", "comex", third_friday_after(closed + 8 * DAY), 100.0, "GC")

    def cl(self, _opened: float, closed: float) -> Instrument:
        """Return the crude-oil future."""
        return future("CL", "nymex", third_friday_after(closed + 8 * DAY), 1000.0, "CL")

    def es_put(self, opened: float, closed: float) -> Instrument:
        """Return puts on the S&P 500 future."""
        contract = self.es(opened, closed)
        strike = self._strike(contract, opened, 50, -3)
        expiry = third_friday_after(closed + 2 * DAY)
        return option(contract, expiry, strike, put=True, market="cme")

    def og_call(self, opened: float, closed: float) -> Instrument:
        """Return calls on the gold future, whose root differs from the future's."""
        contract = self.gc(opened, closed)
        strike = self._strike(contract, opened, 10, 3)
        expiry = third_friday_after(closed + 2 * DAY)
        return option(contract, expiry, strike, ticker="OG", market="comex")
