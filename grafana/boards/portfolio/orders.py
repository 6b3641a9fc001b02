"""Orders, closed trades and the log: what QuantConnect says beside the portfolio itself.

They are read more rarely than it, or not at all where the configuration says so. So each number
stands next to the time since it was read, and what is not read says so: it is not none.
"""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio.scope import MONEY, live
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import PROFIT_AND_LOSS, State, Step, rising
from grafana.builder.panel import (
    bars,
    color,
    number,
    override,
    override_query,
    stat,
    timeseries,
    values,
)
from grafana.builder.query import Query

BY_STATUS = common.orders(PROJECT)
REJECTED = common.orders(PROJECT, 'status="invalid"')
ACCEPTED = common.orders(PROJECT, 'status!="invalid"')
LAST_FILL = live("last_fill_timestamp_seconds")
OLDEST = live("oldest_open_order_timestamp_seconds")
LINES = common.log_lines(PROJECT)
PNL = live("realized_pnl")
TRADES = "sum by (job, project_id) (max by (job, project_id, result) ({}))".format(
    series("quantconnect_live_closed_trades", PROJECT)
)
WON = live("closed_trades", 'result="win"')
FEES = "max by (job, project_id, currency) ({})".format(
    series("quantconnect_live_order_fees", PROJECT)
)
LAST_HOUR = common.per_project(series("project:quantconnect_live_orders:last_hour", PROJECT))
NO_FILL = (State("1", "no fill yet", palette.CALM),)
READ = "read"


def _read(source: str, value: str) -> Query:
    """How long ago the source was read, where it is read: an age without a number says nothing."""
    age = f"{common.age(PROJECT, source)} and on (job, project_id) {value}"
    return Query(expr=age, legend=READ)


SECONDS = override(READ, unit="s", thresholds=palette.thresholds(palette.PLAIN))

NUMBERS = line(
    6,
    (
        5,
        bars(
            title="Orders by status",
            description="""Orders of the newest deployment by their status; rejected ones are those
                that QuantConnect calls invalid. Read every 10 minutes. Source: live/orders/read,
                status.""",
            queries=(
                Query(
                    expr=f"sort_desc({ACCEPTED} > 0)",
                    legend="{{status}}",
                ),
                Query(expr=f"{REJECTED} > 0", legend="rejected"),
                Query(
                    expr=f"sum by (job, project_id) ({BY_STATUS}) == 0",
                    legend="no order yet",
                ),
            ),
            style=values(
                unit="none",
                decimals=0,
                limits=(0, None),
                thresholds=(Step(None, palette.MUTED),),
                no_value=common.NOT_READ,
            ),
            overrides=(
                override_query("B", thresholds=palette.thresholds((Step(None, palette.WARNING),))),
            ),
        ),
    ),
    (
        5,
        stat(
            title="Open orders",
            description="""Orders of the newest deployment that are neither filled nor canceled nor
                rejected, how long ago the oldest of them was sent, and the orders that were
                rejected within a day. Source: live/orders/read.""",
            queries=(
                Query(expr=common.open_orders(PROJECT), legend="open"),
                Query(expr=f"time() - {OLDEST}", legend="oldest"),
                Query(expr=common.rejected_orders(PROJECT), legend="rejected"),
                _read("orders", BY_STATUS),
            ),
            style=values(unit="none", decimals=0, no_value=common.NOT_READ),
            size=22,
            show="value_and_name",
            overrides=(
                override("oldest", unit="s"),
                override("rejected", thresholds=palette.thresholds(rising(warning=1))),
                SECONDS,
            ),
        ),
    ),
    (
        4,
        stat(
            title="Last fill",
            description="""Time since an order of the newest deployment was last filled, in whole
                or in part. "No fill yet" is said only where its orders were read. Source:
                live/orders/read, events.""",
            queries=(
                Query(expr=f"time() - {LAST_FILL}", legend="ago"),
                Query(
                    expr=f"""group by (job, project_id) ({BY_STATUS})
                        unless on (job, project_id) {LAST_FILL}""",
                    legend="newest deployment",
                ),
                _read("orders", BY_STATUS),
            ),
            style=values(unit="s", decimals=0, no_value=common.NOT_READ),
            size=22,
            show="value_and_name",
            overrides=(
                override("newest deployment", unit="none", mappings=palette.mappings(NO_FILL)),
            ),
        ),
    ),
    (
        5,
        stat(
            title="Realized P/L",
            description="""Profit or loss of all closed trades of all deployments, net of their
                fees, and those fees. Read every hour. Source: live/trades/read, profitLoss and
                totalFees.""",
            queries=(
                Query(expr=PNL, legend="net of fees"),
                Query(expr=live("trade_fees"), legend="fees"),
                _read("trades", PNL),
            ),
            style=values(unit="s", decimals=0, no_value=common.NOT_READ),
            size=22,
            show="value_and_name",
            overrides=(
                override(
                    "net of fees",
                    thresholds=palette.thresholds(PROFIT_AND_LOSS),
                    **number(common.MONEY_UNIT, 0),
                ),
                override("fees", **number(common.MONEY_UNIT, 2)),
            ),
        ),
    ),
    (
        5,
        stat(
            title="Win rate",
            description="""Closed trades of all deployments that earned something, as a share of
                all of them, and how many there are. Read every hour. Source: live/trades/read,
                isWin.""",
            queries=(
                Query(expr=f"{WON} / on (job, project_id) ({TRADES} > 0)", legend="won"),
                Query(expr=TRADES, legend="trades"),
                _read("trades", TRADES),
            ),
            style=values(unit=common.RATIO_UNIT, decimals=0, no_value=common.NOT_READ),
            size=22,
            show="value_and_name",
            overrides=(override("trades", unit="none"), SECONDS),
        ),
    ),
)

