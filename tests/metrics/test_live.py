"""Given this answer of live/list or live/read, these samples."""

from __future__ import annotations

import pytest

from exporter.exposition import Renderer, samples
from exporter.metrics.live import (
    CUSTOM_STATISTIC,
    DEPLOYMENT,
    LIVE_STATUS,
    STATISTICS,
    status_flags,
)
from exporter.metrics.table import Row
from exporter.quantconnect.live import decode_deployments
from exporter.quantconnect.statistics import decode_statistics

ROW = Row(7, "Demo", "USD")
DEPLOYED = {
    "projectId": 7,
    "deployId": "L-5cad178b20a1d52567b534553413b691",
    "status": "Running",
    "launched": "2026-11-20 14:30:00",
    "stopped": None,
    "brokerage": "PaperBrokerage",
    "environment": "paper",
    "equity": 101691.92,
    "error": "",
}


def deployment(row: Row = ROW, **changed: object) -> list[str]:
    found, problems = decode_deployments({"success": True, "live": [{**DEPLOYED, **changed}]})
    assert problems == ()
    return samples([Renderer(row).render(DEPLOYMENT, found)]).splitlines()


def statistics(row: Row = ROW, **runtime: str) -> dict[str, str]:
    answer = {
        "success": True,
        "runtimeStatistics": runtime,
    }
    decoded = decode_statistics(answer, custom=())
    lines = samples([Renderer(row).render(STATISTICS, [decoded])]).splitlines()
    return {line.partition("{")[0]: line.rpartition(" ")[2] for line in lines}


def test_a_running_deployment() -> None:
    assert deployment() == [
        (
            'quantconnect_live_info{brokerage="PaperBrokerage",'
            'deploy_id="L-5cad178b20a1d52567b534553413b691",project="Demo",project_id="7",'
            'trading_environment="paper"} 1.0'
        ),
        'quantconnect_live_launched_timestamp_seconds{project="Demo",project_id="7"} 1.795185e+09',
        'quantconnect_live_equity{account_currency="USD",project="Demo",project_id="7"} 101691.92',
    ]


def test_a_stopped_deployment() -> None:
    lines = deployment(status="Stopped", stopped="2026-11-21 14:30:00", equity=0)
    assert [line.partition("{")[0] for line in lines] == [
        "quantconnect_live_info",
        "quantconnect_live_launched_timestamp_seconds",
        "quantconnect_live_stopped_timestamp_seconds",
    ]
    assert float(lines[2].split()[-1]) == 1795271400.0


@pytest.mark.parametrize(
    ("status", "equity", "published"),
    [
        ("Running", 0, "0.0"),
        ("Running", -5.5, "-5.5"),
        ("Running", None, None),
        ("Stopped", 0, None),  # what no longer runs is said to have 0: that is no equity
        ("Stopped", 5.5, "5.5"),
        ("RuntimeError", 0, None),
        ("Liquidated", None, None),
    ],
)
def test_equity(status: str, equity: float | None, published: str | None) -> None:
    lines = deployment(status=status, equity=equity)
    found = [line.rpartition(" ")[2] for line in lines if "_equity{" in line]
    assert found == ([] if published is None else [published])


def test_equity_waits_for_the_account_currency() -> None:
    assert "_equity" not in "".join(deployment(Row(7, "Demo", None)))


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ("Running", "Running"),
        ("stopped", "Stopped"),
        ("RUNTIMEERROR", "RuntimeError"),
        ("SomethingNew", "Unknown"),
    ],
)
def test_one_status_is_1_and_the_others_are_0(sent: str, label: str) -> None:
    found, _ = decode_deployments({"success": True, "live": [{**DEPLOYED, "status": sent}]})
    flags = status_flags(found[0].status)
    lines = samples([Renderer(ROW).render(LIVE_STATUS, flags)]).splitlines()
    assert {line.split('status="')[1].split('"')[0]: line[-3:] for line in lines} == {
        status: "1.0" if status == label else "0.0"
        for status in (
            *("DeployError", "InQueue", "Running", "Stopped", "Liquidated", "Deleted"),
            *("Completed", "RuntimeError", "Invalid", "LoggingIn", "Initializing", "History"),
            *("PendingInput", "Idle", "Unknown"),
        )
    }
    assert lines[2] == (
        'quantconnect_live_status{project="Demo",project_id="7",status="Running"} '
        + ("1.0" if label == "Running" else "0.0")
    )


def test_statistics_of_every_kind() -> None:
    answer = {
        "success": True,
        "runtimeStatistics": {
            "Equity": "$101,691.92",
            "Fees": "-$3.44",
            "Holdings": "$98,000.00",
            "Net Profit": "$-12.50",
            "Probabilistic Sharpe Ratio": "67.609%",
            "Return": "1.69 %",
            "Unrealized": "$1,704.42",
            "Volume": "$203,400",
            "Signal": "0.5",
            "Not listed": "1",
        },
        "serverStatistics": {
            "CPU Usage": "12.5%",
            "Used RAM (MB)": "256",
            "Total RAM (MB)": "512.5",
            "Up Time": "1d 02:03:04",
        },
    }
    decoded = decode_statistics(answer, custom=("Signal",))
    renderer = Renderer(ROW)
    lines = samples(
        [
            renderer.render(STATISTICS, [decoded]),
            renderer.render(CUSTOM_STATISTIC, decoded.custom.items()),
        ]
    ).splitlines()
    money = '{account_currency="USD",project="Demo",project_id="7"}'
    plain = '{project="Demo",project_id="7"}'
    assert lines == [
        f"quantconnect_live_fees{money} 3.44",
        f"quantconnect_live_holdings_value{money} 98000.0",
        f"quantconnect_live_net_profit{money} -12.5",
        f"quantconnect_live_unrealized_pnl{money} 1704.42",
        f"quantconnect_live_volume{money} 203400.0",
        f"quantconnect_live_return_ratio{plain} {0.0169}",
        f"quantconnect_live_probabilistic_sharpe_ratio{plain} {67.609 / 100}",
        f"quantconnect_live_cpu_usage_ratio{plain} 0.125",
        f"quantconnect_live_memory_used_bytes{plain} 2.68435456e+08",
        f"quantconnect_live_memory_total_bytes{plain} 5.373952e+08",
        f"quantconnect_live_uptime_seconds{plain} 93784.0",
        'quantconnect_live_custom_statistic{project="Demo",project_id="7",statistic="Signal"} 0.5',
    ]


@pytest.mark.parametrize(
    ("displayed", "paid"),
    [
        ("-$3.44", "3.44"),
        ("$-3.44", "3.44"),
        ("$0.00", "0.0"),
        ("-$0.00", "0.0"),
        ("$5.00", "-5.0"),  # a rebate
    ],
)
def test_fees_are_positive_when_paid(displayed: str, paid: str) -> None:
    assert statistics(Fees=displayed) == {"quantconnect_live_fees": paid}


def test_what_is_not_shown_is_no_sample() -> None:
    assert statistics() == {}
    assert statistics(Volume="n/a", Return="5%") == {"quantconnect_live_return_ratio": "0.05"}
    assert statistics(Row(7, "Demo", None), Fees="-$1", Return="5%") == {
        "quantconnect_live_return_ratio": "0.05"
    }
