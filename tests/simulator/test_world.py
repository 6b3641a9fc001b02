from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator import World
from exporter.simulator.instruments import equity
from tests.support import generated_world, given_world

from .conftest import STARTED, Clock

EQUITIES, CASH_ONLY, NEVER, STOPPING, CRASHING = 21048731, 22735112, 23580029, 23019847, 23344561
DAY = 86_400.0


def held(world: World, project_id: int) -> set[str]:
    account = world.truth(project_id).account
    assert account is not None
    return set(account.holdings)


def equity_of(world: World, project_id: int) -> float:
    value = world.truth(project_id).equity
    assert value is not None
    return value


def test_the_demo_s_projects(world: World) -> None:
    assert len(world.project_ids) == len(set(world.project_ids)) == 10
    assert all(10_000_000 <= project_id < 100_000_000 for project_id in world.project_ids)
    currencies = {project.book.currency for project in world.projects}
    assert currencies == {"USD", "EUR"}


def test_the_demo_s_keys_cover_what_people_trade(world: World) -> None:
    held_types, keys = set(), set()
    for minute in range(0, 60 * 24 * 12, 360):
        for project in world.projects:
            holdings = project.book.at(STARTED - 12 * DAY + 60 * minute).holdings
            held_types |= {holding.instrument.security_type.name for holding in holdings.values()}
            keys |= set(holdings)
    assert held_types == {
        *("EQUITY", "OPTION", "FUTURE", "FUTURE_OPTION", "INDEX_OPTION"),
        *("FOREX", "CFD", "CRYPTO", "CRYPTO_FUTURE"),
    }
    assert {"FB V6OIPNZEM8V9", "GOOCV VP83T1ZUHROL", "BTCUSD 2XR", "EURGBP 8G"} <= keys


def test_days_later_it_still_lives() -> None:
    world = World.demo(started=STARTED)
    for project_id in (EQUITIES, 22057483):
        truth = world.truth(project_id, STARTED + 1.5 * DAY)
        assert truth.account is not None
        assert truth.account.holdings


def test_stop_leaves_positions_and_start_goes_on(world: World, clock: Clock) -> None:
    before = held(world, EQUITIES)
    world.stop(EQUITIES, "RuntimeError", "boom")
    truth = world.truth(EQUITIES)
    assert truth.deployment is not None
    assert (truth.status, truth.deployment.error) == ("RuntimeError", "boom")
    stopped_at = clock.time
    clock.time += 5000.0
    assert held(world, EQUITIES) == before
    assert world.truth(EQUITIES).state_at == stopped_at
    with pytest.raises(ValueError, match="does not run"):
        world.stop(EQUITIES)
    deploy_id = world.start(EQUITIES)
    truth = world.truth(EQUITIES)
    assert truth.deployment is not None
    assert (truth.status, truth.deployment.deploy_id) == ("Running", deploy_id)
    assert truth.deployment.brokerage == "InteractiveBrokersBrokerage"
    assert truth.statistics is not None
    assert truth.statistics.fees == 0.0
    with pytest.raises(ValueError, match="runs already"):
        world.start(EQUITIES)
    with pytest.raises(ValueError, match="can't have the status Running"):
        world.stop(EQUITIES, "Running")


def test_liquidate(world: World, clock: Clock) -> None:
    before = equity_of(world, EQUITIES)
    world.liquidate(EQUITIES)
    truth = world.truth(EQUITIES)
    assert truth.status == "Liquidated"
    assert held(world, EQUITIES) == set()
    assert truth.equity == pytest.approx(before, abs=50.0)
    clock.time += 1000.0
    assert held(world, EQUITIES) == set()
    with pytest.raises(ValueError, match="does not run"):
        world.liquidate(EQUITIES)
    world.start(EQUITIES)
    assert held(world, EQUITIES) == set()
    clock.time += 600.0
    assert held(world, EQUITIES)


def test_a_first_deployment(world: World) -> None:
    with pytest.raises(ValueError, match="does not run"):
        world.liquidate(NEVER)
    world.start(NEVER)
    truth = world.truth(NEVER)
    assert (truth.status, truth.equity) == ("Running", 100_000.0)


