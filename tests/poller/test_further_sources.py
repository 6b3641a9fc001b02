"""Orders, trades, log lines, nodes and credit: when they are asked, and what is published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.poller.project import OTHER_TICKER
from exporter.poller.schedule import FIRST_LOADING_WAIT
from exporter.poller.task import Call
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.credit import CREDIT
from exporter.sources.logs import LOGS
from exporter.sources.nodes import NODES
from exporter.sources.orders import ORDERS
from exporter.sources.portfolio import PORTFOLIO
from exporter.sources.source import Known
from exporter.sources.status import STATUS
from exporter.sources.trades import TRADES

from .account import Account, configured
from .given import FURTHER, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.quantconnect.client import Request

ON = "\n".join(
    (
        *("status_interval: 1m", "statistics_interval: 0s", "orders_interval: 10m"),
        *("trades_interval: 1h", "nodes_interval: 10m", "account_interval: 1h"),
        *("logs_interval: 5m", "log_queries: {errors: error, fills: Filled}"),
    )
)
OFF = "\n".join(("statistics_interval: 0s", *(f"{each}_interval: 0s" for each in FURTHER)))
ID = 'account="main",project="One",project_id="1"'
LOADING = {"progress": 0.25, "status": "loading", "success": True}
ORDER = {
    "id": 1,
    "status": 1,
    "createdTime": "2026-11-17T11:00:00Z",
    "symbol": {"value": "META", "id": "FB V6OIPNZEM8V9"},
    "events": [{"algorithmId": "L-1"}],
}


def listed(**fields: object) -> dict[str, object]:
    """live/list with the deployment of project 1."""
    deployment = {
        "projectId": 1,
        "deployId": "L-1",
        "status": "Running",
        "launched": "2026-11-17 10:00:00",
        "equity": 1000,
        **fields,
    }
    return {"live": [deployment]}


ANSWERS: dict[str, dict[str, object]] = {
    Endpoint.AUTHENTICATE: {},
    Endpoint.LIVE_ORDERS_READ: {"orders": [ORDER], "length": 1},
    Endpoint.LIVE_TRADES_READ: {"trades": [], "length": 0},
    Endpoint.LIVE_LOGS_READ: {"logs": [], "length": 7},
    Endpoint.PROJECTS_NODES_READ: {"nodes": {"live": [{"busy": True}]}},
    Endpoint.ACCOUNT_READ: {"creditBalance": 2500.75, "card": None},
    Endpoint.PROJECTS_READ: {"projects": [{"projectId": 1, "name": "One"}]},
    Endpoint.LIVE_LIST: listed(),
    Endpoint.LIVE_PORTFOLIO_READ: {
        "portfolio": {
            "holdings": {},
            "cash": {"USD": {"amount": 5, "conversionRate": 1, "valueInAccountCurrency": 5}},
        }
    },
}


def played(**other: dict[str, object]) -> Callable[[Request[Any]], Any]:
    """QuantConnect's answers, some of them others: by the endpoint with underscores."""
    answers = ANSWERS | {name.replace("_", "/"): answer for name, answer in other.items()}

    def answer(request: Request[Any]) -> Any:
        try:
            return request.decode(answers[request.endpoint])
        except ApiError as error:
            return error

    return answer


@pytest.fixture
def one(tmp_path: Path) -> Account:
    return Account(configured(tmp_path, "requests_per_minute: 600, projects: [{id: 1}]", ON))


def asked(names: list[str]) -> dict[str, int]:
    return {name: names.count(name) for name in ("orders", "logs", "trades", "nodes", "account")}


def test_each_source_at_its_interval(one: Account) -> None:
    names = one.asks(played(), seconds=3599.0)
    assert asked(names) == {"orders": 6, "logs": 2 * 12, "trades": 1, "nodes": 6, "account": 1}
    needed = 1 / 60 + 1 / 600 + 2 / 300 + 1 / 3600 + 1 / 600 + 1 / 3600
    assert one.own("api_request_demand_per_second", account="main") == pytest.approx(
        needed + 1 / 60
    )


def test_what_is_off_is_never_asked(tmp_path: Path) -> None:
    with_queries = f"{OFF}\nlog_queries: {{errors: error}}"
    names = Account(configured(tmp_path, "projects: [{id: 1}]", with_queries)).asks(
        played(), seconds=3599.0
    )
    assert set(names) == {"authenticate", "running", "names", "portfolio"}


