"""Families read off live/list and live/read: the newest deployment and its statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Table
from exporter.quantconnect.model import STATUSES, Deployment, Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STATUS_LABELS: tuple[str, ...] = (*STATUSES, "Unknown")
_STATUS = "Read every status_interval."
_STATISTICS = "Read every statistics_interval."


def _live_list(name: str, of: str, help_: str, labels: tuple[str, ...]) -> Family:
    return Family(
        f"quantconnect_live_{name}",
        f"{help_} Source: live/list, {of}, newest deployment. {_STATUS}",
        labels,
    )


def _equity(deployment: Deployment) -> float | None:
    # QuantConnect answers 0 for what no longer runs; that is no equity of nothing.
    return deployment.equity if deployment.equity or deployment.status == "Running" else None


DEPLOYMENT: Table[Deployment] = Table(
    title="Deployment",
    key=lambda deployment: (
        deployment.deploy_id,
        deployment.brokerage,
        deployment.environment,
        deployment.launched,
    ),
    labels=lambda deployment, _: {
        "deploy_id": deployment.deploy_id,
        "brokerage": deployment.brokerage,
        "trading_environment": deployment.environment,
    },
    columns=(
        Column(
            _live_list(
                "info",
                "fields deployId, brokerage, environment",
                "The newest live deployment, always 1.",
                (*PROJECT, "deploy_id", "brokerage", "trading_environment"),
            ),
            lambda _: 1,
            constant=True,
        ),
        Column(
            _live_list(
                "launched_timestamp_seconds",
                "field launched",
                "When the deployment was launched, as a unix timestamp.",
                PROJECT,
            ),
            lambda deployment: deployment.launched,
        ),
        Column(
            _live_list(
                "stopped_timestamp_seconds",
                "field stopped",
                "When the deployment stopped, as a unix timestamp; no sample while it runs.",
                PROJECT,
            ),
            lambda deployment: deployment.stopped,
        ),
        Column(
            _live_list(
                "equity",
                "field equity",
                "Total equity in the account currency.",
                PROJECT + CURRENCY,
            ),
            _equity,
        ),
    ),
)

LIVE_STATUS: Table[tuple[str, bool]] = Table(
    title="Live status",
    key=lambda flag: flag[0],
    labels=lambda flag, _: {"status": flag[0]},
    columns=(
        Column(
            _live_list(
                "status",
                "field status",
                "1 for the status that the live deployment has, 0 for the others.",
                (*PROJECT, "status"),
            ),
            lambda flag: float(flag[1]),
        ),
    ),
)


def status_flags(status: str) -> Iterable[tuple[str, bool]]:
    """Every status there is, and whether it is this one."""
    return ((label, label == status) for label in STATUS_LABELS)


def _live_read(name: str, of: str, help_: str, labels: tuple[str, ...] = PROJECT) -> Family:
    return Family(
        f"quantconnect_live_{name}", f"{help_} Source: live/read, {of}. {_STATISTICS}", labels
    )


def _runtime(key: str) -> Callable[[Statistics], float | None]:
    return lambda statistics: statistics.runtime.get(key)


def _fees(statistics: Statistics) -> float | None:
    # QuantConnect displays what was paid with a minus sign; 0 stays a plain 0.
    displayed = statistics.runtime.get("Fees")
    return None if displayed is None else 0.0 - displayed


def _money(name: str, key: str, help_: str) -> Column[Statistics]:
    return Column(
        _live_read(name, f'runtimeStatistics "{key}"', help_, PROJECT + CURRENCY), _runtime(key)
    )


STATISTICS: Table[Statistics] = Table(
    title="Statistics",
    key=lambda _: None,
    labels=lambda _statistics, _row: {},
    columns=(
        Column(
            _live_read(
                "fees",
                'runtimeStatistics "Fees", sign turned',
                "Fees of this deployment in the account currency, positive when paid.",
                PROJECT + CURRENCY,
            ),
            _fees,
        ),
        _money("holdings_value", "Holdings", "Absolute value of all holdings, account currency."),
        _money("net_profit", "Net Profit", "Realized profit less fees in the account currency."),
        _money("unrealized_pnl", "Unrealized", "Unrealized profit in the account currency."),
        _money("volume", "Volume", "Value traded by this deployment in the account currency."),
        Column(
            _live_read(
                "return_ratio",
                'runtimeStatistics "Return" / 100',
                "Return of this deployment as a ratio.",
            ),
            _runtime("Return"),
        ),
        Column(
            _live_read(
                "probabilistic_sharpe_ratio",
                'runtimeStatistics "Probabilistic Sharpe Ratio" / 100',
                "Probability, 0 to 1, that the Sharpe ratio exceeds its benchmark.",
            ),
            _runtime("Probabilistic Sharpe Ratio"),
        ),
        Column(
            _live_read(
                "cpu_usage_ratio",
                'serverStatistics "CPU Usage" / 100',
                "CPU usage of the live node as a ratio.",
            ),
            lambda statistics: statistics.cpu_usage,
        ),
        Column(
            _live_read(
                "memory_used_bytes",
                'serverStatistics "Used RAM (MB)" in MiB',
                "Memory used on the live node.",
            ),
            lambda statistics: statistics.memory_used_bytes,
        ),
        Column(
            _live_read(
                "memory_total_bytes",
                'serverStatistics "Total RAM (MB)" in MiB',
                "Memory of the live node.",
            ),
            lambda statistics: statistics.memory_total_bytes,
        ),
        Column(
            _live_read(
                "uptime_seconds",
                'serverStatistics "Up Time"',
                "How long the algorithm has been up.",
            ),
            lambda statistics: statistics.uptime_seconds,
        ),
    ),
)

CUSTOM_STATISTIC: Table[tuple[str, float]] = Table(
    title="Custom statistics",
    key=lambda item: item[0],
    labels=lambda item, _: {"statistic": item[0]},
    columns=(
        Column(
            _live_read(
                "custom_statistic",
                "runtimeStatistics set by the algorithm, those listed under `statistics`",
                "A statistic that the algorithm sets itself, percent as a ratio.",
                (*PROJECT, "statistic"),
            ),
            lambda item: item[1],
        ),
    ),
)
