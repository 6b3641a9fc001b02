from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator import AccountState, World
from exporter.simulator.account import Account
from exporter.simulator.identifiers import SecurityType
from exporter.simulator.instruments import MARGINED, crypto, crypto_future, equity, forex
from exporter.simulator.market import Market
from exporter.simulator.timetable import Slot, Timetable

STARTED = 1_795_000_000.0
DAY = 86_400.0
SPY = equity("SPY", "1998-01-02")
DEMO = World.demo(started=STARTED, clock=lambda: STARTED)
DEPLOYED = [21048731, 21363904, 21790216, 22057483, 22418690, 22735112, 23019847, 23344561]
IN_CASH = {SecurityType.FOREX, SecurityType.CRYPTO}

times = st.floats(STARTED - 40 * DAY, STARTED + 3600)


def account(*, cycle: float = 600.0, running_until: float | None = None) -> Account:
    timetable = Timetable(STARTED, cycle, cycle)
    book = Account(
        seed="test",
        market=Market("test", STARTED),
        currency="USD",
        opened=STARTED - 100 * cycle,
        deposits={"USD": 100_000.0},
        slots=[Slot("SPY", lambda *_: SPY, 20_000.0, 1, timetable)],
    )
    book.set_runs([(STARTED - 100 * cycle, running_until)])
    return book


def worth(state: AccountState) -> float:
    """Equity as a broker adds it up: cash, shares and options, and what futures have gained."""
    total = sum(cash.value for cash in state.cash.values())
    for holding in state.holdings.values():
        kind = holding.instrument.security_type
        if kind in MARGINED:
            gain = holding.market_price - holding.average_price
            total += (
                gain * holding.quantity * holding.instrument.multiplier * holding.conversion_rate
            )
        elif kind not in IN_CASH:
            total += holding.market_value
    return total


@pytest.mark.parametrize("project_id", DEPLOYED)
@given(time=times)
@settings(max_examples=40, deadline=None)
def test_equity_adds_up_both_ways(project_id: int, time: float) -> None:
    state = DEMO.project(project_id).book.at(time)
    from_profit = state.deposits + state.realized - state.fees + state.unrealized
    assert state.equity == pytest.approx(from_profit, abs=1e-6)
    assert state.equity == pytest.approx(worth(state), abs=1e-6)


@pytest.mark.parametrize("project_id", DEPLOYED)
@given(time=times)
@settings(max_examples=20, deadline=None)
def test_a_holding_s_numbers_agree(project_id: int, time: float) -> None:
    state = DEMO.project(project_id).book.at(time)
    for key, holding in state.holdings.items():
        assert holding.instrument.key == key
        units = holding.quantity * holding.instrument.multiplier * holding.conversion_rate
        assert holding.market_value == pytest.approx(units * holding.market_price)
        fee = holding.instrument.fee(holding.quantity, holding.market_value)
        gain = units * (holding.market_price - holding.average_price) - fee
        assert holding.unrealized_pnl == pytest.approx(gain, abs=1e-6)
        assert holding.instrument.expires > time


def test_the_order_of_questions_makes_no_difference() -> None:
    moments = [STARTED + offset for offset in (3000.0, -50 * DAY, 7.5, 900.0, -8.0)]
    asked = World.demo(started=STARTED)
    answers = {time: asked.project(21048731).book.at(time) for time in moments}
    for time in reversed(moments):
        fresh = World.demo(started=STARTED)
        assert fresh.project(21048731).book.at(time) == answers[time]


def test_there_is_no_seam_at_the_start() -> None:
    for project_id in DEPLOYED:
        book = DEMO.project(project_id).book
        before, after = book.at(STARTED - 0.001), book.at(STARTED + 0.001)
        assert set(before.holdings) == set(after.holdings)
        assert after.equity == pytest.approx(before.equity, rel=1e-5)


def test_positions_open_and_close_while_one_watches() -> None:
    book = DEMO.project(21048731).book
    held = [frozenset(book.at(STARTED + second).holdings) for second in range(0, 600, 10)]
    changes = sum(a != b for a, b in pairwise(held))
    assert changes >= 8


