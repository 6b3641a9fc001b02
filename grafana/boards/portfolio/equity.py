"""Equity over time: the curve, how far it fell, what each day brought."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import series
from grafana.boards.portfolio.scope import MONEY, recorded
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.panel import color, timeseries, values
from grafana.builder.query import Query

EQUITY = common.equity_over_time(MONEY)
# What a day closed with: the last equity known within it, so today's bar is there as well. What it
# opened with: the last equity of the day before, on the first day the first one seen.
DAY_CLOSE = f"last_over_time({EQUITY}[1d:1m] offset -1d)"
DAY_OPEN = f"""(
      last_over_time({EQUITY}[1d:1m])
      or last_over_time({recorded("live_equity:day_open")}[1d] offset -1d)
    )"""
# The largest at any time of the range: chosen once, not for each point of the graph.
PNL = series("quantconnect_holding_unrealized_pnl", MONEY)
LARGEST = f"""topk(20,
    max by (job, project_id, symbol_id) (
      max_over_time(abs({PNL})[$__range:$__interval] @ end())
    )
  )"""

CURVE = line(
    10,
    (
        15,
        timeseries(
            title="Equity of ${project:text} and its peak (${account_currency})",
            description="""Equity, the highest it ever was and the highest of the last 30 days.
                Withdrawals lower equity, not the peak of all time. Source: live/list, equity.""",
            queries=(
                Query(expr=EQUITY, legend="equity"),
                Query(expr=recorded("live_equity:peak"), legend="peak"),
                Query(expr=recorded("live_equity:peak_30d"), legend="peak of 30 days"),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0, by_series=True),
            overrides=(
                color("equity", palette.GAIN, custom__lineWidth=2, custom__fillOpacity=8),
                color("peak", palette.MUTED, custom__lineStyle={"fill": "solid"}),
                color(
                    "peak of 30 days",
                    palette.MUTED,
                    custom__lineStyle={"fill": "dash", "dash": [4, 6]},
                ),
            ),
        ),
    ),
    (
        9,
        timeseries(
            title="Drawdown over time",
            description="""How far equity is below its highest of the last 30 days and of all time.
                Dashed: the limit of the 30 days' drawdown, where the alert fires. Source:
                live/list, equity; the configuration's limits.""",
            queries=(
                Query(expr=f"-{recorded('drawdown_30d:ratio')}", legend="30 days"),
                Query(expr=f"-{recorded('drawdown:ratio')}", legend="all time"),
                Query(expr=f"-{common.limit('max_drawdown')}", legend="limit"),
            ),
            style=values(unit=common.RATIO_UNIT, limits=(None, 0), by_series=True),
            legend=("min", "lastNotNull"),
            overrides=(
                color("30 days", palette.GAIN, custom__fillOpacity=8),
                color("all time", palette.MUTED),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
)

PROFIT = line(
    8,
    (
        12,
        timeseries(
            title="Profit by day",
            description="""What equity gained or lost on each day (UTC) of the last 30, whatever the
                time range; the last bar is today so far. Deposits and withdrawals are in it.
                Source: live/list,
                equity.""",
            queries=(
                Query(expr=f"clamp_min({DAY_CLOSE} - {DAY_OPEN}, 0)", legend="gain", step="1d"),
                Query(expr=f"clamp_max({DAY_CLOSE} - {DAY_OPEN}, 0)", legend="loss", step="1d"),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0, by_series=True),
            draw="bars",
            stack=True,
            period="30d",
            legend=("sum",),
            overrides=(color("gain", palette.GAIN), color("loss", palette.LOSS)),
        ),
    ),
    (
        12,
        timeseries(
            title="Unrealized P/L by symbol",
            description="""Profit or loss of each position over time, of the 20 that were the
                largest at any time of the range. Source: live/portfolio/read, u.""",
            queries=(
                Query(
                    expr=f"""max by (job, project_id, symbol_id, symbol)
                        ({PNL} and on (job, project_id, symbol_id) {LARGEST})""",
                    legend="{{symbol}}",
                ),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0, by_series=True),
            legend_right=True,
        ),
    ),
)
