"""The open positions: all in a table, and those that matter most in either direction."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series, symbols
from grafana.boards.portfolio.scope import MONEY, holding
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import PROFIT_AND_LOSS, Step
from grafana.builder.panel import Panel, bars, donut, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table

OPEN_SYMBOL = {
    "title": "Open ${__data.fields.symbol}",
    "url": common.page(
        "quantconnect-symbol",
        project="${project}",
        symbol="${__data.fields.symbol_id:percentencode}",
    ),
}
WEIGHT = series("holding:quantconnect_weight:ratio", MONEY)
PNL = holding("unrealized_pnl")


def _each(metric: str, scope: str = PROJECT) -> str:
    return f"max by (job, project_id, symbol_id) ({series(metric, scope)})"


HELD = "max by (job, project_id, symbol_id, symbol, security_type) ({})".format(
    series("quantconnect_holding_info", PROJECT)
)
VALUE_BY_TYPE = "max by (job, project_id, symbol_id, security_type) ({})".format(
    series("quantconnect_holding_market_value", MONEY)
)

HOLDINGS = table(
    title="Holdings",
    description="""Every open position, the largest loss first; prices are in the currency that the
        symbol trades in, value and P/L in the account's ($account_currency). QuantConnect rounds
        them, so sums can be off by one unit a position. A symbol opens its own page. Source:
        live/portfolio/read.""",
    sort=Sort(title="P/L", descending=False),
    no_value="No open position",
    columns=(
        # First, so that a position whose quantity could not be read has a name as well.
        Value(ref="info", title="Info", expr=HELD, hidden=True),
        Label(name="symbol", title="Symbol", link=OPEN_SYMBOL),
        Label(name="symbol_id", title="Symbol id", hidden=True),
        Label(name="security_type", title="Type", width=110),
        Value(
            ref="quantity",
            width=120,
            title="Quantity",
            expr=_each("quantconnect_holding_quantity"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="average",
            width=130,
            title="Average price",
            expr=_each("quantconnect_holding_average_price"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="price",
            width=120,
            title="Price",
            expr=_each("quantconnect_holding_market_price"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="value",
            width=120,
            title="Value",
            expr=_each("quantconnect_holding_market_value", MONEY),
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Value(
            ref="weight",
            width=90,
            title="Weight",
            expr=_each("holding:quantconnect_weight:ratio", MONEY),
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
        Value(
            ref="pnl",
            width=110,
            title="P/L",
            expr=_each("quantconnect_holding_unrealized_pnl", MONEY),
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="pnl_ratio",
            width=85,
            title="P/L %",
            expr=_each("quantconnect_holding_unrealized_pnl_ratio"),
            unit=common.RATIO_UNIT,
            decimals=1,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="expiry",
            width=140,
            title="Expires",
            expr=f"1000 * {_each('quantconnect_holding_expiry_timestamp_seconds')}",
            unit="dateTimeFromNow",
        ),
    ),
)


def _largest(title: str, description: str, expr: str, color: str, *, none: str) -> Panel:
    """The ten largest: sizes, since a bar of a negative number would be the shorter the worse."""
    return bars(
        title=title,
        description=description,
        queries=(
            Query(expr=f"sort_desc(topk(10, {expr} > 0))", legend="{{symbol}}", instant=True),
        ),
        style=values(
            unit=common.MONEY_UNIT,
            decimals=0,
            limits=(0, None),
            thresholds=(Step(None, color),),
            no_value=none,
        ),
    )


CONTRIBUTORS = line(
    9,
    (
        6,
        _largest(
            "Largest losses",
            """The ten positions that lose most, if any; the bar is the size of the unrealized loss.
                Source: live/portfolio/read, u.""",
            f"-{PNL}",
            palette.LOSS,
            none="No position at a loss",
        ),
    ),
    (
        6,
        _largest(
            "Largest profits",
            """The ten positions that gain most, if any; unrealized. Source: live/portfolio/read,
                u.""",
            PNL,
            palette.GAIN,
            none="No position in profit",
        ),
    ),
    (
        6,
        bars(
            title="Largest weights",
            description="""The ten positions with the largest market value over equity, long or
                short. Source: live/portfolio/read, v; live/list, equity.""",
            queries=(
                Query(
                    expr=f"sort_desc({symbols(f'topk(10, abs({WEIGHT}))')})",
                    legend="{{symbol}}",
                    instant=True,
                ),
            ),
            style=values(
                unit=common.RATIO_UNIT,
                decimals=1,
                limits=(0, None),
                thresholds=(Step(None, palette.MUTED),),
                no_value="No open position",
            ),
        ),
    ),
    (
        6,
        donut(
            title="Allocation by type",
            description="""Market value, long and short both counted positive, by security type;
                futures count with their full notional. None while the value of a position cannot be
                read. Source: live/portfolio/read, v.""",
            queries=(
                Query(
                    expr=common.unless_unread(
                        f"sum by (security_type) (abs({VALUE_BY_TYPE}))",
                        VALUE_BY_TYPE,
                        held=HELD,
                        on="job, project_id, symbol_id",
                    ),
                    legend="{{security_type}}",
                    instant=True,
                ),
            ),
            style=values(
                unit=common.MONEY_UNIT,
                decimals=0,
                by_series=True,
                no_value="No open position, or one without a value",
            ),
        ),
    ),
)
