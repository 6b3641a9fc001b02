"""A simulated brokerage account: its state at any time, whose amounts add up as in a real one."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from exporter.simulator.instruments import HELD_AS_CASH, MARGINED
from exporter.simulator.ledger import Fill, Totals, Trip, position, settle
from exporter.simulator.state import AccountState, Cash, Holding
from exporter.simulator.timetable import Running, Slot, SlotBook

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.market import Market


_REMEMBERED = 16  # cached states: now, and the starts and ends of deployments


class Account:
    """An account opened at ``opened`` (unix seconds) with ``deposits`` by currency.

    Its algorithm does not run before ``set_runs``. At a time when it does not run, the account has
    that time's prices. A stopped deployment shows the state at its stop; the caller must ask for
    that time.
    """

    def __init__(
        self,
        *,
        seed: str,
        market: Market,
        currency: str,
        opened: float,
        deposits: Mapping[str, float],
        slots: Iterable[Slot] = (),
    ) -> None:
        self.currency = currency
        self.market = market
        self._deposits = dict(deposits)
        self._books = [
            SlotBook(
                slot,
                seed=seed,
                market=market,
                currency=currency,
                opened=opened,
            )
            for slot in slots
        ]
        self._by_hand: list[Trip] = []
        self._states: dict[float, AccountState] = {}
        self._lock = threading.Lock()

    def at(self, time: float) -> AccountState:
        """Return the account's state at ``time``."""
        with self._lock:
            state = self._states.pop(time, None)
            if state is None:
                state = self._work_out(time)
                if len(self._states) >= _REMEMBERED:
                    del self._states[next(iter(self._states))]
            self._states[time] = state  # last, so that the first is the least recently used
        return state

    def equity(self, time: float) -> float:
        """Return the account's equity at ``time``."""
        return self.at(time).equity

    def trips(self, time: float) -> list[Trip]:
        """Return every round trip that was opened by ``time``."""
        with self._lock:
            trips = [trip for trip in self._by_hand if trip.filled(time)]
            return [trip for book in self._books for trip in book.trips(time)] + trips

    def open(self, instrument: Instrument, quantity: float, time: float) -> None:
        """Trade ``quantity`` units by hand at ``time``'s price and hold them until closed."""
        price = self.market.price(instrument, time)
        with self._lock:
            self._states.clear()
            self._by_hand.append(Trip(instrument, (Fill(time, float(quantity), price),), math.inf))

    def close(self, time: float, key: str | None = None) -> bool:
        """Close the positions under ``key``, or all; return False if there were none."""
        closed = False
        with self._lock:
            self._states.clear()
            for book in self._books:
                closed |= book.close(time, key)
            for number, trip in enumerate(self._by_hand):
                if trip.opened(time) and key in (None, trip.instrument.key):
                    self._by_hand[number] = trip._replace(closed=time)
                    closed = True
        return closed

    def set_runs(self, running: Running) -> None:
        """Set the times at which the algorithm ran, runs and will run."""
        with self._lock:
            self._states.clear()
            for book in self._books:
                book.set_runs(running)

    def _work_out(self, time: float) -> AccountState:
        trips = self._by_hand.copy()
        totals = Totals()
        for book in self._books:
            earlier, beside = book.before(time)
            totals = totals.plus(earlier)
            trips += beside
        positions: dict[str, tuple[Instrument, list[Fill]]] = {}
        for trip in trips:
            totals = totals.plus(settle(trip, time, self.market, self.currency))
            if opened := trip.opened(time):
                _, fills = positions.setdefault(trip.instrument.key, (trip.instrument, []))
                fills.extend(opened)
        return self._state(time, totals, positions.values())

    def _state(
        self, time: float, totals: Totals, positions: Iterable[tuple[Instrument, list[Fill]]]
    ) -> AccountState:
        amounts = {self.currency: 0.0, **self._deposits}
        amounts[self.currency] += totals.realized - totals.fees
        holdings: dict[str, Holding] = {}
        beside_cash = unrealized = 0.0
        for instrument, fills in positions:
            quantity, cost = position(fills)
            cost *= instrument.multiplier
            rate = self.market.rate(instrument.quote_currency, time, self.currency)
            price = self.market.price(instrument, time)
            value = quantity * instrument.multiplier * price * rate
            gain = value - cost * rate
            unrealized += gain
            quote_amount = amounts.setdefault(instrument.quote_currency, 0.0)
            if instrument.security_type in MARGINED:
                beside_cash += gain
            else:
                amounts[instrument.quote_currency] = quote_amount - cost
                if instrument.security_type in HELD_AS_CASH:
                    base_amount = amounts.get(instrument.base_currency, 0.0)
                    amounts[instrument.base_currency] = base_amount + quantity
                else:
                    beside_cash += value
            if quantity:
                after_fee = gain - instrument.fee(quantity, value)
                holdings[instrument.key] = Holding(
                    instrument=instrument,
                    quantity=quantity,
                    average_price=cost / (quantity * instrument.multiplier),
                    market_price=price,
                    conversion_rate=rate,
                    market_value=value,
                    unrealized_pnl=after_fee,
                    unrealized_pnl_percent=100.0 * after_fee / abs(cost * rate),
                )
        cash = {
            currency: self._cash(currency, amount, time) for currency, amount in amounts.items()
        }
        return AccountState(
            currency=self.currency,
            holdings=holdings,
            cash=cash,
            deposits=sum(
                self._cash(currency, amount, time).value
                for currency, amount in self._deposits.items()
            ),
            realized=totals.realized,
            fees=totals.fees,
            volume=totals.volume,
            unrealized=unrealized,
            equity=sum(entry.value for entry in cash.values()) + beside_cash,
        )

    def _cash(self, currency: str, amount: float, time: float) -> Cash:
        rate = self.market.rate(currency, time, self.currency)
        return Cash(currency, amount, rate, amount * rate)
