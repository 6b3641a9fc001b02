from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.display import Display, parse_display

if TYPE_CHECKING:
    from decimal import Decimal

SYMBOLS = ["", "$", "€", "₤", "£", "¥", "฿", "₹", "﷼", "₺", "₿", "₩", "NT$", "R$", "US$", "Mex$"]
SYMBOLS += ["Fr", "Kč", "kr", "Ft", "zł", "R", "Ł", "Ξ", "₮", "Ƀ", "✕", "◎", "Ð", "◈", "*"]
SYMBOLS += ["ILS", "AED", "BNFCR", "FDUSD", "EOS", "USDT", "USD", "EUR"]


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("$101,691.92", 101_691.92, "$"),
        ("-$3.44", -3.44, "$"),
        ("$-3.44", -3.44, "$"),
        ("-$-3.44", 3.44, "$"),
        ("+$3.44", 3.44, "$"),
        ("67.609%", 0.67609, ""),
        ("1.69 %", 0.0169, ""),
        ("-1.69\u00a0%", -0.0169, ""),
        ("1,234.5 %", 12.345, ""),
        ("0%", 0.0, ""),
        ("€1,234.5", 1234.5, "€"),
        ("Fr1,000,000.00", 1_000_000.0, "Fr"),
        ("NT$12.00", 12.0, "NT$"),
        ("-R$ 12.00", -12.0, "R$"),
        ("USD 12.5", 12.5, "USD"),
        ("EOS-0.5", -0.5, "EOS"),
        ("ILS12,345.67", 12_345.67, "ILS"),
        ("-ILS3.44", -3.44, "ILS"),
        ("ILS-101.25", -101.25, "ILS"),
        ("BNFCR9.00", 9.0, "BNFCR"),
        ("*1.5", 1.5, "*"),
        ("◎-2", -2.0, "◎"),
        ("12.5 EUR", 12.5, "EUR"),
        ("-1,234.50€", -1234.5, "€"),
        ("3 kr", 3.0, "kr"),
        ("Q3", 3.0, "Q"),
        ("241", 241.0, ""),
        (" 16384 ", 16384.0, ""),
        ("-.5", -0.5, ""),
        ("$.50", 0.5, "$"),
        ("-US$ .50", -0.5, "US$"),
        ("Rs-.5", -0.5, "Rs"),
        ("Rs0.500", 0.5, "Rs"),
        ("1e-05", 1e-05, ""),
        ("1.5E+3", 1500.0, ""),
        ("2e-1%", 0.002, ""),
        ("1234567.89", 1_234_567.89, ""),
        ("0" * 63 + "7", 7.0, ""),
    ],
)
def test_display_texts(text: str, value: float, currency: str) -> None:
    assert parse_display(text) == Display(value, currency)


@pytest.mark.parametrize("text", ["-$0.00", "-0", "$-0.00", "-0.00 %", "-0e-9"])
def test_there_is_no_minus_zero(text: str) -> None:
    assert math.copysign(1.0, parse_display(text).value) == 1.0


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4
    ),
    st.sampled_from(SYMBOLS),
    st.sampled_from(["{sign}{symbol}{digits}", "{symbol}{sign}{digits}", "{sign}{digits}{symbol}"]),
)
def test_what_lean_writes_is_read_exactly(value: Decimal, symbol: str, form: str) -> None:
    sign = "-" if value < 0 else ""
    text = form.format(sign=sign, symbol=symbol, digits=f"{abs(value):,.4f}")
    assert parse_display(text) == Display(float(value), symbol)


@given(st.text(st.characters(categories=["L", "Sc", "So"]), min_size=1, max_size=8))
def test_any_glyph_or_code_is_a_currency(symbol: str) -> None:
    for text in (f"{symbol}1,234.50", f"-{symbol}1,234.50", f"{symbol}-1,234.50"):
        found = parse_display(text)
        assert (abs(found.value), found.currency) == (1234.5, symbol)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3
    ),
    st.sampled_from(["%", " %"]),
)
def test_a_percentage_is_the_float_nearest_to_its_ratio(value: Decimal, sign: str) -> None:
    assert parse_display(f"{value:,.3f}{sign}") == Display(float(value / 100), "")


@given(
    st.text(st.characters(categories=["L", "So"]), min_size=1),
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
        "1.5K",
        "1.5 M",
        "12bn",
        "$1.5M",
        "$5 USD",
        "<5",
        "~5",
        "(3.44)",
        "(3.44",
        "[5",
        "−5",
        "1.234,5",
        "1,23",
        "12,34,567",
        ",5",
        "5,",
        "1 234",
        "$5%",
        "ABCDEFGHI5",
        "1.5.2",
        "1/2",
        "Rs.500",
        "-kr.500",
        "Fr.1250",
        "Fr. 1250",
        "R .5",
        "Rs.1,250.50",
        "Rs..5",
        "S/.500",
        "*.5",
        "NaN",
        "Infinity",
        "∞",
        "٣",
        "$٣",
        "٣5",
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
    with pytest.raises(ValueError, match=r"^found string .*, expected (a|one|all) "):
        parse_display(text)


def test_whether_it_is_a_percentage_can_be_demanded() -> None:
    assert parse_display("1.5%", percent=True).value == 0.015
    assert parse_display("$1.5", percent=False).value == 1.5
    with pytest.raises(ValueError, match=r'^found string "1\.5", expected a percentage$'):
        parse_display("1.5", percent=True)
    with pytest.raises(ValueError, match=r"expected a number that is no percentage$"):
        parse_display("1.5%", percent=False)


@given(st.text(), st.sampled_from([None, True, False]))
def test_nonsense_never_raises_anything_else(text: str, percent: bool | None) -> None:
    with suppress(ValueError):
        assert math.isfinite(parse_display(text, percent=percent).value)
