"""The open positions: all in a table, and those that matter most in either direction."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio.scope import MONEY, holding, recorded
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import PROFIT_AND_LOSS, Step
from grafana.builder.panel import Panel, bars, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Nothing, Sort, Value, table

# In every project that holds it, not in this one alone.
OPEN_SYMBOL = {
    "title": "Open ${__data.fields.symbol}",
    "url": common.page("quantconnect-symbol", symbol="${__data.fields.symbol_id:percentencode}"),
}
WEIGHT = series("holding:quantconnect_weight:ratio", MONEY)
HEAVIEST = f"topk(10, abs({WEIGHT}))"
PNL = holding("unrealized_pnl")
FLAT = f"{common.per_project(series('quantconnect_holdings', PROJECT))} == 0"
NO_POSITION = "No open position"

HELD = series("quantconnect_holding_info", PROJECT)
VALUE_BY_TYPE = "max by (job, project_id, symbol_id, security_type) ({})".format(
    series("quantconnect_holding_market_value", MONEY)
)

HOLDINGS = table(
    title="Holdings of ${project:text}",
    description="""Every open position, the largest loss first; prices are in the currency that the
        symbol trades in, value and P/L in the account's ($account_currency). QuantConnect rounds
        them, so sums can be off by one unit a position. A symbol opens its own page. "No data" is
        not "no position". Source: live/portfolio/read.""",
    by=("job", "project_id", "symbol_id"),
    sort=Sort(title="P/L", descending=False),
    nothing=Nothing(label="symbol", text=NO_POSITION, expr=FLAT),
    columns=(
        # First, so that a position whose quantity could not be read has a name as well.
        Value(ref="info", title="Info", expr=HELD, brings=("symbol", "security_type"), hidden=True),
        Label(name="symbol", title="Symbol", link=OPEN_SYMBOL, width=205),
        Label(name="symbol_id", title="Symbol id", hidden=True),
        Value(
            ref="pnl",
            width=95,
            title="P/L",
            expr=series("quantconnect_holding_unrealized_pnl", MONEY),
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="pnl_ratio",
            width=75,
            title="P/L %",
            expr=series("quantconnect_holding_unrealized_pnl_ratio", PROJECT),
            unit=common.RATIO_UNIT,
            decimals=1,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="value",
            width=100,
            title="Value",
            expr=series("quantconnect_holding_market_value", MONEY),
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Value(
            ref="weight",
            width=75,
            title="Weight",
            expr=WEIGHT,
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
        Value(
            ref="quantity",
            width=105,
            title="Quantity",
            expr=series("quantconnect_holding_quantity", PROJECT),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="price",
            width=105,
            title="Price",
            expr=series("quantconnect_holding_market_price", PROJECT),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="average",
            width=115,
            title="Average price",
            expr=series("quantconnect_holding_average_price", PROJECT),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Label(name="security_type", title="Type", width=110),
        Value(
            ref="expiry",
            title="Expires",
            expr=f"1000 * {series('quantconnect_holding_expiry_timestamp_seconds', PROJECT)}",
            unit="dateTimeFromNow",
        ),
    ),
)


def _largest(title: str, description: str, chosen: str, *, worst: bool, nothing: str) -> Panel:
    """The ten positions of `chosen` with their P/L and what it is of what was paid."""
    ratio = holding("unrealized_pnl_ratio")
    return table(
        title=title,
        description=description,
        by=("job", "project_id", "symbol_id", "symbol"),
        sort=Sort(title="P/L", descending=not worst),
        nothing=Nothing(
            label="symbol",
            text=nothing,
            # The sum is recorded only while the P/L of every position is known.
            expr=f"""{recorded("holding_unrealized_pnl:sum")}
                unless on (job, project_id) ({chosen})""",
        ),
        columns=(
            Label(name="symbol", title="Symbol"),
            Label(name="symbol_id", title="Symbol id", hidden=True),
            Value(
                ref="pnl",
                width=75,
                title="P/L",
                expr=chosen,
                unit=common.MONEY_UNIT,
                decimals=0,
                thresholds=PROFIT_AND_LOSS,
            ),
            Value(
                ref="pnl_ratio",
                width=65,
                title="P/L %",
                expr=f"{ratio} and on (job, project_id, symbol_id) {chosen}",
                unit=common.RATIO_UNIT,
                decimals=1,
                thresholds=PROFIT_AND_LOSS,
            ),
        ),
    )


CONTRIBUTORS = line(
    12,
    (
        7,
        _largest(
            "Largest losses",
            """The ten positions that lose most, if any; unrealized. Source: live/portfolio/read,
                u.""",
            # Half a unit is written as 0, which is no loss.
            f"bottomk(10, {PNL} <= -0.5)",
            worst=True,
            nothing="No position at a loss",
        ),
    ),
    (
        7,
        _largest(
            "Largest profits",
            """The ten positions that gain most, if any; unrealized. Source: live/portfolio/read,
                u.""",
            f"topk(10, {PNL} >= 0.5)",
            worst=False,
            nothing="No position in profit",
        ),
    ),
    (
        6,
        table(
            title="Largest weights",
            description="""The ten positions with the largest market value over equity, long or
                short. Source: live/portfolio/read, v; live/list, equity.""",
            by=("job", "project_id", "symbol_id"),
            sort=Sort(title="Weight"),
            nothing=Nothing(label="symbol", text=NO_POSITION, expr=FLAT),
            columns=(
                Value(
                    ref="name",
                    title="Name",
                    expr=f"{HELD} and on (job, project_id, symbol_id) {HEAVIEST}",
                    brings=("symbol",),
                    hidden=True,
                ),
                Label(name="symbol", title="Symbol"),
                Label(name="symbol_id", title="Symbol id", hidden=True),
                Value(
                    ref="weight",
                    width=80,
                    title="Weight",
                    expr=HEAVIEST,
                    unit=common.RATIO_UNIT,
                    decimals=1,
                ),
            ),
        ),
    ),
    (
        4,
        bars(
            title="Allocation by type",
            description="""Market value, long and short both counted positive, by security type;
                futures count with their full notional. None while the value of a position cannot be
                read. Source: live/portfolio/read, v.""",
            queries=(
                Query(
                    expr="sort_desc({})".format(
                        common.unless_unread(
                            f"sum by (security_type) (abs({VALUE_BY_TYPE}))",
                            VALUE_BY_TYPE,
                            held=HELD,
                            on="job, project_id, symbol_id",
                        )
                    ),
                    legend="{{security_type}}",
                ),
                Query(expr=FLAT, legend=NO_POSITION),
            ),
            style=values(
                unit=common.MONEY_UNIT,
                decimals=0,
                limits=(0, None),
                thresholds=(Step(None, palette.MUTED),),
            ),
        ),
    ),
)
