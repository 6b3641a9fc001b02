"""All projects at a glance: what they are worth, what happened today, which one needs a look."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.fleet import headline, over_time, tables
from grafana.builder.dashboard import Dashboard
from grafana.builder.grid import Row, line

UID = "quantconnect-fleet"
DASHBOARD = Dashboard(
    uid=UID,
    title="QuantConnect / Fleet",
    description="All QuantConnect live algorithms: equity, profit, drawdown, status, freshness.",
    variables=(common.job(), common.project(several=True)),
    links=common.links(UID),
    rows=(
        Row(
            "",
            (
                headline.TRUST,
                headline.WORTH,
                line(12, (24, tables.PROJECTS_TABLE)),
                headline.MORE,
                line(7, (24, tables.ALERTS)),
            ),
        ),
        Row(
            "Over time",
            (
                line(10, (12, over_time.INDEXED), (12, over_time.STATUS)),
                line(9, *((8, panel) for panel in over_time.COMPARED)),
            ),
        ),
    ),
)
