"""A colour changes where an alert fires: the panels' thresholds are the alerts' numbers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from grafana.boards import common

from .promql import rules
from .queries import dashboards, panels, queries

USED = "project:quantconnect_limit_used:ratio"
AGES = ["QuantConnectPortfolioStale", "QuantConnectStatusStale"]


def watched(alert: str, pattern: str) -> set[float]:
    """The numbers that `pattern` finds in the expressions of `alert`."""
    found = {
        float(number)
        for rule in rules("alert")
        if rule["alert"] == alert
        for number in re.findall(pattern, rule["expr"])
    }
    assert found, f"{alert} has no {pattern}"
    return found


def steps(uid: str, title: str, column: str | None = None) -> set[float]:
    """Where the colour of a panel, or of one column of a table, changes."""
    (panel,) = (panel for panel in panels(dashboards()[uid]) if panel["title"] == title)
    config: dict[str, Any] = panel["fieldConfig"]["defaults"]["thresholds"]
    if column is not None:
        (override,) = (
            override
            for override in panel["fieldConfig"]["overrides"]
            if override["matcher"]["options"] == column
        )
        (config,) = (part["value"] for part in override["properties"] if part["id"] == "thresholds")
    return {step["value"] for step in config["steps"]} - {None}


@pytest.mark.parametrize("alert", AGES)
@pytest.mark.parametrize(
    ("uid", "title", "column"),
    [
        ("quantconnect-fleet", "Age of what is shown", None),
        ("quantconnect-fleet", "Projects", "Data age"),
        ("quantconnect-portfolio", "Age of what is shown", None),
        ("quantconnect-portfolio", "Status", None),
        ("quantconnect-symbol", "Age of what is shown", None),
        ("quantconnect-exporter", "Age of what is shown", None),
        ("quantconnect-exporter", "Oldest read", None),
        ("quantconnect-exporter", "Reads by project", "Age"),
        ("quantconnect-exporter", "Age of the last good read", None),
    ],
)
def test_ages(alert: str, uid: str, title: str, column: str | None) -> None:
    assert steps(uid, title, column) == watched(alert, r"clamp_min\(3 \* .+, (\d+)\)")


@pytest.mark.parametrize("title", ["Request budget needed", "Request budget by account"])
def test_request_budget(title: str) -> None:
    assert steps("quantconnect-exporter", title) == watched(
        "QuantConnectAPIBudgetExceeded", r"> (\d+)\s*$"
    )


def test_clock_skew() -> None:
    assert steps("quantconnect-exporter", "Clock skew") == watched(
        "QuantConnectClockSkew", r"[<>] (-?\d+)"
    )


@pytest.mark.parametrize(
    ("alert", "limit", "compared"),
    [
        (
            "QuantConnectDrawdownHigh",
            "max_drawdown",
            "project:quantconnect_drawdown_30d:ratio",
        ),
        (
            "QuantConnectDailyLossHigh",
            "max_daily_loss",
            "project:quantconnect_profit_ratio:today",
        ),
        (
            "QuantConnectGrossLeverageHigh",
            "max_gross_leverage",
            "project:quantconnect_leverage_gross:ratio",
        ),
        (
            "QuantConnectConcentrationHigh",
            "max_position_weight",
            "holding:quantconnect_weight:ratio",
        ),
        (
            "QuantConnectPositionLossHigh",
            "max_position_loss",
            "holding:quantconnect_holding_unrealized_pnl:max",
        ),
    ],
)
def test_a_limit_is_used_up_where_its_alert_fires(alert: str, limit: str, compared: str) -> None:
    """Both compare the same record with the project's limit in force; the panels at 1."""
    in_force = f'project:quantconnect_project_limit:effective{{limit="{limit}"}}'
    for rule in rules("alert"):
        if rule["alert"] == alert:
            assert in_force in rule["expr"]
            assert compared in rule["expr"]
    (used,) = (
        rule["expr"]
        for rule in rules("record")
        if rule["record"] == USED and rule["labels"]["limit"] == limit
    )
    # The largest weight is recorded: the maximum of the record that the alert reads.
    same = {"holding:quantconnect_weight:ratio": "project:quantconnect_weight_top1:ratio"}
    assert same.get(compared, compared) in used
    assert in_force in used


@pytest.mark.parametrize(
    ("uid", "title", "column"),
    [
        ("quantconnect-fleet", "Projects", "Limit used"),
        ("quantconnect-fleet", "Nearest limit", None),
        ("quantconnect-portfolio", "Limits used", None),
        ("quantconnect-portfolio", "Nearest limit", None),
    ],
)
def test_limits(uid: str, title: str, column: str | None) -> None:
    assert steps(uid, title, column) == {common.LIMIT_NEAR, common.LIMIT_REACHED}
    assert common.LIMIT_REACHED == 1


def test_every_limit_is_drawn() -> None:
    """Each limit that has an alert is in a panel of the portfolio."""
    names = {
        rule["labels"]["limit"]
        for rule in rules("record")
        if rule["record"] == "project:quantconnect_project_limit:effective"
    }
    drawn = {
        name
        for query in queries()
        if query.dashboard == "quantconnect-portfolio"
        for name in re.findall(r'limit=~?"(\w+)"', query.expr)
    }
    assert drawn == names
