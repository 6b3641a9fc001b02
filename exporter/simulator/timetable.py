"""The times at which the simulated algorithms trade.

Each slot of an account makes one round trip per cycle: it opens, sometimes adds, and closes, at
times and in sizes that depend only on the seed. So the holdings at any time can be computed without
the time before. There are two exceptions: nothing trades while no deployment runs, and a trip can
be closed early by hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.simulator.ledger import Fill, Totals, Trip, settle
from exporter.simulator.noise import uniform

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.market import Market


@dataclass(frozen=True, slots=True)
class Timetable:
    """Cycles of ``before`` seconds up to ``switch`` (unix seconds), where one ends, and of
    ``after`` seconds from then on. ``busy`` is the probability that a cycle trades at all."""

    switch: float
    before: float
    after: float
    busy: float = 1.0

    def start(self, cycle: int) -> float:
        """Return the time at which ``cycle`` begins; cycle 0 begins at ``switch``."""
        return self.switch + cycle * (self.before if cycle < 0 else self.after)

    def cycle(self, time: float) -> int:
        """Return the cycle that contains ``time``."""
        since = time - self.switch
        return math.floor(since / (self.before if since < 0 else self.after))


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of the book: its instrument, size and side.

    ``contract`` returns the instrument for a trip by its opening and closing times, so that a
    derivative expires after the trip. ``value`` is the usual size in dollars; ``side`` is 1, −1, or
    0 for a random one.
    """

    name: str
    contract: Callable[[float, float], Instrument]
    value: float
    side: int
    timetable: Timetable


Running = list[tuple[float, float | None]]
"""When an algorithm runs: (start, end) in unix seconds, the end None while it does."""


class SlotBook:
    """A slot's trips and their running sums. Not thread-safe: its account holds the lock."""

    def __init__(
        self, slot: Slot, *, seed: str, market: Market, currency: str, opened: float
    ) -> None:
        self._slot = slot
        self._seed = seed
        self._market = market
        self._currency = currency
        self._running: Running = []
        self._first = slot.timetable.cycle(opened)
        self._opened = opened
        self._cuts: dict[int, float] = {}
        self._sums = [Totals()]  # the sums before cycle first + n; extended on demand
        self._drawn_out: dict[int, Trip] = {}  # trips of the cycles in _sums not summed there
        self._past: list[Trip] = []  # of the cycles in _sums
        self._trips: dict[int, Trip | None] = {}  # the latest only

    def before(self, time: float) -> tuple[Totals, list[Trip]]:
        """Return the sums of all trips that earlier cycles have closed, and the other trips. Those
        are the trip of the cycle at ``time``, and those that a pause extended beyond their
        cycle."""
        timetable = self._slot.timetable
        cycle = timetable.cycle(time)
        if cycle < self._first:
            return Totals(), []
        for earlier in range(self._first + len(self._sums) - 1, cycle):
            trip = self._trip(earlier)
            total = self._sums[-1]
            if trip is not None:
                self._past.append(trip)
                end = timetable.start(earlier + 1)
                if trip.closed > end:
                    self._drawn_out[earlier] = trip
                else:
                    total = total.plus(settle(trip, end, self._market, self._currency))
            self._sums.append(total)
        trips = [trip for earlier, trip in self._drawn_out.items() if earlier < cycle]
        trip = self._trip(cycle)
        return self._sums[cycle - self._first], trips if trip is None else [*trips, trip]

    def trips(self, time: float) -> list[Trip]:
        """Every trip that was opened by ``time``, oldest first."""
        cycle = self._slot.timetable.cycle(time)
        if cycle < self._first:
            return []
        self.before(time)
        current = self._trip(cycle) if cycle - self._first == len(self._sums) - 1 else None
        trips = self._past if current is None else [*self._past, current]
        return [trip for trip in trips if trip.filled(time)]

    def close(self, time: float, key: str | None) -> bool:
        """Close the open trip at ``time`` if its key is ``key``, or if ``key`` is None."""
        trip = self._trip(self._slot.timetable.cycle(time))
        if trip is None or not trip.opened(time) or key not in (None, trip.instrument.key):
            return False
        self._cuts[self._slot.timetable.cycle(time)] = time
        self._forget()
        return True

    def set_runs(self, running: Running) -> None:
        """Set the times at which the algorithm ran, runs and will run."""
        self._running = running
        self._forget()

    def _forget(self) -> None:
        self._sums = [Totals()]
        self._drawn_out.clear()
        self._past.clear()
        self._trips.clear()

    def _runs(self, time: float) -> bool:
        return any(start <= time and (end is None or time < end) for start, end in self._running)

    def _next_run(self, time: float) -> float:
        """Return ``time`` if the algorithm runs then, else its next start, else infinity."""
        if self._runs(time):
            return time
        return min((start for start, _ in self._running if start > time), default=math.inf)

    def _trip(self, cycle: int) -> Trip | None:
        if cycle not in self._trips:
            if len(self._trips) > 8:
                self._trips.clear()
            self._trips[cycle] = self._plan(cycle)
        return self._trips[cycle]

    def _plan(self, cycle: int) -> Trip | None:
        slot = self._slot
        begin, end = slot.timetable.start(cycle), slot.timetable.start(cycle + 1)
        busy, open_at, close_at, size = uniform(self._seed, slot.name, cycle)
        way, adds, _, _ = uniform(self._seed, slot.name, cycle, "more")
        opened = begin + (end - begin) * (0.02 + 0.10 * open_at)
        closed = end - (end - begin) * (0.02 + 0.10 * close_at)
        if busy >= slot.timetable.busy or opened < self._opened or not self._runs(opened):
            return None
        instrument = slot.contract(opened, closed)
        price = self._market.price(instrument, opened)
        rate = self._market.rate(instrument.quote_currency, opened)
        usual = slot.value / (price * instrument.multiplier * rate)
        lots = max(1, round(usual * (0.6 + 0.8 * size) / instrument.lot))
        side = slot.side or (1 if way < 0.6 else -1)
        fills = [Fill(opened, _units(side * lots, instrument), price)]
        middle = (opened + closed) / 2
        if adds < 0.35 and lots > 1 and self._runs(middle):
            price = self._market.price(instrument, middle)
            fills.append(Fill(middle, _units(side * (lots // 2), instrument), price))
        cut = self._cuts.get(cycle)
        end_of_trip = self._next_run(closed) if cut is None else cut
        return Trip(instrument, tuple(fills), end_of_trip)


def _units(lots: int, instrument: Instrument) -> float:
    """Return ``lots`` in units, rounded, since multiplying by 0.001 is not exact."""
    return round(lots * instrument.lot, 8)
