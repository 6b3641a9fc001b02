"""How the projects went, side by side."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECTS, each_project, named, series
from grafana.builder.panel import state_timeline, timeseries, values
from grafana.builder.query import Query

DRAWDOWN = series("project:quantconnect_drawdown_30d:ratio", PROJECTS)

EQUITY = series("quantconnect_live_equity", PROJECTS)

INDEXED = timeseries(
    title="Equity indexed to 100",
    description="""Each project's equity as a percentage of what it was at its first moment in the
        time range, so that accounts of any size and currency compare. Deposits and withdrawals
        show as jumps. Source: live/list, equity.""",
    queries=(Query(expr=each_project(common.indexed(EQUITY, "project")), legend="{{project}}"),),
    style=values(unit="none", decimals=1, by_series=True),
    legend_right=True,
)

STATUS = state_timeline(
    title="Status",
    description="""What QuantConnect says of each project's newest deployment over time; grey is
        starting, or a status this exporter doesn't know. No band: no data. Source: live/list,
        status.""",
    queries=(
        Query(
            expr=named(series("project:quantconnect_live_status:code", PROJECTS)),
            legend="{{project}}",
        ),
    ),
    states=common.STATES,
)

COMPARED = (
    timeseries(
        title="Profit of the day",
        description="""Change of equity since 00:00 UTC as a share of the equity then; it starts
            at 0 again at midnight. Source: live/list, equity.""",
        queries=(
            Query(
                expr=each_project(
                    named(series("project:quantconnect_profit_ratio:today", PROJECTS))
                ),
                legend="{{project}}",
            ),
        ),
        style=values(unit=common.RATIO_UNIT, decimals=2, by_series=True),
        legend=(),
    ),
    timeseries(
        title="Drawdown",
        description="""How far each project's equity is below its highest of the last 30 days.
            Source: live/list, equity.""",
        queries=(Query(expr=each_project(named(f"-{DRAWDOWN}")), legend="{{project}}"),),
        style=values(unit=common.RATIO_UNIT, limits=(None, 0), by_series=True),
        legend=(),
    ),
    timeseries(
        title="Gross leverage",
        description="""Long and short market value, both counted positive, over equity. Futures
            count with their full notional. Source: live/portfolio/read, v; live/list, equity.""",
        queries=(
            Query(
                expr=each_project(
                    named(series("project:quantconnect_leverage_gross:ratio", PROJECTS))
                ),
                legend="{{project}}",
            ),
        ),
        style=values(unit="none", decimals=2, limits=(0, None), by_series=True),
        legend=(),
    ),
)
