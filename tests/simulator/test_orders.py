"""live/orders/read and live/trades/read: what the book's round trips look like from outside."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import Deployment, World
from exporter.simulator.account import Account
from exporter.simulator.demo import SPY
from exporter.simulator.instruments import option, third_friday_after
from exporter.simulator.market import Market
from exporter.simulator.project import Format, Project
from tests.support import SimulatorServer, generated_world, given_world

from .client import Client
from .conftest import STARTED, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

EQUITIES, CRYPTO, EURO, NEVER, OLD = 21048731, 22057483, 22418690, 23580029, 20655318
DEMO = [EQUITIES, 21363904, 21790216, CRYPTO, EURO, 22735112, 23019847, 23344561, OLD]
FIRST, SECOND = "L-first", "L-second"
SYMBOL = {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"}


def orders(client: Client, project_id: int, start: int = 0, end: int = 1000) -> list[Any]:
    answer = client.post(
        "live/orders/read", {"projectId": project_id, "start": start, "end": end}
    ).json()
    assert answer["success"] is True
    return list(answer["orders"])


def trades(client: Client, project_id: int, **parameters: object) -> Any:
    answer = client.post(
        "live/trades/read", {"projectId": project_id, "start": 0, "end": 1000, **parameters}
    ).json()
    assert answer["success"] is True
    return answer


@pytest.fixture
def by_hand(clock: Clock) -> World:
    """A project in which nothing trades but a test's hands, deployed an hour ago."""
    book = Account(
        seed="test",
        market=Market("test", STARTED),
        currency="USD",
        opened=STARTED - 3600.0,
        deposits={"USD": 100_000.0},
    )
    deployments = [Deployment(FIRST, STARTED - 3600.0)]
    project = Project(1, "By hand", STARTED - 7200.0, book, deployments=deployments)
    return World([project], clock=clock)


@pytest.fixture
def hand(by_hand: World) -> Iterator[Client]:
    with SimulatorServer(by_hand) as server:
        client = Client(server.port)
        yield client
        client.close()


def market_order(number: int, time: str, unix: float, quantity: int, price: float) -> Any:
    """A filled order for SPY as both endpoints send it, and its events."""
    row = {
        "type": 0,
        "id": number,
        "contingentId": 0,
        "brokerId": [str(1000 + number)],
        "symbol": SYMBOL,
        "price": price,
        "priceCurrency": "USD",
        "time": time,
        "createdTime": time,
        "lastFillTime": time,
        "quantity": quantity,
        "status": 3,
        "tag": "",
        "properties": {"timeInForce": {}},
        "securityType": 1,
        "direction": 0 if quantity > 0 else 1,
        "value": pytest.approx(quantity * price),
        "orderSubmissionData": {
            "bidPrice": pytest.approx(price * 0.9999),
            "askPrice": pytest.approx(price * 1.0001),
            "lastPrice": price,
        },
        "isMarketable": True,
        "priceAdjustmentMode": 0,
    }
    common = {
        "algorithmId": FIRST,
        "orderId": number,
        "symbol": "SPY R735QTJ8XC9X",
        "symbolValue": "SPY",
        "symbolPermtick": "SPY",
        "time": unix,
        "fillPriceCurrency": "USD",
        "direction": "buy" if quantity > 0 else "sell",
        "isAssignment": False,
        "quantity": quantity,
    }
    submitted = {
        **common,
        "id": f"{FIRST}-{number}-1",
        "orderEventId": 1,
        "status": "submitted",
        "fillPrice": 0,
        "fillQuantity": 0,
    }
    filled = {
        **common,
        "id": f"{FIRST}-{number}-2",
        "orderEventId": 2,
        "status": "filled",
        "orderFeeAmount": 0.35,
        "orderFeeCurrency": "USD",
        "fillPrice": price,
        "fillQuantity": quantity,
    }
    return row, [submitted, filled]


