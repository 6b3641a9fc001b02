"""What every query of this dashboard is confined to: one project, in its account currency."""

from __future__ import annotations

from grafana.boards.common import PROJECT, series

MONEY = f'{PROJECT},account_currency="$account_currency"'


def recorded(name: str) -> str:
    """The project's series of the recording rule `project:quantconnect_<name>`."""
    return series(f"project:quantconnect_{name}", MONEY)


def live(name: str, *matchers: str) -> str:
    """The project's `quantconnect_live_<name>`, once even where two exporters publish it."""
    plain = name.endswith(("_ratio", "_bytes", "_seconds")) or name == "closed_trades"
    scope = PROJECT if plain else MONEY
    return f"max by (job, project_id) ({series(f'quantconnect_live_{name}', scope, *matchers)})"


def holding(name: str) -> str:
    """`quantconnect_holding_<name>` of each position, with its symbol."""
    scope = MONEY if name in {"market_value", "unrealized_pnl"} else PROJECT
    metric = series(f"quantconnect_holding_{name}", scope)
    return f"max by (job, project_id, symbol_id, symbol) ({metric})"
