"""Security identifiers, written as LEAN does (Common/SecurityIdentifier.cs).

The simulator makes its keys from a contract's type, market, expiry, strike and right, so that a
decoder gets real ones. Nothing here reads an identifier.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import IntEnum

EPOCH = date(1899, 12, 30)
"""Day 0 of the dates in an identifier, as in OLE automation."""

MARKETS = {
    "usa": 1,
    "oanda": 3,
    "binance": 16,
    "comex": 22,
    "cme": 23,
    "cfe": 33,
    "coinbase": 38,
    "nymex": 7,
}

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAX_STRIKE_DIGITS = 999_999 - 2**19  # six digits, without the sign bit


class SecurityType(IntEnum):
    """LEAN's SecurityType (Common/Global.cs), as sent in the long encoding."""

    BASE = 0
    EQUITY = 1
    OPTION = 2
    COMMODITY = 3
    FOREX = 4
    FUTURE = 5
    CFD = 6
    CRYPTO = 7
    FUTURE_OPTION = 8
    INDEX = 9
    INDEX_OPTION = 10
    CRYPTO_FUTURE = 11


def base36(number: int) -> str:
    """Return ``number`` in base 36, in upper case."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def security_identifier(
    ticker: str,
    security_type: SecurityType,
    market: str,
    *,
    day: date = EPOCH,
    strike: Decimal = Decimal(0),
    put: bool = False,
    european: bool = False,
    underlying: str | None = None,
    strike_scale: int = 6,
) -> str:
    """Return the key of a security in ``portfolio.holdings``, such as ``SPY R735QTJ8XC9X``.

    ``day`` is the expiry of a derivative, the first trading day of a mapped equity, or else day 0.
    ``strike_scale`` is 6 since LEAN's pull request 9086 and 4 before it. Raises ValueError for a
    strike that six digits can't hold.
    """
    digits, exponent = _strike(strike)
    number = (
        int(security_type)
        + MARKETS[market] * 10**2
        + (exponent + strike_scale if digits else 0) * 10**5
        + digits * 10**7
        + european * 10**13
        + (day - EPOCH).days * 10**14
        + put * 10**19
    )
    key = f"{ticker} {base36(number)}"
    return key if underlying is None else f"{key}|{underlying}"


def _strike(strike: Decimal) -> tuple[int, int]:
    """Return the digits of a strike without trailing zeros, and their power of ten."""
    sign, digits, exponent = strike.normalize().as_tuple()
    number = int("".join(map(str, digits)) or "0")
    if sign or number > _MAX_STRIKE_DIGITS or not isinstance(exponent, int):
        msg = f"strike {strike} can't be written in an identifier"
        raise ValueError(msg)
    return number, exponent