def test_a_round_trip(by_hand: World, hand: Client, clock: Clock) -> None:
    clock.time = STARTED
    by_hand.open(1, SPY, 10)
    clock.time += 90_000.5
    by_hand.close(1, SPY.key)
    bought = by_hand.project(1).book.market.price(SPY, STARTED)
    sold = by_hand.project(1).book.market.price(SPY, clock.time)
    entry, entered = market_order(1, "2026-11-18T11:06:40.000000Z", STARTED, 10, bought)
    leave, left = market_order(2, "2026-11-19T12:06:40.500000Z", clock.time, -10, sold)
    answer = hand.post("live/orders/read", {"projectId": 1, "start": 0, "end": 100}).json()
    assert answer == {
        "orders": [{**entry, "events": entered}, {**leave, "events": left}],
        "length": 2,
        "success": True,
    }
    answer = trades(hand, 1)
    (trade,) = answer["trades"]
    assert trade.pop("mae") <= min(0.0, trade["profitLoss"])
    assert trade["endTradeDrawdown"] == pytest.approx(trade.pop("mfe") - trade["profitLoss"])
    assert trade.pop("endTradeDrawdown") >= 0
    assert answer == {
        "trades": [
            {
                "id": "98e2202d-0d70-478d-84b4-a7c57c00421b",
                "symbols": [SYMBOL],
                "entryTime": "2026-11-18T11:06:40.000000Z",
                "entryPrice": bought,
                "direction": 0,
                "quantity": 10,
                "exitTime": "2026-11-19T12:06:40.500000Z",
                "exitPrice": sold,
                "profitLoss": pytest.approx(10 * (sold - bought)),
                "totalFees": 0.7,
                "duration": "1.01:00:00.5000000",
                "isWin": sold > bought,
                "orderIds": [1, 2],
                "orders": [entry, leave],
            }
        ],
        "length": 1,
        "success": True,
    }


def test_a_position_that_is_carried_over(by_hand: World, hand: Client, clock: Clock) -> None:
    by_hand.open(1, SPY, -10)
    clock.time += 60.0
    by_hand.stop(1)
    clock.time += 60.0
    second = by_hand.start(1)
    clock.time += 60.0
    by_hand.close(1, SPY.key)
    rows = orders(hand, 1)
    assert [(row["id"], row["events"][0]["algorithmId"]) for row in rows] == [
        (1, FIRST),
        (1, second),
    ]
    assert trades(hand, 1) == {"trades": [], "length": 0, "success": True}
    by_hand.open(1, SPY, -10)
    clock.time += 60.0
    by_hand.close(1, SPY.key)
    assert [row["id"] for row in orders(hand, 1)] == [1, 1, 2, 3]
    (trade,) = trades(hand, 1)["trades"]
    assert (trade["direction"], trade["orderIds"], trade["duration"]) == (
        1,
        [2, 3],
        "00:01:00.0000000",
    )


def test_an_option_and_an_empty_map_as_a_list(by_hand: World, hand: Client) -> None:
    expiry = third_friday_after(STARTED)
    by_hand.project(1).format = Format(empty_as_list=True)
    by_hand.open(1, option(SPY, expiry, Decimal(600)), 1)
    (row,) = orders(hand, 1)
    assert row["properties"] == {"timeInForce": []}
    assert row["symbol"] == {
        "value": "SPY   261120C00600000",
        "id": row["events"][0]["symbol"],
        "permtick": "SPY   261120C00600000",
        "underlying": SYMBOL,
    }


@pytest.mark.parametrize("project_id", DEMO)
def test_the_orders_of_the_demo_are_its_book_s(
    client: Client, world: World, project_id: int
) -> None:
    at = world.freeze()
    project = world.project(project_id)
    rows = orders(client, project_id)
    assert len(rows) < 600
    events = [event for row in rows for event in row["events"]]
    deployments = [deployment.deploy_id for deployment in project.deployments]
    numbered = [(deployments.index(row["events"][0]["algorithmId"]), row["id"]) for row in rows]
    count = Counter(deployment for deployment, _ in numbered)
    assert numbered == [(d, number + 1) for d in sorted(count) for number in range(count[d])]
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
    state = project.book.at(project.deployments[-1].latest(at))
    assert sum(event.get("orderFeeAmount", 0.0) for event in events) == pytest.approx(
        state.fees, abs=0.05
    )
    held: Counter[str] = Counter()
    for event in events:
        held[event["symbol"]] += event["fillQuantity"]
    assert {key: quantity for key, quantity in held.items() if abs(quantity) > 1e-6} == (
        pytest.approx({key: holding.quantity for key, holding in state.holdings.items()})
    )


@pytest.mark.parametrize("project_id", DEMO)
def test_the_trades_of_the_demo(client: Client, world: World, project_id: int) -> None:
    world.freeze()
    answer = trades(client, project_id)
    rows = answer["trades"]
    assert answer["length"] == len(rows)
    assert [row["exitTime"] for row in rows] == sorted(row["exitTime"] for row in rows)
    assert all(row["entryTime"] < row["exitTime"] for row in rows)
    assert all(row["isWin"] is (row["profitLoss"] > 0) for row in rows if row["profitLoss"])
    assert len({row["id"] for row in rows}) == len(rows)
    deployments = world.project(project_id).deployments
    by_deployment = [trades(client, project_id, deployId=d.deploy_id) for d in deployments]
    assert [row for each in by_deployment for row in each["trades"]] == rows


