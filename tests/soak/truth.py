"""What has to be published of a project, worked out from what is true of it in the simulator.

Nothing of the exporter is used here but the names of its metrics.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from exporter.simulator import orders

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.simulator import Truth, World
    from exporter.simulator.project import Project


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
    "quantconnect_live_oldest_open_order_timestamp_seconds",
    "quantconnect_live_last_fill_timestamp_seconds",
    "quantconnect_live_log_lines",
}
_TELLING = ("symbol_id", "currency", "status", "deploy_id", "lean_version", "result")
_STATUSES = {
    "new": None,
    "submitted": orders.SUBMITTED,
    "partially_filled": None,
    "filled": orders.FILLED,
    "canceled": orders.CANCELED,
    "none": None,
    "invalid": orders.INVALID,
    "cancel_pending": None,
    "update_submitted": None,
}
_LEAN_VERSION = "v2.5.0.0.17484"


def expected(world: World) -> Numbers:
    """Every number that must be published of the projects of a world."""
    numbers: Numbers = {}
    for project in world.projects:
        truth = world.truth(project.project_id)
        numbers |= _portfolio(truth) | _deployment(truth) | _statistics(truth)
        if truth.deployment is not None:
            numbers |= _orders(project, truth.deployment.deploy_id, truth.at)
            numbers |= _trades(project, truth.at)
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


def _orders(project: Project, deploy_id: str, at: float) -> Numbers:
    """Of the orders that the simulator lists: those of the newest deployment."""
    found = orders.orders(project, at)
    mine = [order for order in found if order.deployment.deploy_id == deploy_id]
    numbers = {
        Key("quantconnect_live_orders", project.project_id, name): float(
            sum(order.status == status for order in mine)
        )
        for name, status in _STATUSES.items()
    }
    fees = [round(orders.fee(each, project.book), 4) for each in mine if each.status == 3]
    if fees:
        key = Key("quantconnect_live_order_fees", project.project_id, project.book.currency)
        numbers[key] = _exact(fees)
    return numbers


def _trades(project: Project, at: float) -> Numbers:
    """Of the closed trades that the simulator lists, which are those of all deployments."""
    found = orders.trades(orders.orders(project, at))
    rows: list[dict[str, Any]] = [orders.trade_row(each, project) for each in found]
    wins = sum(row["isWin"] for row in rows)
    fees = [row["totalFees"] for row in rows]
    profits = [row["profitLoss"] for row in rows] + [-fee for fee in fees]
    return {
        Key("quantconnect_live_closed_trades", project.project_id, "win"): float(wins),
        Key("quantconnect_live_closed_trades", project.project_id, "loss"): float(len(rows) - wins),
        Key("quantconnect_live_realized_pnl", project.project_id): _exact(profits),
        Key("quantconnect_live_trade_fees", project.project_id): _exact(fees),
    }


def _exact(amounts: Iterable[float]) -> float:
    """The sum of amounts as they are sent, without the rounding of floats."""
    return float(sum(Decimal(repr(amount)) for amount in amounts))


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