def test_an_account_is_flat_before_it_was_opened() -> None:
    state = account().at(STARTED - 1000 * DAY)
    assert (state.equity, state.holdings, state.fees) == (100_000.0, {}, 0.0)


def test_a_round_trip_leaves_its_profit_and_its_fees() -> None:
    book = account(cycle=1000.0)
    middle, end = book.at(STARTED + 300.0), book.at(STARTED + 999.0)
    assert list(middle.holdings) == [SPY.key]
    assert end.holdings == {}
    assert end.fees > middle.fees
    assert end.volume > middle.volume
    assert end.realized != middle.realized
    assert end.cash["USD"].amount == pytest.approx(end.equity)


def test_nothing_trades_in_a_pause() -> None:
    stop, restart = STARTED + 500.0, STARTED + 5500.0
    book = account(cycle=1000.0, running_until=stop)
    held = book.at(stop).holdings
    assert held
    book.set_runs([(STARTED - 100_000.0, stop), (restart, None)])
    before, after = book.at(restart - 0.01), book.at(restart)
    assert set(before.holdings) == set(held)
    assert before.holdings[SPY.key].quantity == held[SPY.key].quantity
    assert after.holdings == {}  # closed as soon as the algorithm was back
    assert after.equity == pytest.approx(before.equity, abs=10.0)
    assert book.at(restart + 1000.0).holdings


def test_closing_by_hand_and_the_next_trip() -> None:
    book = account(cycle=1000.0)
    at = STARTED + 300.0
    before = book.at(at)
    assert not book.close(at, "nothing 2T")
    assert book.close(at, SPY.key)
    assert not book.close(at, SPY.key)
    after = book.at(at)
    assert after.holdings == {}
    assert before.holdings
    fee = SPY.fee(before.holdings[SPY.key].quantity, 0.0)
    assert after.equity == pytest.approx(before.equity - fee)
    assert book.at(STARTED + 1300.0).holdings
    assert book.at(at - 1.0).holdings


def test_opening_by_hand() -> None:
    book = account()
    shares = equity("KO", "1998-01-02")
    book.open(shares, 10.0, STARTED)
    book.open(shares, 5.0, STARTED + 60.0)
    state = book.at(STARTED + 61.0)
    assert state.holdings[shares.key].quantity == 15.0
    assert state.equity == pytest.approx(worth(state), abs=1e-9)
    assert book.close(STARTED + 100.0)
    assert book.at(STARTED + 100.0).holdings == {}
    assert book.at(STARTED + 99.0).holdings[shares.key].quantity == 15.0


def test_long_and_short_of_one_thing_cancel() -> None:
    book = account()
    shares = equity("KO", "1998-01-02")
    book.open(shares, 10.0, STARTED)
    book.open(shares, -10.0, STARTED + 600.0)
    state = book.at(STARTED + 900.0)
    assert shares.key not in state.holdings
    assert state.equity == pytest.approx(worth(state))


def test_cash_of_what_is_held_as_cash() -> None:
    book = account()
    book.open(forex("EURGBP"), -1000.0, STARTED)
    book.open(crypto("BTCUSD", "BTC"), 0.5, STARTED)
    book.open(crypto_future("ETHUSDT", "ETHUSD"), 2.0, STARTED)
    state = book.at(STARTED + 10.0)
    assert state.cash["EUR"].amount == -1000.0
    assert state.cash["GBP"].amount > 800.0
    assert state.cash["BTC"].amount == 0.5
    assert state.cash["USDT"].amount == 0.0
    assert state.equity == pytest.approx(worth(state))
    assert state.holdings_value == pytest.approx(
        sum(abs(holding.market_value) for holding in state.holdings.values())
    )


def test_trips_up_to_a_time() -> None:
    book = account(cycle=1000.0)
    assert book.trips(STARTED - 150_000.0) == []
    later = book.trips(STARTED + 5300.0)
    assert len(later) == 106
    assert book.trips(STARTED + 300.0) == later[:101]
