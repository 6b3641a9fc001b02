"""All projects at a glance: what they are worth, which one hurts, if the numbers are fresh."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.fleet import headline, over_time, tables
from grafana.builder.dashboard import Dashboard
from grafana.builder.grid import Row, line

DASHBOARD = Dashboard(
    uid="quantconnect-fleet",
    title="QuantConnect / Fleet",
    description="All QuantConnect live algorithms: equity, profit, drawdown, status, freshness.",
    variables=(
        common.job(),
        common.project(several=True),
        common.account_currency(several=True),
    ),
    rows=(
        Row("", (headline.HEADLINE, line(10, (24, tables.PROJECTS_TABLE)))),
        Row(
            "Over time",
            (
                line(9, (14, over_time.INDEXED), (10, over_time.STATUS)),
                line(8, *((8, panel) for panel in over_time.COMPARED)),
            ),
        ),
        Row("Alerts", (line(6, (24, tables.ALERTS)),)),
    ),
)
