"""The true state of an account at one time, not rounded for the wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.instruments import Instrument


@dataclass(frozen=True, slots=True)
class Holding:
    """An open position.

    Prices are in the quote currency; ``market_value`` and ``unrealized_pnl`` (net of the closing
    fee, as in LEAN) in the account's; ``unrealized_pnl_percent`` is of the cost.
    """

    instrument: Instrument
    quantity: float
    average_price: float
    market_price: float
    conversion_rate: float
    market_value: float
    unrealized_pnl: float
    unrealized_pnl_percent: float

    def on_wire(self) -> Holding:
        """Return the holding as sent: prices rounded to the tick, values by SmartRoundingShort."""
        decimals = self.instrument.decimals
        return Holding(
            instrument=self.instrument,
            quantity=self.quantity,
            average_price=round(self.average_price, decimals),
            market_price=round(self.market_price, decimals),
            conversion_rate=self.conversion_rate,
            market_value=smart_rounding_short(self.market_value),
            unrealized_pnl=smart_rounding_short(round(self.unrealized_pnl, 2)),
            unrealized_pnl_percent=smart_rounding_short(round(self.unrealized_pnl_percent, 2)),
        )


@dataclass(frozen=True, slots=True)
class Cash:
    """An entry of the cash book; ``value`` in the account's currency."""

    currency: str
    amount: float
    conversion_rate: float
    value: float


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account at one time; every amount except in ``cash`` is in the account's currency.

    ``equity`` is deposits + realized − fees + unrealized, which equals the cash book's value plus
    that of shares and options plus the profit of futures. ``unrealized`` is before closing fees;
    ``holdings_value`` adds up absolute values, as LEAN's TotalHoldingsValue.
    """

    currency: str
    holdings: Mapping[str, Holding]
    cash: Mapping[str, Cash]
    deposits: float
    realized: float
    fees: float
    volume: float
    unrealized: float
    equity: float

    @property
    def holdings_value(self) -> float:
        """The sum of the positions' absolute market values."""
        return sum(abs(holding.market_value) for holding in self.holdings.values())

    @property
    def unrealized_pnl(self) -> float:
        """The sum of the positions' unrealized profit, net of closing fees."""
        return sum(holding.unrealized_pnl for holding in self.holdings.values())


def smart_rounding_short(value: float) -> float:
    """Round as LEAN's Extensions.SmartRoundingShort: the larger, the coarser. Numbers up to 1,
    including all negative ones, do not change."""
    if value <= 1:
        return value
    if value <= 10:
        return round(value, 2)
    if value <= 100:
        return round(value, 1)
    return float(int(value))
