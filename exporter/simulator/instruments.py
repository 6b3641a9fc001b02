"""The instruments of the simulated algorithms, and functions to make them.

An instrument has its key, size and fees; ``market`` has its price at any time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from exporter.simulator.identifiers import SecurityType, security_identifier

if TYPE_CHECKING:
    from decimal import Decimal

GLYPHS = {"USD": "$", "EUR": "€", "GBP": "₤", "JPY": "¥", "BTC": "₿", "ETH": "Ξ", "USDT": "₮"}
"""LEAN's currency symbols (Common/Currencies.cs)."""

HELD_AS_CASH = frozenset({SecurityType.FOREX, SecurityType.CRYPTO})
"""Buying these moves cash from one currency to another: their value sits in the cash book."""

MARGINED = frozenset({SecurityType.FUTURE, SecurityType.CFD, SecurityType.CRYPTO_FUTURE})
"""Buying these costs nothing but fees: only their profit counts into equity."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One security. ``pricing`` names the walk of its price, ``decimals`` is its tick's precision,
    ``expires`` is in unix seconds."""

    key: str
    ticker: str
    security_type: SecurityType
    pricing: str
    quote_currency: str = "USD"
    base_currency: str = ""
    multiplier: float = 1.0
    decimals: int = 2
    lot: float = 1.0
    fee_per_unit: float = 0.0
    fee_ratio: float = 0.0
    minimum_fee: float = 0.0
    expiry: date | None = None
    expires: float = math.inf
    strike: float = 0.0
    put: bool = False
    underlying: Instrument | None = field(default=None, repr=False)

    def fee(self, quantity: float, value: float) -> float:
        """Return the commission on ``quantity`` units worth ``value``, in ``value``'s currency."""
        return max(self.minimum_fee, abs(quantity) * self.fee_per_unit, abs(value) * self.fee_ratio)


def expiry_time(day: date) -> float:
    """Return the end of trading (21:00 UTC) of a contract that expires on ``day``, in unix
    seconds."""
    return datetime(day.year, day.month, day.day, 21, tzinfo=UTC).timestamp()


def friday_after(time: float) -> date:
    """Return the first Friday whose expiry is later than ``time``."""
    day = datetime.fromtimestamp(time, UTC).date()
    day += timedelta(days=(4 - day.weekday()) % 7)
    return day if expiry_time(day) > time else day + timedelta(days=7)


def third_friday_after(time: float, months: tuple[int, ...] = tuple(range(1, 13))) -> date:
    """Return the next third Friday in one of ``months`` whose expiry is later than ``time``."""
    day = datetime.fromtimestamp(time, UTC).date().replace(day=1)
    while True:
        third = day + timedelta(days=(4 - day.weekday()) % 7 + 14)
        if day.month in months and expiry_time(third) > time:
            return third
        day = (day + timedelta(days=32)).replace(day=1)


def equity(key_ticker: str, first_day: str, ticker: str | None = None) -> Instrument:
    """Return a US equity. The key holds its first ticker and day; ``ticker`` is today's."""
    key = security_identifier(
        key_ticker, SecurityType.EQUITY, "usa", day=date.fromisoformat(first_day)
    )
    return Instrument(
        key=key,
        ticker=ticker or key_ticker,
        security_type=SecurityType.EQUITY,
        pricing=ticker or key_ticker,
        fee_per_unit=0.005,
        minimum_fee=0.35,
    )


def index(ticker: str) -> Instrument:
    """Return an index, which only its options can be traded on."""
    return Instrument(
        key=security_identifier(ticker, SecurityType.INDEX, "usa"),
        ticker=ticker,
        security_type=SecurityType.INDEX,
        pricing=ticker,
    )


def future(ticker: str, market: str, expiry: date, multiplier: float, pricing: str) -> Instrument:
    """Return a future on ``pricing``, ``multiplier`` dollars per point."""
    return Instrument(
        key=security_identifier(ticker, SecurityType.FUTURE, market, day=expiry),
        ticker=ticker,
        security_type=SecurityType.FUTURE,
        pricing=pricing,
        multiplier=multiplier,
        fee_per_unit=2.25,
        expiry=expiry,
        expires=expiry_time(expiry),
    )


_OPTION_TYPES = {
    SecurityType.EQUITY: SecurityType.OPTION,
    SecurityType.FUTURE: SecurityType.FUTURE_OPTION,
    SecurityType.INDEX: SecurityType.INDEX_OPTION,
}


def option(
    underlying: Instrument,
    expiry: date,
    strike: Decimal,
    *,
    put: bool = False,
    ticker: str | None = None,
    market: str = "usa",
    strike_scale: int = 6,
) -> Instrument:
    """Return an option on an equity, a future or an index (European); ``ticker`` is its root."""
    security_type = _OPTION_TYPES[underlying.security_type]
    root = ticker or underlying.key.partition(" ")[0]
    of_index = security_type is SecurityType.INDEX_OPTION
    key = security_identifier(
        root,
        security_type,
        market,
        day=expiry,
        strike=strike,
        put=put,
        european=of_index,
        underlying=underlying.key,
        strike_scale=strike_scale,
    )
    of_future = security_type is SecurityType.FUTURE_OPTION
    return Instrument(
        key=key,
        ticker=root,
        security_type=security_type,
        pricing=underlying.pricing,
        multiplier=underlying.multiplier if of_future else 100.0,
        fee_per_unit=0.65,
        expiry=expiry,
        expires=expiry_time(expiry),
        strike=float(strike),
        put=put,
        underlying=underlying,
    )


def forex(pair: str) -> Instrument:
    """Return a currency pair at Oanda, such as ``EURGBP``: base, then quote currency."""
    return Instrument(
        key=security_identifier(pair, SecurityType.FOREX, "oanda"),
        ticker=pair,
        security_type=SecurityType.FOREX,
        pricing=pair,
        quote_currency=pair[3:],
        base_currency=pair[:3],
        decimals=3 if pair.endswith("JPY") else 5,
        lot=1000.0,
        fee_ratio=0.00002,
        minimum_fee=1.0,
    )


def cfd(ticker: str) -> Instrument:
    """Return a contract for difference at Oanda, in dollars, such as ``XAUUSD``."""
    return Instrument(
        key=security_identifier(ticker, SecurityType.CFD, "oanda"),
        ticker=ticker,
        security_type=SecurityType.CFD,
        pricing=ticker,
        fee_ratio=0.00002,
    )


def crypto(pair: str, base: str) -> Instrument:
    """Return a spot pair against the dollar at Coinbase, such as ``BTCUSD``."""
    return Instrument(
        key=security_identifier(pair, SecurityType.CRYPTO, "coinbase"),
        ticker=pair,
        security_type=SecurityType.CRYPTO,
        pricing=pair,
        base_currency=base,
        lot=0.001,
        fee_ratio=0.0005,
    )


def crypto_future(pair: str, pricing: str) -> Instrument:
    """Return a perpetual future at Binance, margined and quoted in USDT, such as ``BTCUSDT``."""
    return Instrument(
        key=security_identifier(pair, SecurityType.CRYPTO_FUTURE, "binance"),
        ticker=pair,
        security_type=SecurityType.CRYPTO_FUTURE,
        pricing=pricing,
        quote_currency="USDT",
        lot=0.001,
        fee_ratio=0.0004,
    )
