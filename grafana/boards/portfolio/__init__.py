"""One project in full: what it is worth and earned, what it holds, what it risks."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio import (
    changes,
    equity,
    headline,
    orders,
    positions,
    risk,
    statistics,
)
from grafana.builder import palette
from grafana.builder.dashboard import Annotation, Dashboard
from grafana.builder.grid import Row, line

UID = "quantconnect-portfolio"
QUANTITY = series("quantconnect_holding_quantity", PROJECT)
RAW_LINES = series("quantconnect_live_log_lines", PROJECT)
LINES = common.log_lines(PROJECT)
LAUNCHED = series("quantconnect_live_launched_timestamp_seconds", PROJECT)
FIRING = series("ALERTS", common.FIRING, common.PAGING, 'project_id="$project"')

ANNOTATIONS = (
    Annotation(
        name="Deployments",
        # Only those within the range: Grafana draws an earlier one at its left edge.
        expr=f"1000 * max by (job, project_id) ({LAUNCHED}) > $__from",
        color=palette.PURPLE,
        title="Deployed",
        at_value=True,
    ),
    Annotation(
        name="Trades",
        expr=f"""max by (job, project_id, symbol_id, symbol)
            ({QUANTITY} != {QUANTITY} offset $__interval)""",
        color=palette.MUTED,
        title="{{symbol}} resized",
        # A busy week of them hides every line.
        shown=False,
    ),
    Annotation(
        name="Log matches",
        # Where a number rises: it falls when QuantConnect drops the oldest lines.
        expr=f"{LINES} > max by (job, project_id, query) ({RAW_LINES} offset $__interval)",
        color=palette.ACCENT,
        title="Log: {{query}}",
        text="new lines in the log match the query {{query}}",
    ),
    Annotation(
        name="Alerts",
        # Grafana writes the name of a label that an alert does not have: one that all have.
        expr=f'label_join({FIRING}, "about", " ", "severity", "symbol")',
        color=palette.WARNING,
        title="{{alertname}}",
        text="{{about}}",
    ),
)

DASHBOARD = Dashboard(
    uid=UID,
    title="QuantConnect / Portfolio",
    description="One QuantConnect project: equity, profit, positions, exposure, risk and cash.",
    period="now-7d",
    variables=(common.job(), common.project(several=False), common.account_currency()),
    annotations=ANNOTATIONS,
    links=common.links(UID),
    rows=(
        Row("", (headline.TRUST, headline.MAIN, equity.CURVE, headline.MORE)),
        Row("Positions", (line(17, (24, positions.HOLDINGS)), positions.CONTRIBUTORS)),
        Row("Profit", (equity.PROFIT, orders.COMPARED)),
        Row("Limits and exposure", (risk.EXPOSURE,)),
        Row("Changes in the time range", (changes.CHANGES,)),
        Row("Orders and the log", (orders.NUMBERS, orders.OVER_TIME)),
        Row("Concentration and cash", (risk.CONCENTRATION,), collapsed=True),
        statistics.STATISTICS,
    ),
)
