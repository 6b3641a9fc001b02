"""What every query of this dashboard is confined to: one symbol in the projects chosen."""

from __future__ import annotations

from grafana.boards.common import PROJECTS, series

SYMBOL = f'{PROJECTS},symbol_id="$symbol"'
HELD = series("quantconnect_holding_quantity", PROJECTS)


def holding(name: str, *labels: str) -> str:
    """`quantconnect_holding_<name>` in each project, once even where two exporters publish it."""
    by = ", ".join(("job", "project_id", *labels))
    return f"max by ({by}) ({series(f'quantconnect_holding_{name}', SYMBOL)})"


def by_project(name: str) -> str:
    """The same with the project's name, for legends."""
    return holding(name, "project")


def weight(*labels: str) -> str:
    """The position's share of the project's equity, negative when short."""
    by = ", ".join(("job", "project_id", *labels))
    return f"max by ({by}) ({series('holding:quantconnect_weight:ratio', SYMBOL)})"
