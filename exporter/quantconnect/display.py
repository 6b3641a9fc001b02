"""Numbers as people see them on QuantConnect's site: ``-$3.44``, ``$101,691.92``, ``1.69 %``.

Lean writes them with the invariant culture's separators and the glyph of the account's currency
in front. A text that is anything else has no value: a wrong number is worse than none.
"""

from __future__ import annotations

import re
from math import isfinite
from unicodedata import category

from exporter.quantconnect.fields import quoted

_MAX_LENGTH = 64
_DISPLAY = re.compile(
    r"""\s*
    (?P<sign>[+-]?)\s?
    (?:(?P<symbol>[^\s0-9+\-.,%]{1,5})\s?(?P<inner_sign>[+-]?))?
    (?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)
    (?:[eE](?P<exponent>[+-]?[0-9]{1,3}))?
    \s?(?P<percent>%?)
    \s*""",
    re.VERBOSE,
)

# What Lean's Common/Currencies.cs and custom statistics put in front where it is no currency
# sign of Unicode (such as € or ฿). A closed list: the 3 of "Q3" is no amount of money.
# fmt: off
_LETTER_SYMBOLS = frozenset({
    "Fr", "Ag", "Au", "Kč", "kr", "Ft", "zł", "R", "Ł", "Ξ", "Rp", "RM", "Rs", "EOS", "XRP",
    "XLM", "ETC", "ZRX", "USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "HKD", "SGD",
    "CNH", "CNY", "CZK", "DKK", "HUF", "INR", "KRW", "MXN", "NOK", "PLN", "SAR", "SEK", "THB",
    "TRY", "TWD", "ZAR", "BRL", "BTC", "BCH", "ETH", "LTC", "BNB", "USDT", "USDC", "BUSD",
})
# fmt: on


def parse_display(text: str, *, percent: bool | None = None) -> float:
    """The number of a display text, a percentage divided by 100; never minus zero.

    ``percent`` true expects a percentage, false refuses one, None takes either. A sign before
    and one behind the currency multiply: Lean writes a rebate of fees as ``-$-3.44``.
    Raises ValueError for any other text.
    """
    match = _DISPLAY.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(f"found string {quoted(text)}, expected a number such as -$1,234.50")
    symbol = match["symbol"]
    is_percent = match["percent"] != ""
    if symbol and (is_percent or not _is_currency(symbol)):
        raise ValueError(f"found string {quoted(text)}, expected a currency sign and a number")
    if symbol and symbol[-1].isalpha() and match["number"][0] == "." and not match["inner_sign"]:
        # The point of "Rs.500" belongs to the abbreviation, or not: 500 or a half.
        raise ValueError(f"found string {quoted(text)}, expected a digit in front of the point")
    if percent is not None and percent is not is_percent:
        expected = "a percentage" if percent else "a number that is no percentage"
        raise ValueError(f"found string {quoted(text)}, expected {expected}")
    # Moving the decimal point in the text rounds once; dividing the float by 100 would twice.
    exponent = int(match["exponent"] or 0) - (2 if is_percent else 0)
    value = float(f"{match['number'].replace(',', '')}e{exponent}")
    if not isfinite(value):
        raise ValueError(f"found string {quoted(text)}, expected a number within range")
    negative = (match["sign"] == "-") != (match["inner_sign"] == "-")
    return -value if negative and value else value


def _is_currency(symbol: str) -> bool:
    if symbol in _LETTER_SYMBOLS:
        return True
    # NT$, R$, US$: letters beside a currency sign
    return any(category(c) == "Sc" for c in symbol) and all(
        category(c) == "Sc" or c.isalpha() for c in symbol
    )
