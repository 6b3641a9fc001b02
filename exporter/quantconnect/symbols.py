"""Security identifiers: the keys of holdings, and the names that people use for the security.

``<TICKER> <base 36>``, followed for options by ``|`` and the identifier of the underlying. The
base 36 number packs, in decimal digits from the right (Lean, Common/SecurityIdentifier.cs)::

    right 1 | days since 1899-12-30 5 | style 1 | strike 6 | strike scale 2 | market 3 | type 2
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from exporter.quantconnect.fields import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

SECURITY_TYPES: tuple[str, ...] = (
    "Base",
    "Equity",
    "Option",
    "Commodity",
    "Forex",
    "Future",
    "Cfd",
    "Crypto",
    "FutureOption",
    "Index",
    "IndexOption",
    "CryptoFuture",
)
"""By the number that Lean's SecurityType gives them (Common/Global.cs)."""

MARKETS: Mapping[int, str] = {
    0: "empty",
    1: "usa",
    2: "fxcm",
    3: "oanda",
    4: "dukascopy",
    5: "bitfinex",
    6: "cmeglobex",
    7: "nymex",
    8: "cbot",
    9: "ice",
    10: "cboe",
    11: "india",
    12: "coinbase",  # gdax, when it was called that
    13: "kraken",
    14: "bittrex",
    15: "bithumb",
    16: "binance",
    17: "poloniex",
    18: "coinone",
    19: "hitbtc",
    20: "okcoin",
    21: "bitstamp",
    22: "comex",
    23: "cme",
    24: "sgx",
    25: "hkfe",
    26: "nyseliffe",
    33: "cfe",
    34: "ftx",
    35: "ftxus",
    36: "binanceus",
    37: "bybit",
    38: "coinbase",
    39: "interactivebrokers",
    40: "eurex",
    41: "ose",
    42: "dydx",
    43: "krx",
}
"""By the number that Lean's Market gives them (Common/Market.cs)."""

OPTIONS = frozenset({"Option", "FutureOption", "IndexOption"})
"""The security types that have a strike, and can really be worth 0."""

_FUTURES = frozenset({"Future", "CryptoFuture"})
_STYLES: tuple[Literal["american", "european"], ...] = ("american", "european")
_DAY_ZERO = date(1899, 12, 30)
_NEGATIVE_STRIKE = 1 << 19
_MAX_LENGTH = 256  # the longest real ones have some 60 characters
_MAX_PROPERTIES = 2**64 - 1
_BASE36 = re.compile(r"[0-9A-Z]{1,13}")


class IdentifierError(ValueError):
    """A text that is no security identifier; the message says why."""


class Security(Struct, frozen=True, cache_hash=True):
    """The content of a security identifier, the key of a holding (Lean's SecurityIdentifier.cs)."""

    ticker: str
    """The first ticker that the security ever had: FB where people say META."""
    security_type: str
    """QuantConnect's name, such as ``Equity``, or ``unknown(77)``."""
    market: str
    """QuantConnect's name, such as ``usa``, or ``unknown(99)``."""
    expiry: date | None = None
    """Of futures and options; None for what does not expire and for a canonical symbol."""
    strike: Decimal | None = None
    """Of options, exact, in the currency of the underlying."""
    right: Literal["call", "put", ""] = ""
    style: Literal["american", "european", ""] = ""
    underlying: Security | None = None


@lru_cache(maxsize=65_536)
def parse_identifier(symbol_id: str, strike_scale: int = 6) -> Security:
    """Return the content of a security identifier.

    ``strike_scale`` is the power of ten that one unit of a strike's digits stands for: 6, or 4
    where the deployment runs a LEAN older than 2025-11-18; nothing in the answer tells.
    Raises IdentifierError for anything that Lean could not have written.
    """
    if len(symbol_id) > _MAX_LENGTH:
        raise IdentifierError(
            f"{quoted(symbol_id)} has {len(symbol_id)} characters, expected at most {_MAX_LENGTH}"
        )
    *derivatives, last = symbol_id.split("|")
    security = _parse_part(last, None, symbol_id, strike_scale)
    for part in reversed(derivatives):
        security = _parse_part(part, security, symbol_id, strike_scale)
    return security


def security_type_name(code: int) -> str:
    """Return QuantConnect's name of a security type's number, or ``unknown(77)``."""
    return SECURITY_TYPES[code] if 0 <= code < len(SECURITY_TYPES) else f"unknown({code})"


def display_symbol(holding_value: str, security: Security, tickers: Mapping[str, str]) -> str:
    """Return the name that people use for a security; not unique, so nothing may be joined on it.

    An equity is the ``symbol.value`` that was sent (``holding_value``), or its first ticker
    looked up in ``tickers``, which holds today's ticker of those that have changed. A future is
    ``ES 2026-03-20``, an option ``SPY 2026-12-18 C 600``, on an equity with the underlying's
    ticker. Everything else is its ticker, as is a canonical (not expiring) future or option.
    """
    security_type = security.security_type
    if security_type == "Equity":
        return holding_value or tickers.get(security.ticker, security.ticker)
    ticker = security.ticker
    if security.expiry is None:
        return ticker
    if security.strike is None:
        return f"{ticker} {security.expiry}"
    underlying = security.underlying
    if underlying is not None and underlying.security_type == "Equity":
        ticker = tickers.get(underlying.ticker, underlying.ticker)
    return f"{ticker} {security.expiry} {security.right[0].upper()} {security.strike}"


def _parse_part(
    part: str, underlying: Security | None, symbol_id: str, strike_scale: int
) -> Security:
    tokens = [token for token in part.split(" ") if token]
    if len(tokens) != 2:
        raise IdentifierError(f"{quoted(symbol_id)}: {quoted(part)} is not a ticker and a number")
    ticker, digits = tokens
    if _BASE36.fullmatch(digits) is None:
        raise IdentifierError(
            f"{quoted(symbol_id)}: {quoted(digits)} is not a base 36 number of 1 to 13 digits"
        )
    properties = int(digits, 36)
    if properties > _MAX_PROPERTIES:
        raise IdentifierError(f"{quoted(symbol_id)}: {quoted(digits)} does not fit in 64 bits")

    properties, type_code = divmod(properties, 100)
    properties, market_code = divmod(properties, 1_000)
    properties, scale = divmod(properties, 100)
    properties, strike = divmod(properties, 1_000_000)
    properties, style = divmod(properties, 10)
    right, days = divmod(properties, 100_000)

    security_type = security_type_name(type_code)
    market = MARKETS.get(market_code) or f"unknown({market_code})"
    is_option = security_type in OPTIONS
    expires = days > 0 and (is_option or security_type in _FUTURES)
    expiry = _DAY_ZERO + timedelta(days=days) if expires else None
    if not is_option or expiry is None:
        return Security(ticker, security_type, market, expiry, underlying=underlying)
    return Security(
        ticker,
        security_type,
        market,
        expiry,
        strike=_strike(strike, scale - strike_scale),
        right="put" if right else "call",
        style=_STYLES[style] if style < len(_STYLES) else "",
        underlying=underlying,
    )


def _strike(digits: int, exponent: int) -> Decimal:
    """Return the strike as people write it: no exponent, no trailing zeros, no minus zero."""
    negative = digits & _NEGATIVE_STRIKE
    magnitude = Decimal(digits ^ negative).scaleb(exponent).normalize()
    return Decimal(f"{-magnitude if negative else magnitude:f}")
