"""The catalogue is the contract: these names with these labels, and no others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from exporter.exposition import TEXT, Renderer, join
from exporter.metrics import CATALOGUE, EXPORTER_FAMILIES, PROJECT_FAMILIES, TABLES
from exporter.metrics.live import (
    CUSTOM_STATISTIC,
    DEPLOYMENT,
    LIVE_STATUS,
    STATISTICS,
    status_flags,
)
from exporter.metrics.portfolio import CASH, HOLDINGS, POSITIONS
from exporter.metrics.reading import PROJECT_INFO, PROJECT_LIMIT, READINGS, Reading, Source
from exporter.metrics.reference import page
from exporter.metrics.table import Family, Row
from exporter.quantconnect.model import Cash, Deployment, Holding, Portfolio, Statistics
from exporter.telemetry import Telemetry

ROOT = Path(__file__).parents[2]

# The table of the interface, written out: further labels after project_id and project.
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
    "quantconnect_live_custom_statistic": "statistic",
    "quantconnect_live_cpu_usage_ratio": "",
    "quantconnect_live_memory_used_bytes": "",
    "quantconnect_live_memory_total_bytes": "",
    "quantconnect_live_uptime_seconds": "",
    "quantconnect_read_success": "source",
    "quantconnect_read_last_success_timestamp_seconds": "source",
    "quantconnect_read_duration_seconds": "source",
    "quantconnect_read_interval_seconds": "source",
    "quantconnect_project_info": "account",
    "quantconnect_project_limit": "limit",
}
EXPORTER = {
    "quantconnect_api_requests_total": ("counter", "account endpoint"),
    "quantconnect_api_request_failures_total": ("counter", "account endpoint reason"),
    "quantconnect_api_request_duration_seconds": ("histogram", "account endpoint"),
    "quantconnect_api_request_budget_per_second": ("gauge", "account"),
    "quantconnect_api_request_demand_per_second": ("gauge", "account"),
    "quantconnect_api_authenticated": ("gauge", "account"),
    "quantconnect_api_clock_skew_seconds": ("gauge", "account"),
    "quantconnect_api_parse_problems_total": ("counter", "endpoint field"),
    "quantconnect_exporter_build_info": ("gauge", "version revision python_version"),
    "quantconnect_exporter_config_last_reload_successful": ("gauge", ""),
    "quantconnect_exporter_config_last_reload_success_timestamp_seconds": ("gauge", ""),
    "quantconnect_exporter_faults_total": ("counter", ""),
    "quantconnect_exporter_http_requests_total": ("counter", "handler code"),
    "quantconnect_exporter_tls_handshake_failures_total": ("counter", ""),
}


def test_the_families_of_projects() -> None:
    assert {family.name: (family.type, set(family.labels)) for family in PROJECT_FAMILIES} == {
        name: ("gauge", {"project_id", "project", *labels.split()})
        for name, labels in PROJECT.items()
    }
    assert [family.name for family in PROJECT_FAMILIES if family.open_labels] == [
        "quantconnect_project_info"
    ]


def test_the_families_of_the_exporter() -> None:
    assert {family.name: (family.type, set(family.labels)) for family in EXPORTER_FAMILIES} == {
        name: (type_, set(labels.split())) for name, (type_, labels) in EXPORTER.items()
    }


def test_every_name_is_there_once() -> None:
    assert Counter(family.name for family in CATALOGUE).most_common(1)[0][1] == 1
    assert CATALOGUE == PROJECT_FAMILIES + EXPORTER_FAMILIES


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
    if family.name.startswith(("quantconnect_holding", "quantconnect_cash", "quantconnect_live")):
        endpoint = {
            "holding": "live/portfolio/read",
            "holdings": "live/portfolio/read",
            "cash": "live/portfolio/read",
            "live": "live/(list|read)",
        }[family.name.split("_")[1]]
        assert re.search(rf"Source: {endpoint}, .*\. Read every \w+_interval", family.help)


def test_titles_of_tables_tell_them_apart() -> None:
    """A renderer keeps what it made by title."""
    assert len({table.title for table in TABLES}) == len(TABLES)


def everything() -> bytes:
    """An exposition in which every family has a sample."""
    renderer = Renderer(Row(7, "US momentum", "USD"))
    holding = Holding(
        symbol_id="A",
        value="",
        security=None,
        security_type="Equity",
        currency_symbol="$",
        quantity=1,
        average_price=2,
        market_price=3,
        conversion_rate=1,
        market_value=3,
        unrealized_pnl=1,
        unrealized_pnl_percent=50,
    )
    cash = Cash(
        currency="USD",
        amount=1,
        conversion_rate=1,
        value=1,
        has_conversion_securities=False,
    )
    deployment = Deployment(
        project_id=7,
        deploy_id="L-1",
        status="Stopped",
        launched=1,
        stopped=2,
        brokerage="Paper",
        environment="paper",
        equity=3,
        error="",
    )
    runtime = ("Fees", "Holdings", "Net Profit", "Unrealized", "Volume", "Return")
    statistics = Statistics(
        runtime=dict.fromkeys((*runtime, "Probabilistic Sharpe Ratio"), 1),
        custom={"Orders": 1},
        cpu_usage=1,
        memory_used_bytes=1,
        memory_total_bytes=1,
        uptime_seconds=1,
        problems=(),
    )
    portfolio = Portfolio((holding,), (cash,), ())
    reading = Reading(Source.STATUS, 60, success=True, last_success=1, duration=1)
    snapshots = [
        renderer.render(PROJECT_INFO, [{"account": "main", "desk": "x"}]),
        renderer.render(PROJECT_LIMIT, [("max_drawdown", 0.1)]),
        renderer.render(READINGS, [reading]),
        renderer.render(POSITIONS, [portfolio]),
        renderer.render(HOLDINGS, [holding]),
        renderer.render(CASH, [cash]),
        renderer.render(LIVE_STATUS, status_flags("Stopped")),
        renderer.render(DEPLOYMENT, [deployment]),
        renderer.render(STATISTICS, [statistics]),
        renderer.render(CUSTOM_STATISTIC, statistics.custom.items()),
    ]
    telemetry = Telemetry(version="1.2.3", revision="unknown")
    account = telemetry.account("main", endpoints=["live/list"], reasons=["auth"], budget=1)
    account.call("live/list")
    account.answered("live/list", 0.2, "auth")
    account.skew(0.5)
    account.problem("live/list", "equity")
    telemetry.http_requests.labels("/metrics", "200").inc()
    telemetry.reload_successful.set(1)
    telemetry.reload_timestamp.set(1)
    return join(PROJECT_FAMILIES, snapshots, telemetry.registry, TEXT)


def test_every_family_can_have_samples() -> None:
    """All but the expiry, which wants a derivative: see the portfolios."""
    published = set(
        re.findall(r"(?m)^(quantconnect_\w+?)(?:_bucket|_sum|_count)?[{ ]", everything().decode())
    )
    assert published == {family.name for family in CATALOGUE} - {
        "quantconnect_holding_expiry_timestamp_seconds"
    }


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


def test_the_reference_page_is_current() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page(), (
        "docs/metrics.md is not what the catalogue says: run make docs"
    )


def test_the_reference_page_is_what_its_command_prints() -> None:
    command = [sys.executable, "-m", "exporter.metrics.reference"]
    printed = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert (printed.stdout.decode(), printed.stderr) == (page(), b"")


def test_the_reference_page_names_every_family_with_all_its_labels() -> None:
    rows = {
        match[1]: set(re.findall(r"`(\w+)`", match[2]))
        for match in re.finditer(r"(?m)^\| `(quantconnect_\w+)` \| \w+ \| ([^|]*)\|", page())
    }
    assert rows == {family.name: set(family.labels) for family in CATALOGUE}
