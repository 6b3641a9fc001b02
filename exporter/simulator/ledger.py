"""Trades and their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.market import Market


class Fill(NamedTuple):
    """A trade of some units (negative when sold) at a time, and a price in the quote currency."""

    time: float
    quantity: float
    price: float


class Trip(NamedTuple):
    """A round trip: one or two opening fills, and the time at which it is closed."""

    instrument: Instrument
    fills: tuple[Fill, ...]
    closed: float

    def opened(self, time: float) -> tuple[Fill, ...]:
        """Return the opening fills still in the book at ``time``."""
        return self.filled(time) if time < self.closed else ()

    def filled(self, time: float) -> tuple[Fill, ...]:
        """Return the opening fills that happened by ``time`` and before the trip was closed."""
        return tuple(fill for fill in self.fills if fill.time <= time and fill.time < self.closed)


class Totals(NamedTuple):
    """Running sums, in the account's currency."""

    realized: float = 0.0
    fees: float = 0.0
    volume: float = 0.0

    def plus(self, other: Totals) -> Totals:
        """Return the sums of both."""
        return Totals(
            self.realized + other.realized, self.fees + other.fees, self.volume + other.volume
        )


def position(fills: Iterable[Fill]) -> tuple[float, float]:
    """Return the total quantity of ``fills`` and their cost, in units times price."""
    quantity = cost = 0.0
    for fill in fills:
        quantity += fill.quantity
        cost += fill.quantity * fill.price
    return round(quantity, 8), cost


def close(trip: Trip, market: Market) -> Fill:
    """Return the fill that closes ``trip``."""
    quantity, _ = position(trip.filled(trip.closed))
    return Fill(trip.closed, -quantity, market.price(trip.instrument, trip.closed))


def settle(trip: Trip, time: float, market: Market, currency: str) -> Totals:
    """Return the realized profit, fees and volume of ``trip`` by ``time``, in ``currency``."""
    instrument = trip.instrument
    filled = trip.filled(time)
    totals = Totals()
    for fill in filled:
        totals = totals.plus(traded(instrument, fill, market, currency))
    if filled and trip.closed <= time:
        quantity, cost = position(filled)
        closing = close(trip, market)
        totals = totals.plus(traded(instrument, closing, market, currency))
        rate = market.rate(instrument.quote_currency, trip.closed, currency)
        gain = (quantity * closing.price - cost) * instrument.multiplier * rate
        totals = totals.plus(Totals(realized=gain))
    return totals


def traded(instrument: Instrument, fill: Fill, market: Market, currency: str) -> Totals:
    """Return the fee and the volume of ``fill``, in ``currency``."""
    rate = market.rate(instrument.quote_currency, fill.time, currency)
    value = abs(fill.quantity) * instrument.multiplier * fill.price * rate
    return Totals(fees=instrument.fee(fill.quantity, value), volume=value)
