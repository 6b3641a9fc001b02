"""Sessions against the days that the exchange publishes, and their hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from exporter.sources.sessions import is_in_session

NO_TRADING = (
    "2022-01-17 2022-02-21 2022-04-15 2022-05-30 2022-06-20 2022-07-04 2022-09-05 2022-11-24 "
    "2022-11-25 2022-12-26 "
    "2023-01-02 2023-01-16 2023-02-20 2023-04-07 2023-05-29 2023-06-19 2023-07-03 2023-07-04 "
    "2023-09-04 2023-11-23 2023-11-24 2023-12-25 "
    "2026-01-01 2026-01-19 2026-02-16 2026-04-03 2026-05-25 2026-06-19 2026-07-03 2026-09-07 "
    "2026-11-26 2026-11-27 2026-12-24 2026-12-25 "
    "2027-01-01 2027-01-18 2027-02-15 2027-03-26 2027-05-31 2027-06-18 2027-07-05 2027-09-06 "
    "2027-11-25 2027-11-26 2027-12-24 "
    "2028-01-17 2028-02-21 2028-04-14 2028-05-29 2028-06-19 2028-07-03 2028-07-04 2028-09-04 "
    "2028-11-23 2028-11-24 2028-12-25"
)
"""The weekdays of five years on which the NYSE is closed or closes early (nyse.com/calendars)."""


def at(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


@pytest.mark.parametrize("year", [2022, 2023, 2026, 2027, 2028])
def test_trading_days(year: int) -> None:
    closed = {date.fromisoformat(day) for day in NO_TRADING.split()}
    first = datetime(year, 1, 1, 18, tzinfo=UTC)
    days = [first + timedelta(days=n) for n in range(365)]
    for day in days:
        trades = day.weekday() < 5 and day.date() not in closed
        assert is_in_session("usa", "Equity", day.timestamp()) == trades, day


@pytest.mark.parametrize(
    ("time", "trades"),
    [("14:29:59", False), ("14:30:00", True), ("19:59:59", True), ("20:00:00", False)],
)
@pytest.mark.parametrize(
    ("market", "security_type"),
    [("usa", "Option"), ("cme", "Future"), ("oanda", "Forex"), ("interactivebrokers", "Forex")],
)
def test_the_hours_of_new_york(market: str, security_type: str, time: str, trades: bool) -> None:
    assert is_in_session(market, security_type, at(f"2026-11-25 {time}")) == trades


@pytest.mark.parametrize("security_type", ["Crypto", "CryptoFuture"])
def test_crypto_trades_on_sunday_night(security_type: str) -> None:
    assert is_in_session("binance", security_type, at("2026-11-29 03:00"))


@pytest.mark.parametrize(
    ("market", "security_type"),
    [("krx", "Equity"), ("eurex", "Future"), ("unknown", "Base"), ("", "")],
)
def test_what_is_not_known_is_never_in_session(market: str, security_type: str) -> None:
    assert not is_in_session(market, security_type, at("2026-11-25 18:00"))