def test_profit_adds_up(client: Client, world: World) -> None:
    world.freeze()
    project = world.project(EURO)  # one deployment: each closed trip is a trade
    state = project.book.at(world.now())
    rows = trades(client, EURO)["trades"]
    assert sum(row["profitLoss"] for row in rows) == pytest.approx(state.realized, abs=0.5)


def test_not_all_is_filled(client: Client, world: World) -> None:
    rows = [(project_id, row) for project_id in DEMO for row in orders(client, project_id)]
    assert {row["status"] for _, row in rows} == {1, 3, 5, 7}
    running = {d.deploy_id for p in world.projects for d in p.deployments if d.stopped is None}
    now = [row for _, row in rows if row["events"][0]["algorithmId"] in running]
    waiting = next(row for row in now if row["status"] == 1)
    assert (waiting["type"], waiting["price"], waiting["isMarketable"]) == (1, 0, False)
    assert waiting["events"][0]["limitPrice"] == waiting["limitPrice"] > 0
    assert [event["status"] for event in waiting["events"]] == ["submitted"]
    assert not {"lastFillTime", "canceledTime"} & set(waiting)
    refused = next(row for row in now if row["status"] == 7)
    (event,) = refused["events"]
    assert (event["status"], event["fillQuantity"], refused["brokerId"]) == ("invalid", 0, [])
    assert event["message"].startswith(f"Order Error: ids: [{refused['id']}], Insufficient")
    canceled = next(row for row in now if row["status"] == 5)
    assert canceled["canceledTime"] > canceled["createdTime"]
    assert [event["status"] for event in canceled["events"]] == ["submitted", "canceled"]
    stale = [row for _, row in rows if row["status"] == 1 and row not in now]
    assert stale  # its deployment stopped, and nobody wrote down how it ended


def test_a_window(client: Client, world: World) -> None:
    world.freeze()
    everything = orders(client, OLD)
    assert len(everything) == 16
    answer = client.post(
        "live/orders/read", {"projectId": OLD, "start": 3, "end": 5, "algorithmId": "ignored"}
    ).json()
    assert answer == {"orders": everything[3:5], "length": 16, "success": True}
    assert orders(client, OLD, 14, 114) == everything[14:]
    assert orders(client, OLD, 16, 17) == []
    closed = trades(client, OLD)["trades"]
    answer = trades(client, OLD, start=1, end=3)
    assert answer == {"trades": closed[1:3], "length": len(closed), "success": True}


@pytest.mark.parametrize("endpoint", ["live/orders/read", "live/trades/read"])
@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"projectId": OLD, "end": 10}, "Invalid argument"),
        ({"projectId": OLD, "start": 0}, "Invalid argument"),
        ({"projectId": OLD, "start": 0, "end": 1001}, "Invalid argument"),
        ({"projectId": OLD, "start": 5, "end": 4}, "Invalid argument"),
        ({"projectId": OLD, "start": -1, "end": 4}, "Invalid argument"),
        ({"start": 0, "end": 1}, "Invalid argument"),
        ({"projectId": 1, "start": 0, "end": 1}, "Project not found"),
        ({"projectId": NEVER, "start": 0, "end": 1}, "No live deployment found"),
    ],
)
def test_refused(client: Client, endpoint: str, parameters: dict[str, object], said: str) -> None:
    answer = client.post(endpoint, parameters).json()
    assert answer == {"errors": [said], "success": False}


def test_a_deploy_id_of_null_is_refused(client: Client) -> None:
    answer = client.post(
        "live/trades/read", {"projectId": OLD, "start": 0, "end": 1, "deployId": None}
    ).json()
    assert answer == {"errors": ["Invalid argument"], "success": False}


@pytest.mark.parametrize(
    "world", [given_world({5: {}}), generated_world(projects=1, holdings=1, first_id=5)]
)
def test_books_that_know_no_trades(world: World) -> None:
    with SimulatorServer(world) as server:
        client = Client(server.port)
        answer = client.post("live/orders/read", {"projectId": 5, "start": 0, "end": 1}).json()
        assert answer == {"orders": [], "length": 0, "success": True}
        assert trades(client, 5) == {"trades": [], "length": 0, "success": True}
        client.close()
