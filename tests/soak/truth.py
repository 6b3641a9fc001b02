"""What has to be published of a project, worked out from what is true of it in the simulator.

Nothing of the exporter is used here but the names of its metrics.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.simulator import Truth


class Key(NamedTuple):
    """A series: its name, its project, and the label that tells it apart within that."""

    name: str
    project_id: int
    of: str = ""


Numbers = dict[Key, float]

_PREFIXES = ("quantconnect_holding", "quantconnect_cash_", "quantconnect_live_")
# What the world has no truth of, or what follows from the rest.
_NOT_COMPARED = {
    "quantconnect_holdings_in_session",
    "quantconnect_holding_info",
    "quantconnect_holding_expiry_timestamp_seconds",
    "quantconnect_live_launched_timestamp_seconds",
    "quantconnect_live_stopped_timestamp_seconds",
    "quantconnect_live_probabilistic_sharpe_ratio",
    "quantconnect_live_custom_statistic",
    "quantconnect_live_cpu_usage_ratio",
    "quantconnect_live_memory_used_bytes",
    "quantconnect_live_memory_total_bytes",
    "quantconnect_live_uptime_seconds",
}
_TELLING = ("symbol_id", "currency", "status", "deploy_id", "lean_version")
_LEAN_VERSION = "v2.5.0.0.17484"


def expected(truths: Iterable[Truth]) -> Numbers:
    """Every number that must be published of these projects."""
    numbers: Numbers = {}
    for truth in truths:
        numbers |= _portfolio(truth) | _deployment(truth) | _statistics(truth)
    return numbers


def _portfolio(truth: Truth) -> Numbers:
    state, project = truth.account, truth.project_id
    if state is None:
        return {}
    numbers = {Key("quantconnect_holdings", project): float(len(state.holdings))}
    for symbol_id, exact in state.holdings.items():
        holding = exact.on_wire()
        for name, value in {
            "quantity": holding.quantity,
            "average_price": holding.average_price,
            "market_price": holding.market_price,
            "conversion_rate": holding.conversion_rate,
            "market_value": holding.market_value,
            "unrealized_pnl": holding.unrealized_pnl,
            "unrealized_pnl_ratio": float(Decimal(repr(holding.unrealized_pnl_percent)) / 100),
        }.items():
            numbers[Key(f"quantconnect_holding_{name}", project, symbol_id)] = value
    for currency, cash in state.cash.items():
        numbers[Key("quantconnect_cash_amount", project, currency)] = cash.amount
        numbers[Key("quantconnect_cash_conversion_rate", project, currency)] = cash.conversion_rate
        numbers[Key("quantconnect_cash_value", project, currency)] = cash.value
    return numbers


def _deployment(truth: Truth) -> Numbers:
    deployment, project = truth.deployment, truth.project_id
    if deployment is None or truth.status is None or truth.equity is None:
        return {}
    return {
        Key("quantconnect_live_status", project, truth.status): 1.0,
        Key("quantconnect_live_info", project, deployment.deploy_id): 1.0,
        Key("quantconnect_live_equity", project): round(truth.equity, 2),
    }


def _statistics(truth: Truth) -> Numbers:
    statistics, project = truth.statistics, truth.project_id
    if statistics is None or truth.status != "Running":
        return {}
    return {
        Key("quantconnect_live_lean_version_info", project, _LEAN_VERSION): 1.0,
        Key("quantconnect_live_fees", project): float(f"{statistics.fees:.2f}"),
        Key("quantconnect_live_holdings_value", project): float(f"{statistics.holdings_value:.2f}"),
        Key("quantconnect_live_net_profit", project): float(f"{statistics.net_profit:.2f}"),
        Key("quantconnect_live_unrealized_pnl", project): float(f"{statistics.unrealized:.2f}"),
        Key("quantconnect_live_volume", project): float(f"{statistics.volume:.2f}"),
        Key("quantconnect_live_return_ratio", project): (
            float(Decimal(f"{100 * statistics.return_ratio:.2f}") / 100)
        ),
    }


def published(exposition: str) -> Numbers:
    """The same numbers as an exposition in Prometheus's text format has them."""
    numbers: Numbers = {}
    for family in text_string_to_metric_families(exposition):
        if not family.name.startswith(_PREFIXES) or family.name in _NOT_COMPARED:
            continue
        for sample in family.samples:
            if family.name == "quantconnect_live_status" and not sample.value:
                continue
            numbers[_key(sample.name, sample.labels)] = sample.value
    return numbers


def _key(name: str, labels: Mapping[str, str]) -> Key:
    of = next((labels[label] for label in _TELLING if label in labels), "")
    return Key(name, int(labels["project_id"]), of)


def differences(should: Numbers, are: Numbers) -> list[str]:
    """Every series that is missing, too many, or another number; nothing is rounded."""
    return [
        f"{key}: expected {should.get(key)!r}, published {are.get(key)!r}"
        for key in sorted(should.keys() | are.keys())
        if should.get(key) != are.get(key)
    ]
