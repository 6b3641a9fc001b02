"""The catalogue is the contract: these names with these labels, and no others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from exporter.exposition import TEXT, Renderer, Snapshot, join
from exporter.metrics import own
from exporter.metrics.project import PROJECT_INFO, PROJECT_LIMIT, READINGS
from exporter.sources import ACCOUNT_SOURCES, CATALOGUE, READ_FAMILIES, SOURCES, TABLES
from exporter.sources.benchmark import BENCHMARK, Benchmark
from exporter.sources.credit import CREDIT, Credit
from exporter.sources.logs import LOGS, LogLines
from exporter.sources.nodes import NODES, Nodes
from exporter.sources.orders import ORDERS, beginning, decode_orders
from exporter.sources.portfolio import PORTFOLIO, decode_portfolio
from exporter.sources.projects import DESCRIPTION, Description
from exporter.sources.statistics import STATISTICS, decode_statistics
from exporter.sources.status import STATUS, Status, decode_deployments
from exporter.sources.trades import TRADES, Trades
from exporter.telemetry import Telemetry
from tests.metrics.readings import Read
from tests.sources.given import ROW, answer_of

if TYPE_CHECKING:
    from exporter.metrics.table import Family
    from exporter.sources.source import Source

# The table of the interface, written out: further labels after account, project_id and project.
HOLDING = "symbol symbol_id security_type"
PROJECT = {
    "quantconnect_holding_quantity": HOLDING,
    "quantconnect_holding_average_price": HOLDING,
    "quantconnect_holding_market_price": HOLDING,
    "quantconnect_holding_conversion_rate": HOLDING,
    "quantconnect_holding_market_value": f"{HOLDING} account_currency",
    "quantconnect_holding_unrealized_pnl": f"{HOLDING} account_currency",
    "quantconnect_holding_unrealized_pnl_ratio": HOLDING,
    "quantconnect_holding_expiry_timestamp_seconds": HOLDING,
    "quantconnect_holding_info": (
        f"{HOLDING} market option_right strike underlying currency_symbol"
    ),
    "quantconnect_holdings": "",
    "quantconnect_holdings_in_session": "",
    "quantconnect_cash_amount": "currency",
    "quantconnect_cash_conversion_rate": "currency",
    "quantconnect_cash_value": "currency account_currency",
    "quantconnect_live_status": "status",
    "quantconnect_live_info": "deploy_id brokerage trading_environment",
    "quantconnect_live_launched_timestamp_seconds": "",
    "quantconnect_live_stopped_timestamp_seconds": "",
    "quantconnect_live_equity": "account_currency",
    "quantconnect_live_fees": "account_currency",
    "quantconnect_live_holdings_value": "account_currency",
    "quantconnect_live_net_profit": "account_currency",
    "quantconnect_live_unrealized_pnl": "account_currency",
    "quantconnect_live_volume": "account_currency",
    "quantconnect_live_return_ratio": "",
    "quantconnect_live_probabilistic_sharpe_ratio": "",
    "quantconnect_live_lean_version_info": "lean_version",
    "quantconnect_live_custom_statistic": "statistic",
    "quantconnect_live_cpu_usage_ratio": "",
    "quantconnect_live_memory_used_bytes": "",
    "quantconnect_live_memory_total_bytes": "",
    "quantconnect_live_uptime_seconds": "",
    "quantconnect_read_success": "source",
    "quantconnect_read_last_success_timestamp_seconds": "source",
    "quantconnect_read_duration_seconds": "source",
    "quantconnect_read_interval_seconds": "source",
    "quantconnect_project_info": "",
    "quantconnect_project_limit": "limit",
    "quantconnect_project_auto_restart": "",
    "quantconnect_live_orders": "status",
    "quantconnect_live_oldest_open_order_timestamp_seconds": "",
    "quantconnect_live_last_fill_timestamp_seconds": "",
    "quantconnect_live_order_fees": "currency",
    "quantconnect_live_closed_trades": "result",
    "quantconnect_live_realized_pnl": "account_currency",
    "quantconnect_live_trade_fees": "account_currency",
    "quantconnect_live_log_lines": "query",
    "quantconnect_live_benchmark_value": "",
}
ACCOUNT = {
    "quantconnect_account_live_nodes": "account busy",
    "quantconnect_account_credit_balance": "account",
    "quantconnect_account_card_expiry_timestamp_seconds": "account",
}
ALL_SOURCES = (*SOURCES, *ACCOUNT_SOURCES)
_EVENT = {"algorithmId": "L-1", "orderFeeAmount": 1, "orderFeeCurrency": "USD"}
_TIMES = {"createdTime": "2026-11-20 14:30:00", "lastFillTime": "2026-11-20 14:31:00"}
ORDERS_FOUND = [{"id": 1, "status": 2, **_TIMES, "events": [_EVENT]}]
EXPORTER = {
    "quantconnect_api_requests_total": ("counter", "account endpoint"),
    "quantconnect_api_request_failures_total": ("counter", "account endpoint reason"),
    "quantconnect_api_request_duration_seconds": ("histogram", "account endpoint"),
    "quantconnect_api_request_budget_per_second": ("gauge", "account"),
    "quantconnect_api_request_demand_per_second": ("gauge", "account"),
    "quantconnect_api_authenticated": ("gauge", "account"),
    "quantconnect_api_clock_skew_seconds": ("gauge", "account"),
    "quantconnect_account_unread_live_projects": ("gauge", "account"),
    "quantconnect_api_parse_problems_total": ("counter", "endpoint field"),
    "quantconnect_exporter_build_info": ("gauge", "version revision python_version"),
    "quantconnect_exporter_config_last_reload_successful": ("gauge", ""),
    "quantconnect_exporter_config_last_reload_success_timestamp_seconds": ("gauge", ""),
    "quantconnect_exporter_faults_total": ("counter", ""),
    "quantconnect_exporter_http_requests_total": ("counter", "handler code"),
    "quantconnect_exporter_tls_handshake_failures_total": ("counter", ""),
}


def test_the_families_of_projects() -> None:
    assert {family.name: (family.type, set(family.labels)) for family in READ_FAMILIES} == {
        **{
            name: ("gauge", {"account", "project_id", "project", *labels.split()})
            for name, labels in PROJECT.items()
        },
        **{name: ("gauge", set(labels.split())) for name, labels in ACCOUNT.items()},
    }
    assert [family.name for family in READ_FAMILIES if family.open_labels] == [
        "quantconnect_project_info"
    ]


def test_the_families_of_the_exporter() -> None:
    assert {family.name: (family.type, set(family.labels)) for family in own.FAMILIES} == {
        name: (type_, set(labels.split())) for name, (type_, labels) in EXPORTER.items()
    }


def test_every_name_is_there_once() -> None:
    assert Counter(family.name for family in CATALOGUE).most_common(1)[0][1] == 1
    assert CATALOGUE == READ_FAMILIES + own.FAMILIES


@pytest.mark.parametrize("family", CATALOGUE, ids=lambda family: family.name)
def test_a_name_says_its_unit_and_the_help_where_it_is_from(family: Family) -> None:
    assert re.fullmatch(r"quantconnect_[a-z]+(_[a-z]+)*", family.name)
    assert re.fullmatch(r"[A-Z0-9].*\.", family.help), "help is a sentence"
    assert "\n" not in family.help
    assert family.name.endswith("_total") == (family.type == "counter")
    words = {
        "_timestamp_seconds": "unix timestamp",
        "_ratio": "ratio|Probability",
        "_info": "always 1",
        "_bytes": "MiB",
        "_rate": "[Rr]ate",
    }
    for suffix, word in words.items():
        if family.name.endswith(suffix):
            assert re.search(word, family.help), f"{family.name} says nothing of {word}"
    if "account_currency" in family.labels:
        assert re.search("account('s)? currency", family.help)


@pytest.mark.parametrize("source", ALL_SOURCES, ids=lambda source: source.name)
def test_the_help_of_what_is_read_has_the_endpoint_and_the_interval(source: Source[Any]) -> None:
    endpoint = {
        PORTFOLIO: "live/portfolio/read, ",
        STATUS: "live/list, ",
        STATISTICS: "live/read, ",
        DESCRIPTION: "projects/read, ",
        ORDERS: "live/orders/read, ",
        LOGS: "live/logs/read, ",
        TRADES: "live/trades/read, ",
        BENCHMARK: "live/chart/read, ",
        NODES: "projects/nodes/read, ",
        CREDIT: "account/read, ",
    }[source]
    key = source.every.partition("`, ")[0].strip("`")
    for table in source.tables:
        for family in table.families:
            assert re.search(rf"Source: {endpoint}.*\. Read every {key}", family.help)


def test_the_help_of_the_unrealized_profit_names_the_better_one() -> None:
    [family] = [each for each in CATALOGUE if each.name == "quantconnect_live_unrealized_pnl"]
    assert "stuck at 0" in family.help
    assert "Prefer the sum of quantconnect_holding_unrealized_pnl." in family.help


def test_names_of_sources_tell_them_apart() -> None:
    assert len({source.name for source in ALL_SOURCES}) == len(ALL_SOURCES)


def test_titles_of_tables_tell_them_apart() -> None:
    """A renderer keeps what it made by title."""
    assert len({table.title for table in TABLES}) == len(TABLES)


def everything() -> bytes:
    """An exposition in which every family has a sample."""
    renderer = Renderer(ROW)
    option = {"a": 2, "q": 1, "p": 3, "v": 300, "u": 99, "up": 49.5}
    deployment = {
        "projectId": 7,
        "deployId": "L-1",
        "status": "Stopped",
        "launched": "2026-11-20 14:30:00",
        "stopped": "2026-11-21 14:30:00",
        "equity": 3,
    }
    money = ("Fees", "Holdings", "Net Profit", "Unrealized", "Volume")
    statistics = {
        "runtimeStatistics": {
            **dict.fromkeys(money, "$1.00"),
            **dict.fromkeys(("Return", "Probabilistic Sharpe Ratio"), "1 %"),
            "Orders": "1",
        },
        "serverStatistics": {
            "CPU Usage": "1%",
            "Used RAM (MB)": "1",
            "Total RAM (MB)": "2",
            "Up Time": "0d 00:00:03",
            "LEAN Version": "v2.5.0.0.17484",
        },
    }
    answers: dict[Source[Any], Any] = {
        PORTFOLIO: decode_portfolio(
            answer_of({"AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X": option}), max_holdings=1
        ),
        STATUS: Status(decode_deployments({"live": [deployment]}).newest()[7]),
        STATISTICS: decode_statistics(statistics, custom=("Orders",)),
        DESCRIPTION: Description(7, "US momentum", auto_restart=True),
        ORDERS: decode_orders({"orders": ORDERS_FOUND}, known=beginning("L-1")),
        LOGS: LogLines({"errors": 7}, is_whole=True),
        TRADES: Trades(),
        BENCHMARK: Benchmark(value=450.0, problems=()),
        NODES: Nodes(busy=1, free=0, problems=()),
        CREDIT: Credit(balance=1.0, card_expiry=1.0, problems=()),
    }
    snapshots: list[Snapshot] = [
        renderer.render(PROJECT_INFO, [{"desk": "x"}]),
        renderer.render(PROJECT_LIMIT, [("max_drawdown", 0.1)]),
        renderer.render(READINGS, [Read("status", 60, success=True, last_success=1, duration=1)]),
        *(
            renderer.render(families.table, families.rows(answers[source], 0.0))
            for source in ALL_SOURCES
            for families in source.families
        ),
    ]
    telemetry = Telemetry(version="1.2.3", revision="unknown")
    account = telemetry.account("main", endpoints=["live/list"], reasons=["auth"], budget=1)
    account.call("live/list")
    account.answered("live/list", 0.2)
    account.failed("live/list", "auth")
    account.skew(0.5)
    account.unread(1)
    account.problem("live/list", "equity")
    telemetry.http_requests.labels("/metrics", "200").inc()
    telemetry.reload_successful.set(1)
    telemetry.reload_timestamp.set(1)
    return join(READ_FAMILIES, snapshots, telemetry.registry, TEXT)


def test_every_family_can_have_samples() -> None:
    published = set(
        re.findall(r"(?m)^(quantconnect_\w+?)(?:_bucket|_sum|_count)?[{ ]", everything().decode())
    )
    assert published == {family.name for family in CATALOGUE}


@pytest.mark.needs_prometheus
def test_promtool_finds_nothing_to_say_against_the_exposition() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is not installed: apt-get install prometheus")
        pytest.skip("promtool is not installed: apt-get install prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=everything(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
