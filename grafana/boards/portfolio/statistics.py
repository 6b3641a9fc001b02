"""QuantConnect's own statistics of the deployment and its server; folded at first."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio.scope import live
from grafana.builder import palette
from grafana.builder.grid import Row, line
from grafana.builder.palette import State
from grafana.builder.panel import Panel, color, stat, timeseries, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table


def _statistic(title: str, name: str, meaning: str, unit: str, decimals: int) -> Panel:
    profit = name in {"net_profit", "return_ratio"}
    return stat(
        title=title,
        description=f"{meaning} Source: live/read, runtimeStatistics.",
        queries=(Query(expr=live(name), legend=title.lower()),),
        style=values(
            unit=unit,
            decimals=decimals,
            thresholds=palette.PROFIT_AND_LOSS if profit else palette.PLAIN,
        ),
        size=22,
    )


RUNTIME = line(
    4,
    (5, _statistic("Net profit", "net_profit", "Realized since launch.", common.MONEY_UNIT, 0)),
    (5, _statistic("Return", "return_ratio", "Since launch.", common.RATIO_UNIT, 2)),
    (
        5,
        _statistic(
            "Probabilistic Sharpe",
            "probabilistic_sharpe_ratio",
            "Probability that the true Sharpe ratio is above 1.",
            common.RATIO_UNIT,
            0,
        ),
    ),
    (
        5,
        _statistic(
            "Holdings value",
            "holdings_value",
            "Absolute value of the positions.",
            common.MONEY_UNIT,
            0,
        ),
    ),
    (4, _statistic("Volume", "volume", "Traded since launch.", common.MONEY_UNIT, 0)),
)

DEPLOYMENT = table(
    title="Deployment",
    description="""The newest deployment: where it trades, on which LEAN, whether QuantConnect
        starts it again after an error, since when it runs, and when it stopped if it did. Source:
        live/list; live/read, serverStatistics; projects/read, liveForm.""",
    by=("job", "project_id"),
    sort=Sort(title="Launched"),
    columns=(
        Label(name="deploy_id", title="Deployment"),
        Label(name="brokerage", title="Brokerage"),
        Label(name="trading_environment", title="Environment", width=110),
        Label(name="lean_version", title="LEAN", width=130),
        Value(
            ref="lean",
            title="LEAN info",
            expr=series("quantconnect_live_lean_version_info", PROJECT),
            brings=("lean_version",),
            hidden=True,
        ),
        Value(
            ref="restart",
            title="Auto restart",
            width=110,
            expr=series("quantconnect_project_auto_restart", PROJECT),
            states=(State("1", "on", palette.CALM), State("0", "off", palette.CALM)),
        ),
        Value(
            ref="info",
            title="Info",
            expr=series("project:quantconnect_live_launched_timestamp_seconds:newest", PROJECT),
            brings=("deploy_id", "brokerage", "trading_environment"),
            hidden=True,
        ),
        Value(
            ref="launched",
            title="Launched",
            expr=f"1000 * {live('launched_timestamp_seconds')}",
            unit="dateTimeFromNow",
        ),
        Value(
            ref="stopped",
            title="Stopped",
            expr=f"1000 * {live('stopped_timestamp_seconds')}",
            unit="dateTimeFromNow",
        ),
    ),
)

SERVER = line(
    8,
    (
        8,
        timeseries(
            title="Memory of the live node",
            description="""RAM that the algorithm's server uses, and all that it has. Source:
                live/read, serverStatistics.""",
            queries=(
                Query(expr=live("memory_used_bytes"), legend="used"),
                Query(expr=live("memory_total_bytes"), legend="total"),
            ),
            style=values(unit="bytes", limits=(0, None), by_series=True),
            overrides=(
                color("used", palette.GAIN),
                color("total", palette.MUTED, **common.LIMIT_LINE),
            ),
        ),
    ),
    (
        8,
        timeseries(
            title="CPU of the live node",
            description="""How busy the algorithm's server is. Source: live/read,
                serverStatistics.""",
            queries=(Query(expr=live("cpu_usage_ratio"), legend="CPU"),),
            style=values(unit=common.RATIO_UNIT, limits=(0, None), by_series=True),
            legend=("max",),
            overrides=(color("CPU", palette.GAIN),),
        ),
    ),
    (
        8,
        timeseries(
            title="Custom statistics",
            description="""Statistics that the algorithm sets itself and that the configuration
                allows by name. Source: live/read, runtimeStatistics.""",
            queries=(
                Query(
                    expr="max by (job, project_id, statistic) ({})".format(
                        series("quantconnect_live_custom_statistic", PROJECT)
                    ),
                    legend="{{statistic}}",
                ),
            ),
            style=values(unit="none", by_series=True),
        ),
    ),
)

STATISTICS = Row(
    "QuantConnect's statistics",
    (
        RUNTIME,
        line(
            5,
            (18, DEPLOYMENT),
            (
                6,
                stat(
                    title="Uptime of the live node",
                    description="""Time since the algorithm's server was started. Source: live/read,
                        serverStatistics.""",
                    queries=(Query(expr=live("uptime_seconds"), legend="up"),),
                    style=values(unit="s", decimals=1),
                    size=22,
                ),
            ),
        ),
        SERVER,
    ),
    collapsed=True,
)