OVER_TIME = line(
    8,
    (
        6,
        timeseries(
            title="Orders of the last hour",
            description="""Orders that the newest deployment sent within an hour, and the project's
                limit, where the alert fires. Source: live/orders/read; the configuration's
                limits.""",
            queries=(
                Query(expr=LAST_HOUR, legend="orders"),
                Query(expr=common.limit("max_orders_per_hour"), legend="limit"),
            ),
            style=values(
                unit="none",
                limits=(0, None),
                by_series=True,
                no_value=common.NOT_READ,
            ),
            draw="steps",
            overrides=(
                color("orders", palette.GAIN),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
    (
        6,
        timeseries(
            title="Time since the last fill",
            description="""How long ago an order of the newest deployment was last filled, and the
                project's limit, where the alert fires. Source: live/orders/read, events; the
                configuration's limits.""",
            queries=(
                Query(expr=f"time() - {LAST_FILL}", legend="last fill"),
                Query(expr=f"86400 * {common.limit('max_days_without_fill')}", legend="limit"),
            ),
            style=values(unit="s", limits=(0, None), by_series=True, no_value=common.NOT_READ),
            overrides=(
                color("last fill", palette.GAIN),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
    (
        6,
        timeseries(
            title="Fees of orders",
            description="""Fees of all fills of the newest deployment, in the currency in which
                they were paid. It begins again with each deployment. Source: live/orders/read,
                events, orderFeeAmount.""",
            queries=(Query(expr=FEES, legend="{{currency}}"),),
            style=values(
                unit=common.MONEY_UNIT, decimals=2, by_series=True, no_value=common.NOT_READ
            ),
            draw="steps",
        ),
    ),
    (
        6,
        timeseries(
            title="Lines in the log",
            description="""Lines in the log that have the text of each query of the configuration;
                QuantConnect drops the oldest lines of a long log. Source: live/logs/read.""",
            queries=(Query(expr=LINES, legend="{{query}}"),),
            style=values(
                unit="none",
                limits=(0, None),
                by_series=True,
                no_value=common.NOT_READ,
            ),
            draw="steps",
        ),
    ),
)

# Beside each other only where the benchmark is read, which by default it is not.
BENCHMARK = series("quantconnect_live_benchmark_value", PROJECT)

COMPARED = line(
    8,
    (
        12,
        timeseries(
            title="Equity indexed to 100, and its benchmark",
            description="""Equity and the value of the algorithm's benchmark, each as a percentage
                of what it was at its first moment in the time range. No benchmark: it is not read,
                or the algorithm has none. Source: live/list, equity; live/chart/read,
                Benchmark.""",
            queries=(
                Query(
                    expr=common.indexed(series("quantconnect_live_equity", MONEY)),
                    legend="equity",
                ),
                Query(expr=common.indexed(BENCHMARK), legend="benchmark"),
            ),
            style=values(unit="none", decimals=1, by_series=True),
            overrides=(
                color("equity", palette.GAIN, custom__lineWidth=2),
                color("benchmark", palette.MUTED),
            ),
        ),
    ),
    (
        12,
        timeseries(
            title="Realized P/L over time",
            description="""Profit or loss of all closed trades so far, net of their fees, and those
                fees. Source: live/trades/read, profitLoss and totalFees.""",
            queries=(
                Query(expr=PNL, legend="net of fees"),
                Query(expr=live("trade_fees"), legend="fees"),
            ),
            style=values(
                unit=common.MONEY_UNIT, decimals=0, by_series=True, no_value=common.NOT_READ
            ),
            draw="steps",
            overrides=(color("net of fees", palette.GAIN), color("fees", palette.MUTED)),
        ),
    ),
)
