from __future__ import annotations

import csv
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.symbols import (
    MARKETS,
    SECURITY_TYPES,
    IdentifierError,
    Security,
    display_symbol,
    parse_identifier,
)

from .identifiers import Properties, base36

DATA = Path(__file__).parent / "data"
ROWS = list(
    csv.DictReader(
        (DATA / "security_identifiers.tsv").read_text(encoding="utf-8").splitlines(),
        delimiter="\t",
    )
)
TICKERS = {"GOOCV": "GOOG", "FB": "META"}
OPTIONS = {"Option", "FutureOption", "IndexOption"}
FUTURES = {"Future", "CryptoFuture"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["key"])
def test_known_identifiers(row: dict[str, str]) -> None:
    security = parse_identifier(row["key"], int(row["strike_scale"]))
    found = {
        "key": row["key"],
        "strike_scale": row["strike_scale"],
        "security_type": security.security_type,
        "market": security.market,
        "expiry": "" if security.expiry is None else str(security.expiry),
        "strike": "" if security.strike is None else str(security.strike),
        "right": security.right,
        "display": display_symbol("", security, TICKERS),
    }
    assert found == row


def test_an_option_says_everything() -> None:
    assert parse_identifier("AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X") == Security(
        ticker="AAPL",
        security_type="Option",
        market="usa",
        expiry=date(2020, 5, 21),
        strike=Decimal(100),
        right="put",
        style="american",
        underlying=Security(ticker="AAPL", security_type="Equity", market="usa"),
    )


def test_the_same_contract_has_two_identifiers() -> None:
    assert parse_identifier("AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X", 4) == parse_identifier(
        "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X", 6
    )


def test_the_root_of_a_future_option_is_not_its_underlyings() -> None:
    security = parse_identifier("OG XD5G9X7YX280|GC XE1Y0ZJ8NQ8T")
    assert security.ticker == "OG"
    assert security.underlying is not None
    assert security.underlying.ticker == "GC"
    assert security.underlying.expiry == date(2020, 4, 28)


@given(
    ticker=st.from_regex(r"[A-Za-z0-9./_?]{1,12}", fullmatch=True),
    properties=st.builds(
        Properties,
        security_type=st.integers(0, 99),
        market=st.one_of(st.sampled_from(sorted(MARKETS)), st.integers(0, 999)),
        scale=st.integers(0, 99),
        strike=st.integers(0, 999_999),
        style=st.integers(0, 9),
        days=st.integers(0, 84_000),  # with a right of 1, what fits in 64 bits
        right=st.integers(0, 1),
    ),
    strike_scale=st.sampled_from([4, 6]),
)
def test_what_is_written_is_read(ticker: str, properties: Properties, strike_scale: int) -> None:
    security = parse_identifier(properties.key(ticker), strike_scale)

    code = properties.security_type
    name = SECURITY_TYPES[code] if code < 12 else f"unknown({code})"
    assert security.ticker == ticker
    assert security.security_type == name
    assert security.market == MARKETS.get(properties.market, f"unknown({properties.market})")
    assert security.underlying is None
    if name not in OPTIONS | FUTURES or properties.days == 0:
        assert security.expiry is None
    else:
        assert security.expiry == date(1899, 12, 30) + timedelta(days=properties.days)
    if name not in OPTIONS or properties.days == 0:
        assert (security.strike, security.right, security.style) == (None, "", "")
        return
    assert security.right == ("call", "put")[properties.right]
    assert security.style == {0: "american", 1: "european"}.get(properties.style, "")
    strike = properties.strike
    signed = -(strike - 2**19) if strike >= 2**19 else strike
    assert security.strike == Decimal(f"{signed}e{properties.scale - strike_scale}")
    assert "E" not in str(security.strike)
    assert not str(security.strike).startswith("-0 ")
    assert str(security.strike) != "-0"


@pytest.mark.parametrize(
    ("digits", "scale", "strike"),
    [
        (6, 8, "600"),
        (4125, 4, "41.25"),
        (5, 5, "0.5"),
        (1, 0, "0.000001"),
        (0, 0, "0"),
        (2**19, 0, "0"),
        (2**19 + 3763, 4, "-37.63"),
        (475_710, 6, "475710"),
    ],
)
def test_strikes_read_as_people_write_them(digits: int, scale: int, strike: str) -> None:
    key = Properties(security_type=2, days=45_000, strike=digits, scale=scale).key("X")
    assert str(parse_identifier(key).strike) == strike


def test_every_market() -> None:
    lines = (DATA / "markets.tsv").read_text(encoding="utf-8").splitlines()[1:]
    expected = {int(code): market for code, market in (line.split("\t") for line in lines)}
    found = {
        code: parse_identifier(Properties(security_type=1, market=code).key("X")).market
        for code in range(1000)
    }
    assert found == {code: expected.get(code, f"unknown({code})") for code in range(1000)}


