"""Numbers as people see them on QuantConnect's site: ``-$3.44``, ``ILS12,345.67``, ``1.69 %``.

Lean writes them with the invariant culture's separators and the account currency's glyph in front,
or its code where Lean's table has no glyph (Common/Currencies.cs). A text that is anything else
has no value: a wrong number is worse than none. So ``1.5K`` and ``<5`` have none.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import NamedTuple
from unicodedata import category

from exporter.quantconnect.fields import quoted

_MAX_LENGTH = 64
# Any text next to the number without a digit, sign, separator, percent, comparison or bracket.
_CURRENCY = r"[^\s\d+\-−.,%<>=~≈()\[\]{}]{1,8}"
# Behind a number these are no currency, but how many of them: K, M, bn.
_MAGNITUDES = frozenset({"k", "m", "mm", "mn", "mio", "b", "bn", "t", "tn"})
_DISPLAY = re.compile(
    rf"""\s*
    (?P<sign>[+-]?)\s?
    (?:(?P<before>{_CURRENCY})\s?(?P<inner_sign>[+-]?))?
    (?P<number>(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)
    (?:[eE](?P<exponent>[+-]?[0-9]{{1,3}}))?
    \s?(?:(?P<percent>%)|(?P<after>{_CURRENCY}))?
    \s*""",
    re.VERBOSE,
)


class Display(NamedTuple):
    """A display text that was read."""

    value: float
    """The number, a percentage divided by 100; never minus zero."""
    currency: str
    """The glyph or code next to the number; empty where there is none."""


def parse_display(text: str, *, percent: bool | None = None) -> Display:
    """Return the number of a display text and its currency.

    ``percent`` true expects a percentage, false refuses one, None takes either. A sign before
    and one behind the currency multiply: Lean writes a rebate of fees as ``-$-3.44``.
    Raises ValueError for any other text.
    """
    match = _DISPLAY.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if match is None:
        raise ValueError(f"found string {quoted(text)}, expected a number such as -$1,234.50")
    before, after = match["before"] or "", match["after"] or ""
    is_percent = match["percent"] is not None
    if (before and after) or (before and is_percent):
        raise ValueError(f"found string {quoted(text)}, expected one currency and a number")
    if after.lower() in _MAGNITUDES:
        raise ValueError(f"found string {quoted(text)}, expected all digits of the number")
    is_word = before != "" and category(before[-1]) != "Sc" and not match["inner_sign"]
    if is_word and match["number"][0] == ".":
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
    return Display(-value if negative and value else value, before or after)
