from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.instruments import (
    Instrument,
    cfd,
    crypto,
    crypto_future,
    equity,
    forex,
    future,
    index,
    option,
)
from exporter.simulator.market import WALKS, Market

STARTED = 1_795_000_000.0
DAY = 86_400.0
SPY = equity("SPY", "1998-01-02")
ES = future("ES", "cme", date(2027, 3, 19), 50.0, "SPX")

TRADED = [
    SPY,
    equity("UNLISTED", "2001-01-02"),
    ES,
    option(SPY, date(2026, 12, 18), Decimal(600)),
    option(SPY, date(2026, 12, 18), Decimal(560), put=True),
    option(ES, date(2027, 3, 19), Decimal(5800), put=True, market="cme"),
    option(index("SPX"), date(2026, 12, 18), Decimal(6000)),
    forex("EURUSD"),
    forex("EURGBP"),
    forex("USDJPY"),
    cfd("XAUUSD"),
    crypto("BTCUSD", "BTC"),
    crypto_future("BTCUSDT", "BTCUSD"),
]

times = st.floats(STARTED - 200 * DAY, STARTED + 400 * DAY)


@pytest.fixture(scope="module")
def market() -> Market:
    return Market("demo", STARTED)


@pytest.mark.parametrize("instrument", TRADED, ids=lambda instrument: instrument.key)
@given(time=times)
@settings(max_examples=60)
def test_a_price_is_a_function_of_seed_and_time(instrument: Instrument, time: float) -> None:
    price = Market("demo", STARTED).price(instrument, time)
    later = Market("demo", STARTED)
    later.price(instrument, time + 12345.6)
    assert later.price(instrument, time) == price > 0


def test_another_seed_is_another_world(market: Market) -> None:
    other = Market("other", STARTED)
    moved = [
        market.price(each, STARTED + DAY) != other.price(each, STARTED + DAY) for each in TRADED
    ]
    assert all(moved)


def test_at_the_start_shares_stand_at_their_levels(market: Market) -> None:
    assert market.price(SPY, STARTED) == WALKS["SPY"].level


def test_prices_move_every_few_seconds_and_never_jump(market: Market) -> None:
    seconds = [market.price(SPY, STARTED - 300 + second) for second in range(600)]
    assert len(set(seconds)) > 60
    steps = [abs(b - a) / a for a, b in itertools.pairwise(seconds)]
    assert max(steps) < 0.0005


def test_what_belongs_together_moves_together(market: Market) -> None:
    spot = index("SPX")
    for day in range(30):
        time = STARTED + day * DAY
        basis = market.price(ES, time) / market.price(spot, time)
        assert 1.0 < basis < 1.02
        cross = market.rate("EUR", time) / market.rate("GBP", time)
        assert market.price(forex("EURGBP"), time) == pytest.approx(cross, rel=1e-12)
        assert market.rate("EUR", time, "GBP") == pytest.approx(cross, rel=1e-12)
        perpetual = market.price(crypto_future("BTCUSDT", "BTCUSD"), time)
        coin = market.price(crypto("BTCUSD", "BTC"), time) / market.rate("USDT", time)
        assert perpetual == pytest.approx(coin, abs=0.011)


def test_call_and_put_differ_by_the_forward(market: Market) -> None:
    call = option(SPY, date(2026, 12, 18), Decimal(590))
    put = option(SPY, date(2026, 12, 18), Decimal(590), put=True)
    difference = market.price(call, STARTED) - market.price(put, STARTED)
    assert difference == pytest.approx(market.price(SPY, STARTED) - 590, abs=3.0)


def test_an_expired_option_is_worth_what_is_left(market: Market) -> None:
    after = STARTED + 60 * DAY
    call = option(SPY, date(2026, 12, 18), Decimal(100))
    assert market.price(call, after) == pytest.approx(market.price(SPY, after) - 100, abs=0.02)
    worthless = option(SPY, date(2026, 12, 18), Decimal(100), put=True)
    assert market.price(worthless, after) == 0.01


def test_one_unit_of_a_currency_in_itself(market: Market) -> None:
    assert market.rate("EUR", STARTED, "EUR") == 1.0
    assert market.rate("USD", STARTED, "EUR") == pytest.approx(1 / 1.0540)
    assert market.rate("BTC", STARTED) == WALKS["BTCUSD"].level
