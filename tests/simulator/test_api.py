"""The five endpoints over HTTP, as a client of QuantConnect meets them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator.project import Format
from tests.support import SimulatorServer, generated_world, given_world

from .client import Client, signed
from .conftest import STARTED, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator import World

EQUITIES, CASH_ONLY, NEVER, OLD = 21048731, 22735112, 23580029, 20655318
STOPPING, CRASHING, FOREX, EURO = 23019847, 23344561, 21790216, 22418690


def live(client: Client, **parameters: object) -> list[dict[str, Any]]:
    rows = client.post("live/list", parameters).json()
    assert rows["success"] is True
    return list(rows["live"])


def test_authenticate_by_get_and_post(client: Client) -> None:
    assert client.get("authenticate").json() == {"success": True}
    assert client.post("authenticate", {}).json() == {"success": True}


def test_parameters_in_query_json_and_form(client: Client, world: World) -> None:
    world.freeze()
    by_json = client.portfolio(EQUITIES)
    by_query = client.get(f"live/portfolio/read?projectId={EQUITIES}").json()
    by_form = client.request(
        "POST",
        "/api/v2/live/portfolio/read",
        f"projectId={EQUITIES}".encode(),
        {"Content-Type": "application/x-www-form-urlencoded", **signed()},
    ).json()
    assert by_json == by_query == by_form
    assert by_json["success"] is True
    assert len(by_json["portfolio"]["holdings"]) >= 8


@pytest.mark.parametrize("encoding", ["short", "long", "pascal"])
def test_a_portfolio_is_what_is_true(client: Client, world: World, encoding: Any) -> None:
    names = {
        "short": ("holdings", "a", "q", "p", "v", "u", "cash", "amount"),
        "long": (
            *("holdings", "averagePrice", "quantity", "marketPrice", "marketValue"),
            *("unrealizedPnl", "cash", "amount"),
        ),
        "pascal": (
            *("Holdings", "AveragePrice", "Quantity", "MarketPrice", "MarketValue"),
            *("UnrealizedPnl", "Cash", "Amount"),
        ),
    }[encoding]
    world.freeze()
    world.project(FOREX).format = Format(encoding=encoding)
    truth = world.truth(FOREX).account
    assert truth is not None
    portfolio = client.portfolio(FOREX)["portfolio"]
    holdings, average, quantity, price, value, gain, cash, amount = names
    assert list(portfolio[holdings]) == list(truth.holdings)
    for key, holding in truth.holdings.items():
        sent, wired = portfolio[holdings][key], holding.on_wire()
        assert sent[quantity] == wired.quantity
        assert sent[average] == wired.average_price
        assert sent[price] == wired.market_price
        assert sent[value] == wired.market_value
        assert sent[gain] == wired.unrealized_pnl
    assert {currency: entry[amount] for currency, entry in portfolio[cash].items()} == {
        currency: entry.amount for currency, entry in truth.cash.items()
    }


def test_a_book_of_cash_only(client: Client, world: World) -> None:
    assert client.portfolio(CASH_ONLY)["portfolio"]["holdings"] == {}
    world.project(CASH_ONLY).format = Format(empty_as_list=True)
    assert client.portfolio(CASH_ONLY)["portfolio"]["holdings"] == []


@pytest.mark.parametrize("endpoint", ["live/portfolio/read", "live/read"])
def test_a_project_never_deployed(client: Client, endpoint: str) -> None:
    answer = client.post(endpoint, {"projectId": NEVER}).json()
    assert answer == {"errors": ["No live deployment found"], "success": False}
    assert live(client, projectId=NEVER) == []


@pytest.mark.parametrize("endpoint", ["live/portfolio/read", "live/read", "projects/read"])
def test_a_project_of_somebody_else(client: Client, endpoint: str) -> None:
    answer = client.post(endpoint, {"projectId": 1}).json()
    assert answer == {"errors": ["Project not found"], "success": False}


@pytest.mark.parametrize("endpoint", ["live/portfolio/read", "live/read"])
@pytest.mark.parametrize("body", [{}, {"projectId": "x"}, {"projectId": True}, {"projectId": None}])
def test_no_project_to_speak_of(client: Client, endpoint: str, body: object) -> None:
    answer = client.post(endpoint, body).json()
    assert answer == {"errors": ["Invalid argument"], "success": False}


def test_the_list_has_every_deployment_newest_first(client: Client) -> None:
    rows = live(client)
    assert [row["launched"] for row in rows] == sorted(
        (row["launched"] for row in rows), reverse=True
    )
    mine = [row for row in rows if row["projectId"] == EQUITIES]
    assert [row["status"] for row in mine] == ["Running", "Stopped"]
    assert mine[1]["stopped"] < mine[0]["launched"]
    assert len({row["deployId"] for row in rows}) == len(rows) == 13
    assert all(re.fullmatch("L-[0-9a-f]{32}", row["deployId"]) for row in rows)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row["launched"]) for row in rows)
    failed = rows[-1]
    assert (failed["status"], failed["equity"]) == ("DeployError", 0)


def test_the_list_by_status_and_project(client: Client, world: World) -> None:
    running = live(client, status="Running")
    assert {row["projectId"] for row in running} == set(world.project_ids) - {NEVER, OLD}
    assert [row["projectId"] for row in live(client, status="Liquidated")] == [OLD]
    assert [row["status"] for row in live(client, projectId=OLD)] == ["Liquidated", "DeployError"]
    assert live(client, projectId=EQUITIES, status="Liquidated") == []
    assert live(client, projectId=1) == []
    refused = client.post("live/list", {"status": "Deleted"}).json()
    assert refused == {"errors": ["Invalid argument"], "success": False}


def test_the_list_s_equity_is_true(client: Client, world: World) -> None:
    world.freeze()
    for row in live(client, status="Running"):
        assert row["equity"] == pytest.approx(world.truth(row["projectId"]).equity, abs=0.00501)


def test_one_stops_and_one_crashes(client: Client, clock: Clock) -> None:
    held = client.portfolio(STOPPING)["portfolio"]
    clock.time = STARTED + 180.0
    (row, _) = live(client, projectId=STOPPING)
    assert (row["status"], row["stopped"]) == ("Stopped", "2026-11-18 11:09:40")
    left = client.portfolio(STOPPING)["portfolio"]
    assert (
        set(left["holdings"]) >= {"QQQ RIWIV7K5Z9LX", "BAC R735QTJ8XC9X"} <= set(held["holdings"])
    )
    clock.time = STARTED + 400.0
    assert client.portfolio(STOPPING)["portfolio"] == left
    (row,) = live(client, status="RuntimeError")
    assert row["projectId"] == CRASHING
    assert "has no attribute" in row["error"]
    read = client.post("live/read", {"projectId": CRASHING}).json()
    assert read["status"] == "RuntimeError"
    assert "has no attribute" in read["message"]
    assert read["runtimeStatistics"] == []
    assert read["serverStatistics"] == []


def test_statistics_are_strings_for_people(client: Client, world: World) -> None:
    at = world.freeze()
    read = client.post("live/read", {"projectId": EQUITIES}).json()
    truth = world.truth(EQUITIES).statistics
    assert truth is not None
    assert read["runtimeStatistics"].pop("Probabilistic Sharpe Ratio").endswith("%")
    assert read["runtimeStatistics"] == {
        "Equity": f"${truth.equity:,.2f}",
        "Fees": f"-${truth.fees:,.2f}",
        "Holdings": f"${truth.holdings_value:,.2f}",
        "Net Profit": f"${truth.net_profit:,.2f}",
        "Return": f"{truth.return_ratio * 100:.2f} %",
        "Unrealized": f"${truth.unrealized:,.2f}",
        "Volume": f"${truth.volume:,.2f}",
        "Open Risk": "$2,310.55",
        "Signal": "0.43",
        "Regime": "risk-on",
    }
    server = read["serverStatistics"]
    launched = world.project(EQUITIES).deployments[-1].launched
    assert server["Up Time"].startswith(f"{int(at - launched) // 86400}d ")
    assert server["Total RAM (MB)"] == "16384"
    assert re.fullmatch(r"\d+\.\d%", server["CPU Usage"])
    assert read["files"][0]["name"] == "main.py"
    assert read["stopped"] is None
    assert read["projectName"] == "US equities long-short"


def test_statistics_of_a_book_in_euros(client: Client) -> None:
    read = client.post("live/read", {"projectId": EURO}).json()
    assert read["runtimeStatistics"]["Equity"].startswith("€")
    assert read["runtimeStatistics"]["Fees"].startswith("-€")


def test_projects(client: Client, world: World) -> None:
    one = client.get(f"projects/read?projectId={STOPPING}").json()["projects"]
    assert [project["name"] for project in one] == ["Research/Pairs mean reversion"]
    answer = client.post("projects/read", {}).json()
    assert [project["projectId"] for project in answer["projects"]] == world.project_ids
    assert answer["versions"][0]["description"].startswith("LEAN")
    running = {project["projectId"]: project["codeRunning"] for project in answer["projects"]}
    assert (running[EQUITIES], running[NEVER], running[OLD]) == (True, False, False)
    deployed = {p["projectId"]: p["lastLiveDeployment"] for p in answer["projects"]}
    assert deployed[NEVER] is None
    forms = {project["projectId"]: project["liveForm"] for project in answer["projects"]}
    assert forms[NEVER] is None
    assert re.fullmatch("LN-[0-9a-f]{32}", forms[EQUITIES].pop("node"))
    assert forms[EQUITIES] == {
        "brokerageData": {"id": "InteractiveBrokersBrokerage"},
        "dataProvidersData": [{"id": "QuantConnectBrokerage"}],
        "notifyInsights": False,
        "notifyOrderEvents": True,
        "autoRestart": True,
    }
    assert [number for number, form in forms.items() if form and not form["autoRestart"]] == [
        CRASHING
    ]
    some = client.post("projects/read", {"start": 1, "end": 3}).json()["projects"]
    assert [project["projectId"] for project in some] == world.project_ids[1:3]
    rest = client.get("projects/read?start=8").json()["projects"]
    assert [project["projectId"] for project in rest] == world.project_ids[8:]


def test_dates_as_the_documentation_has_them(client: Client, world: World) -> None:
    world.project(EQUITIES).format = Format(iso_dates=True)
    row = live(client, projectId=EQUITIES, status="Running")[0]
    assert re.fullmatch(r"2026-11-\d\dT\d\d:\d\d:\d\dZ", row["launched"])


def test_a_snapshot_that_lags(client: Client, world: World, clock: Clock) -> None:
    launched = world.project(EQUITIES).deployments[-1].launched
    world.snapshot_lag = 600.0
    clock.time = launched + 599.0
    assert client.portfolio(EQUITIES) == {"success": True}
    clock.time = launched + 601.0
    first = client.portfolio(EQUITIES)
    clock.time = launched + 1199.0
    assert client.portfolio(EQUITIES) == first
    clock.time = launched + 1200.0
    assert client.portfolio(EQUITIES) != first


def test_answers_given_from_outside() -> None:
    given = b'{"portfolio": {"holdings": {}, "cash": {}},   "success": true}'
    world = given_world(
        {5: given, 6: {"success": True, "portfolio": None}},
        names={5: "five"},
        equities={6: 12.5},
    )
    with SimulatorServer(world) as server:
        client = Client(server.port)
        reply = client.post("live/portfolio/read", {"projectId": 5})
        assert reply.body == given
        assert client.portfolio(6) == {"success": True, "portfolio": None}
        rows = {row["projectId"]: row for row in live(client)}
        assert {row["status"] for row in rows.values()} == {"Running"}
        assert (rows[5]["equity"], rows[6]["equity"]) == (100_000, 12.5)
        names = [p["name"] for p in client.post("projects/read", {}).json()["projects"]]
        assert names == ["five", "Project 6"]
        read = client.post("live/read", {"projectId": 6}).json()
        assert read["runtimeStatistics"]["Equity"] == "$12.50"
        client.close()


@pytest.fixture
def big() -> Iterator[Client]:
    with SimulatorServer(generated_world(projects=3, holdings=150)) as server:
        client = Client(server.port)
        yield client
        client.close()


def test_a_generated_account(big: Client) -> None:
    rows = live(big, status="Running")
    assert [row["projectId"] for row in rows] == [30000001, 30000002, 30000003]
    holdings = big.portfolio(30000002)["portfolio"]["holdings"]
    assert len(holdings) == 150
    assert any("|" in key for key in holdings)
