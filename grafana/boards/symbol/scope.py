"""The scope of every query of this dashboard: one symbol in the projects chosen."""

from __future__ import annotations

from grafana.boards.common import PROJECTS, series, unless_unread

SYMBOL = f'{PROJECTS},symbol_id="$symbol"'
HELD = series("holding:quantconnect_holding_info:current", PROJECTS)
NOT_HELD = "No data, or not held"


def holding(name: str, *labels: str) -> str:
    """`quantconnect_holding_<name>` in each project, once even where two exporters publish it."""
    by = ", ".join(("job", "project_id", *labels))
    return f"max by ({by}) ({series(f'quantconnect_holding_{name}', SYMBOL)})"


def total(name: str, *labels: str) -> str:
    """Its sum over the projects chosen; none while that of any that holds the symbol is unknown."""
    each = holding(name, *labels)
    by = f" by ({', '.join(labels)})" if labels else ""
    held = f"max by (job, project_id) ({series('quantconnect_holding_info', SYMBOL)})"
    return unless_unread(f"sum{by} ({each})", each, held=held, on="job, project_id")


def by_project(name: str) -> str:
    """`quantconnect_holding_<name>` in each project, with the project's name for legends."""
    return holding(name, "project")


def weight(*labels: str) -> str:
    """The position's share of the project's equity, negative when short."""
    by = ", ".join(("job", "project_id", *labels))
    return f"max by ({by}) ({series('holding:quantconnect_weight:ratio', SYMBOL)})"
