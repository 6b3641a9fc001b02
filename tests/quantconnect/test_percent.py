from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.quantconnect.percent import ratio


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (-1.98, -0.0198),
        (0.07, 0.0007),
        (1.1, 0.011),
        (18128.98, 181.2898),
        (100.0, 1.0),
        (-1.9801980198, -0.019801980198),
        (1e-7, 1e-9),
        (1e300, 1e298),
        (0.0, 0.0),
    ],
)
def test_the_decimal_point_moves(percent: float, expected: float) -> None:
    assert ratio(percent) == expected


@pytest.mark.parametrize("percent", [-0.0, -5e-324])
def test_there_is_no_minus_zero(percent: float) -> None:
    assert repr(ratio(percent)) == "0.0"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False))
def test_two_decimals(sent: Decimal) -> None:
    assert ratio(float(sent)) == float(sent / 100)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(999_999_999.99)
@example(1e9)
def test_the_float_nearest_to_the_decimal(percent: float) -> None:
    """Of up to 17 digits, of which any float is made: those that write it the shortest."""
    found = ratio(percent)
    assert found == float(Decimal(repr(percent)) / 100)
    assert math.isclose(found, percent / 100, rel_tol=1e-15, abs_tol=5e-324)
