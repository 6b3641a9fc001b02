"""One project in full: what it is worth and earned, what it holds, what it risks."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio import changes, equity, headline, positions, risk, statistics
from grafana.builder import palette
from grafana.builder.dashboard import Annotation, Dashboard
from grafana.builder.grid import Row, line

QUANTITY = "max by (job, project_id, symbol_id, symbol) ({} {})"
RAW_QUANTITY = series("quantconnect_holding_quantity", PROJECT)
LAUNCHED = series("quantconnect_live_launched_timestamp_seconds", PROJECT)

ANNOTATIONS = (
    Annotation(
        name="Deployments",
        expr=f"1000 * max by (job, project_id) ({LAUNCHED})",
        color=palette.PURPLE,
        title="Deployed",
        at_value=True,
    ),
    Annotation(
        name="Trades",
        expr="({}) - ({}) != 0".format(
            QUANTITY.format(RAW_QUANTITY, ""), QUANTITY.format(RAW_QUANTITY, "offset $__interval")
        ),
        color=palette.MUTED,
        title="{{symbol}} resized",
    ),
    Annotation(
        name="Alerts",
        expr=series("ALERTS", common.FIRING, 'project_id="$project"'),
        color=palette.WARNING,
        title="{{alertname}}",
        text="{{severity}} {{symbol}}",
    ),
)

DASHBOARD = Dashboard(
    uid="quantconnect-portfolio",
    title="QuantConnect / Portfolio",
    description="One QuantConnect project: equity, profit, positions, exposure, risk and cash.",
    period="now-7d",
    variables=(
        common.job(),
        common.project(several=False),
        common.account_currency(several=False),
    ),
    annotations=ANNOTATIONS,
    rows=(
        Row("", (headline.MAIN, headline.MORE)),
        Row("Equity", (equity.CURVE, equity.PROFIT)),
        Row("Positions", (line(11, (24, positions.HOLDINGS)), positions.CONTRIBUTORS)),
        Row("Risk", (risk.EXPOSURE, risk.CONCENTRATION)),
        Row("Changes in the time range", (changes.CHANGES,)),
        statistics.STATISTICS,
    ),
)
