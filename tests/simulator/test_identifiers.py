"""Keys that LEAN itself has written (from its tests and documentation), and ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from exporter.simulator.identifiers import SecurityType, base36, security_identifier
from exporter.simulator.instruments import (
    cfd,
    crypto,
    crypto_future,
    equity,
    forex,
    friday_after,
    future,
    index,
    option,
    third_friday_after,
)

AAPL = equity("AAPL", "1998-01-02")
ES = future("ES", "cme", date(2020, 3, 20), 50.0, "SPX")


@pytest.mark.parametrize(
    ("key", "instrument"),
    [
        ("AAPL R735QTJ8XC9X", AAPL),
        ("SPY R735QTJ8XC9X", equity("SPY", "1998-01-02")),
        ("GOOCV VP83T1ZUHROL", equity("GOOCV", "2014-03-27", "GOOG")),
        ("QQQ RIWIV7K5Z9LX", equity("QQQ", "1999-03-10")),
        (
            "GOOCV W78ZEOEHV29Y|GOOCV VP83T1ZUHROL",
            option(equity("GOOCV", "2014-03-27"), date(2016, 1, 15), Decimal(750), strike_scale=6),
        ),
        (
            "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X",
            option(AAPL, date(2020, 5, 21), Decimal(100), put=True),
        ),
        (
            "AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X",
            option(AAPL, date(2020, 5, 21), Decimal("100.00"), put=True, strike_scale=4),
        ),
        ("ES XCZJLC9NOB29", ES),
        (
            "ES 31C3JQS9DCF1G|ES XCZJLC9NOB29",
            option(ES, date(2020, 3, 20), Decimal(3000), put=True, market="cme"),
        ),
        (
            "OG XD5G9X7YX280|GC XE1Y0ZJ8NQ8T",
            option(
                future("GC", "comex", date(2020, 4, 28), 100.0, "GC"),
                date(2020, 3, 26),
                Decimal(1650),
                ticker="OG",
                market="comex",
            ),
        ),
        ("EURGBP 8G", forex("EURGBP")),
        ("XAUUSD 8I", cfd("XAUUSD")),
        ("BTCUSD 2XR", crypto("BTCUSD", "BTC")),
        ("BTCUSDT 18R", crypto_future("BTCUSDT", "BTCUSD")),
        ("SPX 31", index("SPX")),
    ],
)
def test_keys_are_those_of_lean(key: str, instrument: object) -> None:
    assert instrument.key == key  # type: ignore[attr-defined]


def test_what_has_no_date_has_day_0() -> None:
    assert security_identifier("A", SecurityType.EQUITY, "usa") == "A 2T"
    assert security_identifier("ES", SecurityType.FUTURE, "cme") == "ES 1S1"
    assert base36(0) == "0"


@pytest.mark.parametrize("strike", ["-5", "475712", "0.4757125", "NaN"])
def test_a_strike_that_does_not_fit_is_refused(strike: str) -> None:
    with pytest.raises(ValueError, match="can't be written in an identifier"):
        security_identifier("X", SecurityType.OPTION, "usa", strike=Decimal(strike))


def test_a_european_option_is_marked() -> None:
    american = security_identifier("X", SecurityType.INDEX_OPTION, "usa", strike=Decimal("2.5"))
    european = security_identifier(
        "X", SecurityType.INDEX_OPTION, "usa", strike=Decimal("2.5"), european=True
    )
    distance = int(european.split()[1], 36) - int(american.split()[1], 36)
    assert distance == 10**13


def test_fridays() -> None:
    wednesday = 1_795_000_000.0
    assert friday_after(wednesday) == date(2026, 11, 20)
    friday_evening = 1_795_208_400.0  # 2026-11-20 21:00 UTC
    assert friday_after(friday_evening - 1) == date(2026, 11, 20)
    assert friday_after(friday_evening) == date(2026, 11, 27)
    assert third_friday_after(wednesday) == date(2026, 11, 20)
    assert third_friday_after(friday_evening) == date(2026, 12, 18)
    assert third_friday_after(friday_evening, (3, 6, 9, 12)) == date(2026, 12, 18)
    assert third_friday_after(1_797_700_000.0, (3, 6, 9, 12)) == date(2027, 3, 19)