def test_the_first_day_that_something_can_expire_on() -> None:
    security = parse_identifier(Properties(security_type=5, days=1).key("X"))
    assert security.expiry == date(1899, 12, 31)


@pytest.mark.parametrize("code", range(12))
def test_every_security_type(code: int) -> None:
    security = parse_identifier(Properties(security_type=code).key("X"))
    assert security.security_type == SECURITY_TYPES[code]
    assert display_symbol("", security, {}) == "X"  # nothing expires


def test_what_is_unknown_is_named_so() -> None:
    security = parse_identifier(Properties(security_type=77, market=99, days=9).key("X"))
    assert security == Security(ticker="X", security_type="unknown(77)", market="unknown(99)")


def test_the_largest_number_of_64_bits() -> None:
    security = parse_identifier(f"X {base36(2**64 - 1)}")
    assert security.security_type == "unknown(15)"
    with pytest.raises(IdentifierError, match="does not fit in 64 bits"):
        parse_identifier(f"X {base36(2**64)}")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", '"": "" is not a ticker and a number'),
        (" ", '" ": " " is not a ticker and a number'),
        ("AAPL", '"AAPL": "AAPL" is not a ticker and a number'),
        ("AAPL R735QTJ8XC9X 1", '"AAPL R735QTJ8XC9X 1": "AAPL R735QTJ8XC9X 1" is not a ticker'),
        ("AAPL r735qtj8xc9x", '"r735qtj8xc9x" is not a base 36 number'),
        ("AAPL -1", '"-1" is not a base 36 number'),
        ("AAPL 1_0", '"1_0" is not a base 36 number'),
        ("AAPL ٣", '"\\\\u0663" is not a base 36 number'),
        ("AAPL R735QTJ8XC9X\n", r'"R735QTJ8XC9X\\n" is not a base 36 number'),
        ("AAPL ZZZZZZZZZZZZZZ", '"ZZZZZZZZZZZZZZ" is not a base 36 number of 1 to 13 digits'),
        ("AAPL ZZZZZZZZZZZZZ", '"ZZZZZZZZZZZZZ" does not fit in 64 bits'),
        ("|", '"|": "" is not a ticker and a number'),
        ("A 2T|", '"A 2T|": "" is not a ticker and a number'),
        ("|A 2T", '"|A 2T": "" is not a ticker and a number'),
        ("A" * 300 + " 2T", "has 303 characters, expected at most 256"),
    ],
)
def test_what_is_no_identifier_is_refused(key: str, message: str) -> None:
    with pytest.raises(IdentifierError) as caught:
        parse_identifier(key)
    assert message.replace("\\\\", "\\") in str(caught.value)
    assert len(str(caught.value)) < 250


@given(st.one_of(st.text(), st.from_regex(r"[A-Z |0-9]{1,40}", fullmatch=True)))
def test_nonsense_never_raises_anything_else(key: str) -> None:
    try:
        security = parse_identifier(key)
    except IdentifierError:
        return
    assert isinstance(security, Security)
    assert display_symbol("", security, {})


class TestDisplaySymbol:
    def test_an_equitys_sent_value_counts_before_the_tickers(self) -> None:
        security = parse_identifier("FB V6OIPNZEM8V9")
        assert display_symbol("META", security, {}) == "META"
        assert display_symbol("", security, TICKERS) == "META"
        assert display_symbol("", security, {}) == "FB"

    def test_a_sent_value_is_for_equities_only(self) -> None:
        assert display_symbol("ES20H20", parse_identifier("ES XCZJLC9NOB29"), {}) == "ES 2020-03-20"

    def test_an_index_option_keeps_its_own_root(self) -> None:
        root = Properties(security_type=10, days=46_010, strike=68525, scale=5).key("SPXW")
        index = Properties(security_type=9).key("SPX")
        security = parse_identifier(f"{root}|{index}")
        assert display_symbol("", security, {"SPX": "no"}) == "SPXW 2025-12-19 C 6852.5"

    def test_an_option_whose_underlying_is_missing(self) -> None:
        key = Properties(security_type=2, days=46_374, strike=6, scale=8).key("SPY")
        assert display_symbol("", parse_identifier(key), {}) == "SPY 2026-12-18 C 600"

    def test_a_crypto_future_that_expires(self) -> None:
        key = Properties(security_type=11, market=16, days=46_374).key("BTCUSDT")
        assert display_symbol("", parse_identifier(key), {}) == "BTCUSDT 2026-12-18"

    def test_a_canonical_option(self) -> None:
        key = Properties(security_type=2).key("?SPY") + "|SPY R735QTJ8XC9X"
        assert display_symbol("", parse_identifier(key), {}) == "?SPY"
