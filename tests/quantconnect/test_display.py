from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect import display
from exporter.quantconnect.display import parse_display

if TYPE_CHECKING:
    from decimal import Decimal

SYMBOLS = ["", "$", "€", "₤", "£", "¥", "฿", "₹", "﷼", "₺", "₿", "₩", "NT$", "R$", "US$"]
SYMBOLS += ["Fr", "Kč", "kr", "Ft", "zł", "R", "Ł", "Ξ", "EOS", "USDT", "USD", "EUR"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$101,691.92", 101_691.92),
        ("-$3.44", -3.44),
        ("$-3.44", -3.44),
        ("-$-3.44", 3.44),
        ("+$3.44", 3.44),
        ("67.609%", 0.67609),
        ("1.69 %", 0.0169),
        ("-1.69\u00a0%", -0.0169),
        ("1,234.5 %", 12.345),
        ("0%", 0.0),
        ("€1,234.5", 1234.5),
        ("Fr1,000,000.00", 1_000_000.0),
        ("NT$12.00", 12.0),
        ("-R$ 12.00", -12.0),
        ("USD 12.5", 12.5),
        ("EOS-0.5", -0.5),
        ("241", 241.0),
        (" 16384 ", 16384.0),
        ("-.5", -0.5),
        ("$.50", 0.5),
        ("-US$ .50", -0.5),
        ("Rs-.5", -0.5),
        ("Rs0.500", 0.5),
        ("1e-05", 1e-05),
        ("1.5E+3", 1500.0),
        ("2e-1%", 0.002),
        ("1234567.89", 1_234_567.89),
        ("0" * 63 + "7", 7.0),
    ],
)
def test_display_texts(text: str, expected: float) -> None:
    assert parse_display(text) == expected


@pytest.mark.parametrize("text", ["-$0.00", "-0", "$-0.00", "-0.00 %", "-0e-9"])
def test_there_is_no_minus_zero(text: str) -> None:
    assert math.copysign(1.0, parse_display(text)) == 1.0


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4
    ),
    st.sampled_from(SYMBOLS),
    st.booleans(),
)
def test_what_lean_writes_is_read_exactly(value: Decimal, symbol: str, sign_first: bool) -> None:
    digits = f"{abs(value):,.4f}"
    sign = "-" if value < 0 else ""
    text = f"{sign}{symbol}{digits}" if sign_first else f"{symbol}{sign}{digits}"
    assert parse_display(text) == float(value)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    ),
    st.sampled_from(["%", " %"]),
)
def test_a_percentage_is_the_float_nearest_to_its_ratio(value: Decimal, sign: str) -> None:
    assert parse_display(f"{value:,.3f}{sign}") == float(value / 100)


@given(
    st.sampled_from(sorted(display._LETTER_SYMBOLS))
    | st.text(st.characters(categories=["L"]), min_size=1),
    st.integers(min_value=0),
    st.sampled_from(["", " ", "\u00a0"]),
    st.sampled_from(["", "-", "+"]),
    st.sampled_from(["{}", "{:,}", "{}.5", "{}e2", "{}%"]),
)
def test_the_point_of_an_abbreviation_is_no_decimal_point(
    letters: str, value: int, space: str, sign: str, digits: str
) -> None:
    number = digits.format(value)
    for text in (f"{sign}{letters}.{space}{number}", f"{sign}{letters}{space}.{number}"):
        with pytest.raises(ValueError, match=r"^found string "):
            parse_display(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$",
        "-",
        "%",
        "--3",
        "-+3",
        "$$-",
        "Bullish",
        "Q3",
        "SPX500",
        "x5",
        "3x",
        "1.5K",
        "$1.5M",
        "10 bps",
        "1.234,5",
        "1,23",
        "12,34,567",
        ",5",
        "5,",
        "1 234",
        "12.5 EUR",
        "(3.44)",
        "$5%",
        "1.5.2",
        "1/2",
        "Rs.500",
        "-kr.500",
        "Fr.1250",
        "Fr. 1250",
        "R .5",
        "Rs.1,250.50",
        "Rs..5",
        "NaN",
        "Infinity",
        "∞",
        "٣",
        "$٣",
        "0x10",
        "1_000",
        "1e999",
        "-$1e400",
        "2026-11-20",
        "00:00:03",
        "9" * 65,
    ],
)
def test_other_texts_have_no_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"^found string .*, expected a "):
        parse_display(text)


def test_whether_it_is_a_percentage_can_be_demanded() -> None:
    assert parse_display("1.5%", percent=True) == 0.015
    assert parse_display("$1.5", percent=False) == 1.5
    with pytest.raises(ValueError, match=r'^found string "1\.5", expected a percentage$'):
        parse_display("1.5", percent=True)
    with pytest.raises(ValueError, match=r"expected a number that is no percentage$"):
        parse_display("1.5%", percent=False)


@given(st.text(), st.sampled_from([None, True, False]))
def test_nonsense_never_raises_anything_else(text: str, percent: bool | None) -> None:
    with suppress(ValueError):
        assert math.isfinite(parse_display(text, percent=percent))
