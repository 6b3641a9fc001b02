"""Trades and what they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.market import Market


class Fill(NamedTuple):
    """So many units (negative when sold) at a time and a price in the quote currency."""

    time: float
    quantity: float
    price: float


class Trip(NamedTuple):
    """A round trip: one or two fills that open it, and when all of it is closed."""

    instrument: Instrument
    fills: tuple[Fill, ...]
    closed: float

    def opened(self, time: float) -> tuple[Fill, ...]:
        """The opening fills still in the book at ``time``."""
        return self.filled(time) if time < self.closed else ()

    def filled(self, time: float) -> tuple[Fill, ...]:
        """The opening fills that happened by ``time`` and before the trip was closed."""
        return tuple(fill for fill in self.fills if fill.time <= time and fill.time < self.closed)


class Totals(NamedTuple):
    """Running sums, in the account's currency."""

    realized: float = 0.0
    fees: float = 0.0
    volume: float = 0.0

    def plus(self, other: Totals) -> Totals:
        """The sums of both."""
        return Totals(
            self.realized + other.realized, self.fees + other.fees, self.volume + other.volume
        )


def position(fills: Iterable[Fill]) -> tuple[float, float]:
    """The quantity that ``fills`` make and what they cost, in units times price."""
    quantity = cost = 0.0
    for fill in fills:
        quantity += fill.quantity
        cost += fill.quantity * fill.price
    return round(quantity, 8), cost


def close(trip: Trip, market: Market) -> Fill:
    """The fill that closes ``trip``."""
    quantity, _ = position(trip.filled(trip.closed))
    return Fill(trip.closed, -quantity, market.price(trip.instrument, trip.closed))


def settle(trip: Trip, time: float, market: Market, currency: str) -> Totals:
    """What ``trip`` has realized, cost in fees and turned over by ``time``, in ``currency``."""
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
    """The fee and the volume of ``fill``, in ``currency``."""
    rate = market.rate(instrument.quote_currency, fill.time, currency)
    value = abs(fill.quantity) * instrument.multiplier * fill.price * rate
    return Totals(fees=instrument.fee(fill.quantity, value), volume=value)