def test_everything_is_published(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    assert one.value(f'live_orders{{{ID},status="submitted"') == 1
    assert one.value(f"live_oldest_open_order_timestamp_seconds{{{ID}") == 1_794_913_200
    assert (
        one.value('live_closed_trades{account="main",project="One",project_id="1",result="win"')
        == 0
    )
    assert (
        one.value('live_log_lines{account="main",project="One",project_id="1",query="fills"') == 7
    )
    assert one.value('account_live_nodes{account="main",busy="true"') == 1
    assert one.value('account_credit_balance{account="main"') == 2500.75
    for source in ("orders", "trades", "logs"):
        assert one.value(f'read_success{{{ID},source="{source}"') == 1
    account = 'account="main",project="",project_id=""'
    for source in ("nodes", "account"):
        assert one.value(f'read_success{{{account},source="{source}"') == 1
    assert one.poller.is_complete()
    calls = one.poller.report().calls
    assert calls["nodes"].succeeded is not None
    assert calls["account"].interval == 3600


def test_each_is_withdrawn_by_its_own_age(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    read_at = one.time.monotonic

    def at(seconds: float) -> set[str]:
        one.time.monotonic = read_at + seconds
        return one.families()

    orders, nodes = "live_orders", "account_live_nodes"
    trades, credit = "live_closed_trades", "account_credit_balance"
    assert {orders, nodes, trades, credit} <= at(1700)
    assert {trades, credit} == {orders, nodes, trades, credit} & at(1800)
    assert not {trades, credit} & at(3 * 3600)


def test_a_failure_keeps_what_is_known_and_says_so(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    before = one.lines()
    for source in (ORDERS, LOGS, TRADES):
        one.fails(source)
    for name in ("nodes", "account"):
        one.tells(one.projects.account_tasks[name], ApiError(Reason.HTTP_5XX, "HTTP 503"))
    assert one.lines() == before
    assert one.value(f'read_success{{{ID},source="orders"') == 0
    assert one.value('read_success{account="main",project="",project_id="",source="nodes"') == 0
    assert one.failures("http_5xx", "projects/nodes/read") == 1


# --- Loading --------------------------------------------------------------------------------------


def test_loading_is_no_empty_list_and_is_asked_again_soon(one: Account) -> None:
    loading = played(live_orders_read=LOADING, live_trades_read=LOADING)
    names = one.asks(loading, seconds=5.0)
    assert asked(names)["orders"] == 1
    assert not {"live_orders", "live_closed_trades"} & one.families()
    assert one.value(f'read_success{{{ID},source="orders"') == 0
    assert one.failures("not_ready", "live/orders/read") == 1
    assert one.poller.is_complete()
    names = one.asks(loading, seconds=FIRST_LOADING_WAIT)
    assert asked(names)["orders"] == asked(names)["trades"] == 1
    names = one.asks(loading, seconds=7 * FIRST_LOADING_WAIT)
    assert asked(names)["orders"] == asked(names)["trades"] == 1
    # Then at the interval of the source, and not more rarely than that.
    names = one.asks(loading, seconds=3600.0)
    assert asked(names)["orders"] == 6
    one.asks(played(), seconds=600.0)
    assert one.value(f'live_orders{{{ID},status="submitted"') == 1


def test_a_list_that_is_loading_later_keeps_the_last(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    one.asks(played(live_orders_read=LOADING), seconds=900.0)
    assert one.value(f'live_orders{{{ID},status="submitted"') == 1
    assert one.value(f'read_success{{{ID},source="orders"') == 0


# --- Deployments ----------------------------------------------------------------------------------


def test_a_project_never_deployed_is_asked_for_none_of_them(one: Account) -> None:
    names = one.asks(played(live_list={"live": []}), seconds=3000.0)
    assert asked(names) == {"orders": 0, "logs": 0, "trades": 0, "nodes": 5, "account": 1}
    assert one.poller.is_complete()
    names = one.asks(played(), seconds=120.0)  # it is deployed
    assert asked(names)["orders"] == 1


def test_a_deployment_whose_setup_fails_has_orders_too(one: Account) -> None:
    one.asks(played(live_list={"live": []}), seconds=600.0)
    one.status(status="DeployError")
    assert asked(one.asks(played(live_list={"live": []}), seconds=60.0))["orders"] == 1


def test_a_redeploy_withdraws_the_orders_at_once_and_asks_again(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    one.status(deployId="L-2")
    assert "live_orders" not in one.families()
    assert "live_closed_trades" in one.families()
    starts = []

    def answer(request: Request[Any]) -> Any:
        if request.endpoint == Endpoint.LIVE_ORDERS_READ:
            starts.append(request.parameters["start"])
        return played(live_list=listed(deployId="L-2"))(request)

    assert asked(one.asks(answer, seconds=5.0))["orders"] == 1
    assert starts == [0]  # the last order that was known
    assert one.value(f'live_orders{{{ID},status="submitted"') == 0


def test_an_answer_of_before_a_redeploy_is_not_published(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    late = one.project().request(ORDERS).decode({"orders": [ORDER], "length": 1})
    one.status(deployId="L-2")
    one.tells(one.task(ORDERS), late)
    assert "live_orders" not in one.families()
    assert one.failures("not_ready", "live/orders/read") == 0
    listed_now = played(live_list=listed(deployId="L-2"))
    assert asked(one.asks(listed_now, seconds=5.0))["orders"] == 1


# --- Several calls --------------------------------------------------------------------------------


def test_nothing_is_published_before_the_last_page(one: Account) -> None:
    page = {"orders": [{**ORDER, "id": number} for number in range(1, 1001)]}
    pages = iter([page, {"orders": [{**ORDER, "id": 1001}]}])

    def answer(request: Request[Any]) -> Any:
        if request.endpoint == Endpoint.LIVE_ORDERS_READ:
            decoded = request.decode(next(pages))
            assert "live_orders" not in one.families()
            return decoded
        return played()(request)

    assert asked(one.asks(answer, seconds=60.0))["orders"] == 2
    assert one.value(f'live_orders{{{ID},status="submitted"') == 1001
    assert (
        one.own(
            "api_request_failures_total",
            account="main",
            endpoint="live/orders/read",
            reason="malformed",
        )
        == 0
    )


def test_a_reload_goes_on_where_a_reading_was(one: Account, tmp_path: Path) -> None:
    one.asks(played(), seconds=60.0)
    task = one.task(LOGS)
    first = one.project().request(LOGS).decode({"length": 1})
    one.tells(task, first)
    one.reload(configured(tmp_path, "projects: [{id: 1}]", ON))
    assert one.task(LOGS) is task
    assert one.project().request(LOGS).parameters["query"] == "Filled"
    fewer = ON.replace("{errors: error, fills: Filled}", "{errors: error}")
    one.reload(configured(tmp_path, "projects: [{id: 1}]", fewer))
    assert one.task(LOGS).calls == 1
    assert one.project().request(LOGS).parameters["query"] == "error"
    one.reload(configured(tmp_path, "projects: [{id: 1}]", OFF))
    assert set(one.project().tasks) & {ORDERS, LOGS, TRADES} == set()
    assert not {"live_orders", "live_log_lines", "account_live_nodes"} & one.families()
    assert asked(one.asks(played(), seconds=3600.0)) == dict.fromkeys(asked([]), 0)


def test_a_list_that_changes_with_each_call_is_asked_for_with_back_off(one: Account) -> None:
    numbers = iter(range(10**9))

    def answer(request: Request[Any]) -> Any:
        page = [
            {"id": str(next(numbers)), "profitLoss": 1, "totalFees": 0, "isWin": True}
            for _ in range(1000)
        ]
        return played(live_trades_read={"trades": page})(request)

    assert 2 < asked(one.asks(answer, seconds=1800.0))["trades"] < 40
    assert one.value(f'read_success{{{ID},source="trades"') == 0
    assert one.poller.is_complete()
    one.asks(played(), seconds=300.0)
    assert one.value(f'read_success{{{ID},source="trades"') == 1


def test_a_failure_in_between_begins_nothing_again(one: Account) -> None:
    starts = []
    page = {"orders": [{**ORDER, "id": number} for number in range(1, 1001)]}

    def answer(request: Request[Any]) -> Any:
        if request.endpoint != Endpoint.LIVE_ORDERS_READ:
            return played()(request)
        starts.append(request.parameters["start"])
        if len(starts) == 2:
            return ApiError(Reason.TIMEOUT, "slow")
        return request.decode(page if len(starts) == 1 else {"orders": []})

    one.asks(answer, seconds=60.0)
    assert starts == [0, 1000, 1000]


def test_demand_follows_the_number_of_queries(one: Account, tmp_path: Path) -> None:
    one.asks(played(), seconds=60.0)
    before = one.schedule.demand
    four = ON.replace("{errors: error, fills: Filled}", "{a: a, b: b, c: c, d: d}")
    one.reload(configured(tmp_path, "projects: [{id: 1}]", four))
    assert one.schedule.demand == pytest.approx(before + 2 / 300)
    one.reload(configured(tmp_path, "projects: [{id: 1}]", ON))
    assert one.schedule.demand == pytest.approx(before)


# --- The account ----------------------------------------------------------------------------------


def test_an_answer_while_an_account_gets_another_name_leaves_nothing_of_the_old(
    one: Account, tmp_path: Path
) -> None:
    one.asks(played(), seconds=60.0)
    config = configured(tmp_path, "projects: [{id: 1}]", ON)
    renamed = replace(config, accounts=(replace(config.accounts[0], name="other"),))
    one.poller.release(renamed.accounts[0], ())
    one.tells(one.projects.account_tasks["nodes"], ApiError(Reason.HTTP_5XX, "HTTP 503"))
    one.poller.adopt(renamed.accounts[0], renamed, one.schedule.budget, 4)
    assert one.lines(but="-")
    assert not [line for line in one.lines(but="-") if 'account="main"' in line]


def test_an_account_without_projects_is_not_asked(tmp_path: Path) -> None:
    empty = played(live_list={"live": []}, projects_read={"projects": []})
    account = Account(configured(tmp_path, "discover: {enabled: true}", ON))
    names = account.asks(empty, seconds=900.0)
    assert asked(names) == dict.fromkeys(asked([]), 0)
    assert account.poller.is_complete()
    assert asked(account.asks(played(), seconds=120.0))["nodes"] == 1


def test_a_project_that_is_deleted_is_not_asked_for_nodes(tmp_path: Path) -> None:
    account = Account(configured(tmp_path, "projects: [{id: 1}, {id: 2}]", ON))
    nodes = account.projects.account_tasks["nodes"]
    account.lists()
    assert account.projects.request(nodes).parameters == {"projectId": 1}
    account.names(_2="Two")
    assert account.projects.request(nodes).parameters == {"projectId": 2}
    account.lists(3)
    assert account.projects.request(nodes).parameters == {"projectId": 3}


def test_the_account_keeps_its_state_over_a_reload(one: Account, tmp_path: Path) -> None:
    one.asks(played(), seconds=60.0)
    before = one.lines()
    one.reload(configured(tmp_path, "projects: [{id: 1}]", ON))
    assert one.lines() == before
    only = ON.replace("nodes_interval: 10m", "nodes_interval: 0s")
    one.reload(configured(tmp_path, "projects: [{id: 1}]", only))
    assert "account_live_nodes" not in one.families()
    assert "account_credit_balance" in one.families()
    assert one.projects.account_tasks.keys() >= {"account"}


def test_an_answer_after_its_source_was_switched_off_is_not_published(
    one: Account, tmp_path: Path
) -> None:
    one.asks(played(), seconds=60.0)
    task = one.projects.account_tasks["nodes"]
    one.schedule.under_way += 1
    call = task.call = Call(task, one.time.monotonic, 0)
    one.reload(configured(tmp_path, "projects: [{id: 1}]", OFF))
    nodes = NODES.request(one.project().settings, one.config, Known())
    answer = nodes.decode(ANSWERS[Endpoint.PROJECTS_NODES_READ])
    one.poller.settle(call, answer, one.time.monotonic)
    assert "account_live_nodes" not in one.families()
    assert one.own("exporter_faults_total") == 0


def test_an_account_that_leaves_takes_its_series_with_it(one: Account, tmp_path: Path) -> None:
    one.asks(played(), seconds=60.0)
    one.poller.release(None, ())
    assert one.lines(but="-") == []


def test_only_one_shard_reads_the_account(tmp_path: Path) -> None:
    account = Account(configured(tmp_path, "projects: [{id: 1}]", ON), reads_account=False)
    names = account.asks(played(), seconds=3600.0)
    assert asked(names)["nodes"] == asked(names)["account"] == 0
    assert asked(names)["orders"] == 6


# --- Tickers --------------------------------------------------------------------------------------


def test_an_order_tells_todays_ticker_of_what_is_held(
    one: Account, caplog: pytest.LogCaptureFixture
) -> None:
    held = {"FB V6OIPNZEM8V9": {"a": 450.5, "q": 10, "p": 460, "v": 4600, "u": 94, "up": 2.5}}
    one.asks(played(), seconds=60.0)
    assert one.reports()[1].renamed == {}  # FB is not held
    one.reads(held)
    assert one.reports()[1].renamed == {"FB": "META"}
    one.asks(played(), seconds=1200.0)
    one.reads(held)
    [line] = said(caplog, OTHER_TICKER)
    assert line["tickers"] == "FB: META"


def test_intervals_of_what_does_not_run_are_longer(one: Account) -> None:
    one.asks(played(), seconds=60.0)
    one.status(status="Stopped")
    assert one.project().regular_interval(ORDERS) == 3000.0
    assert one.project().regular_interval(STATUS) == 300.0
    assert one.project().regular_interval(PORTFOLIO) == 300.0


def test_sources_of_an_account_are_stretched_with_the_others(tmp_path: Path) -> None:
    text = f"{ON}"
    crowded = configured(
        tmp_path, "requests_per_minute: 2, projects: [{id: 1}, {id: 2}, {id: 3}]", text
    )
    account = Account(crowded)
    account.asks(played(), seconds=300.0)
    nodes = account.projects.account_tasks["nodes"]
    assert nodes.source is NODES
    assert account.schedule.stretch > 1
    assert nodes.interval == pytest.approx(600.0 * account.schedule.stretch)
    assert account.projects.account_tasks["account"].source is CREDIT