def test_trading_by_hand(world: World, clock: Clock) -> None:
    ibm = equity("IBM", "1998-01-02")
    world.open(CASH_ONLY, ibm, 10.0)
    assert held(world, CASH_ONLY) == {ibm.key}
    world.open(CASH_ONLY, ibm, 5.0)
    for quantity in (-1.0, 0.0):
        with pytest.raises(ValueError, match="close it"):
            world.open(CASH_ONLY, ibm, quantity)
    clock.time += 60.0
    world.close(CASH_ONLY, ibm.key)
    assert held(world, CASH_ONLY) == set()
    with pytest.raises(ValueError, match="holds no IBM"):
        world.close(CASH_ONLY, ibm.key)
    clock.time += 1.0
    world.stop(CASH_ONLY)
    with pytest.raises(ValueError, match="does not run"):
        world.open(CASH_ONLY, ibm, 1.0)


def test_a_frozen_world_stands_still(world: World, clock: Clock) -> None:
    at = world.freeze()
    before = world.truth(EQUITIES)
    clock.time += 3600.0
    assert world.now() == at
    assert world.truth(EQUITIES) == before
    assert world.freeze(STARTED) == world.now() == STARTED


def test_a_project_that_is_not_there(world: World) -> None:
    with pytest.raises(KeyError):
        world.truth(1)


def test_history_and_present_are_one(world: World) -> None:
    history = list(world.history(STARTED - 30 * DAY, STARTED, DAY / 2))
    assert [at for at, _ in history] == [STARTED - 30 * DAY + n * DAY / 2 for n in range(60)]
    for at, truths in (history[0], history[31]):
        assert truths == {p: world.truth(p, at) for p in world.project_ids}
    assert history[0][1][CRASHING].status is None
    assert history[-1][1][CRASHING].status == "Running"
    equities = [truths[EQUITIES].equity for _, truths in history]
    assert len(set(equities)) == 60


def test_the_same_seed_is_the_same_world() -> None:
    one, two, other = (
        World.demo(started=STARTED, seed=seed, clock=lambda: STARTED) for seed in (1, "1", 2)
    )
    assert one.truth(EQUITIES) == two.truth(EQUITIES)
    assert one.truth(EQUITIES) != other.truth(EQUITIES)


def test_a_given_account_can_only_be_stopped(clock: Clock) -> None:
    world = given_world({7: b"{}"}, clock=clock)
    with pytest.raises(ValueError, match="can't trade"):
        world.open(7, equity("IBM", "1998-01-02"), 1.0)
    with pytest.raises(ValueError, match="holds no IBM"):
        world.close(7, "IBM R735QTJ8XC9X")
    world.liquidate(7)
    assert world.truth(7).status == "Liquidated"
    world.start(7)


@given(time=st.floats(STARTED, STARTED + 1e6), number=st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_a_generated_account_adds_up(time: float, number: int) -> None:
    world = generated_world(projects=10, holdings=37, held_for=600.0, clock=lambda: time)
    project = world.project(30000001 + number)
    state = project.book.at(time)
    assert len(state.holdings) == 37
    assert project.book.equity(time) == pytest.approx(state.equity)
    assert project.book.equity(time) == pytest.approx(state.equity)
    assert state.equity == pytest.approx(state.deposits + state.unrealized)
    values = sum(holding.market_value for holding in state.holdings.values())
    assert state.equity == pytest.approx(state.cash["USD"].value + values)


def test_a_generated_account_turns_over(clock: Clock) -> None:
    world = generated_world(projects=2, holdings=40, held_for=600.0, clock=clock)
    before = held(world, 30000001)
    clock.time += 60.0
    after = held(world, 30000001)
    assert len(before & after) == 36
    clock.time += 2400.0
    assert len(held(world, 30000001)) == 40
    still = generated_world(projects=1, holdings=40, clock=clock)
    first = held(still, 30000001)
    clock.time += 1e6
    assert held(still, 30000001) == first


def test_a_generated_account_can_be_closed(clock: Clock) -> None:
    world = generated_world(projects=1, holdings=5, clock=clock)
    key = min(held(world, 30000001))
    before = equity_of(world, 30000001)
    world.close(30000001, key)
    assert key not in held(world, 30000001)
    assert equity_of(world, 30000001) != before
    with pytest.raises(ValueError, match="holds no"):
        world.close(30000001, key)
    with pytest.raises(ValueError, match="can't be traded in"):
        world.open(30000001, equity("IBM", "1998-01-02"), 1.0)
    world.liquidate(30000001)
    assert held(world, 30000001) == set()
    world.start(30000001)
