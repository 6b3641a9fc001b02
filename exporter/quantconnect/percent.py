"""Percentages that come as numbers, as ratios."""

from __future__ import annotations

from decimal import Decimal


def ratio(percent: float) -> float:
    """A finite percentage divided by 100: the float nearest to the decimal that was sent.

    -1.98 is -0.0198, where dividing the float, which is not quite -1.98, would round twice and
    give -0.019799999999999998. Never minus zero.
    """
    if -1e9 < percent < 1e9:  # with two decimals, as nearly all of them are: whole numbers divide
        hundredths = round(percent * 100)
        if hundredths / 100 == percent:
            return hundredths / 10_000
    return float(Decimal(repr(percent)).scaleb(-2)) + 0.0
