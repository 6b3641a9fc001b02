"""How close the project is to its limits, and what makes it so."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, limits_used, series
from grafana.boards.portfolio.scope import MONEY, recorded
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import rising
from grafana.builder.panel import bars, color, timeseries, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table

EXPOSURE = line(
    9,
    (
        8,
        bars(
            title="Limits used",
            description="""How much of each of its limits the project uses: drawdown of 30 days,
                loss today, gross leverage, the largest position, the worst position's loss over
                equity. At 100 % the alert fires. Limits are the project's own from the
                configuration, else the rules' defaults. Source: live/list, live/portfolio/read and
                the recording rules.""",
            queries=tuple(
                Query(expr=limits_used(MONEY, limit.value), legend=limit.text)
                for limit in common.LIMITS
            ),
            unfilled=True,
            style=values(
                unit=common.RATIO_UNIT,
                decimals=0,
                limits=(0, 1),
                thresholds=rising(warning=common.LIMIT_NEAR, critical=common.LIMIT_REACHED),
            ),
        ),
    ),
    (
        8,
        timeseries(
            title="Exposure ($account_currency)",
            description="""Market value of long and of short positions, their sum (net) and the sum
                of their sizes (gross). Futures count with their full notional. Source:
                live/portfolio/read, v.""",
            queries=tuple(
                Query(expr=recorded(f"exposure_{kind}:sum"), legend=kind)
                for kind in ("long", "short", "net", "gross")
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0, by_series=True),
            overrides=(
                color("long", palette.LONG, custom__fillOpacity=15),
                color("short", palette.SHORT, custom__fillOpacity=15),
                color("net", palette.ACCENT, custom__lineWidth=2),
                color("gross", palette.MUTED),
            ),
        ),
    ),
    (
        8,
        timeseries(
            title="Leverage",
            description="""Gross and net exposure over equity, and the project's limit of gross
                leverage, where the alert fires. Source: live/portfolio/read, v; live/list, equity;
                the configuration's limits.""",
            queries=(
                Query(expr=recorded("leverage_gross:ratio"), legend="gross"),
                Query(expr=recorded("leverage_net:ratio"), legend="net"),
                Query(expr=common.limit("max_gross_leverage"), legend="limit"),
            ),
            style=values(unit="none", decimals=2, by_series=True),
            overrides=(
                color("gross", palette.MUTED, custom__lineWidth=2),
                color("net", palette.ACCENT),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
)

CONCENTRATION = line(
    8,
    (
        8,
        timeseries(
            title="Concentration",
            description="""The largest position and the five largest together, over equity. Dashed:
                the limit of one position's weight. Source: live/portfolio/read, v; live/list,
                equity.""",
            queries=(
                Query(expr=recorded("weight_top1:ratio"), legend="largest"),
                Query(expr=recorded("weight_top5:ratio"), legend="five largest"),
                Query(expr=common.limit("max_position_weight"), legend="limit"),
            ),
            style=values(unit=common.RATIO_UNIT, decimals=0, limits=(0, None), by_series=True),
            overrides=(
                color("largest", palette.GAIN),
                color("five largest", palette.LONG),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
    (
        8,
        timeseries(
            title="Cash share over time",
            description="""Value of all cash over equity, and the least that the project's limits
                ask for, below which the alert fires. Source: live/portfolio/read, cash; live/list,
                equity; the configuration's limits.""",
            queries=(
                Query(expr=recorded("cash:ratio"), legend="cash"),
                Query(expr=common.limit("min_cash_ratio"), legend="limit"),
            ),
            style=values(unit=common.RATIO_UNIT, decimals=0, by_series=True),
            at_least=(0, 1),
            overrides=(
                color("cash", palette.GAIN, custom__fillOpacity=10),
                color("limit", palette.CRITICAL, **common.LIMIT_LINE),
            ),
        ),
    ),
    (
        8,
        table(
            title="Cash by currency",
            description="""Each cash book, debts first: amount in its own currency, the rate to the
                account's currency ($account_currency) and the value in it. A rate of 0 means that
                QuantConnect has none yet, and then there is no value. Source: live/portfolio/read,
                cash.""",
            by=("job", "project_id", "currency"),
            sort=Sort(title="Value", descending=False),
            columns=(
                Label(name="currency", title="Currency", width=80),
                Value(
                    ref="amount",
                    title="Amount",
                    expr=series("quantconnect_cash_amount", PROJECT),
                    unit=common.MONEY_UNIT,
                    decimals=2,
                    thresholds=palette.NEGATIVE,
                ),
                Value(
                    ref="rate",
                    title="Rate",
                    expr=series("quantconnect_cash_conversion_rate", PROJECT),
                    unit=common.MONEY_UNIT,
                    decimals=6,
                ),
                Value(
                    ref="value",
                    title="Value",
                    expr=series("quantconnect_cash_value", MONEY),
                    unit=common.MONEY_UNIT,
                    decimals=0,
                    thresholds=palette.NEGATIVE,
                ),
            ),
        ),
    ),
)
