"""The positions of each project side by side, and what kind of contract the symbol is."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import series
from grafana.boards.symbol.scope import SYMBOL, holding, weight
from grafana.builder.palette import PROFIT_AND_LOSS
from grafana.builder.table import Label, Sort, Value, table

OPEN_PROJECT = {
    "title": "Open the portfolio of ${__data.fields.project}",
    "url": common.page("quantconnect-portfolio", project="${__data.fields.project_id}"),
}

PROJECTS_TABLE = table(
    title="By project",
    description="""This symbol in each project that holds it, the largest loss first. A project's
        name opens its portfolio. Source: live/portfolio/read.""",
    sort=Sort(title="P/L", descending=False),
    no_value="No chosen project holds this symbol",
    columns=(
        Label(name="project", title="Project", link=OPEN_PROJECT),
        Label(name="project_id", title="Project id", hidden=True),
        Value(
            ref="quantity",
            width=120,
            title="Quantity",
            expr=holding("quantity", "project"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="average",
            width=130,
            title="Average price",
            expr=holding("average_price"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="price",
            width=120,
            title="Price",
            expr=holding("market_price"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="rate",
            width=130,
            title="Rate to account",
            expr=holding("conversion_rate"),
            unit=common.MONEY_UNIT,
            decimals=4,
        ),
        Value(
            ref="value",
            width=120,
            title="Value",
            expr=holding("market_value", "account_currency"),
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Label(name="account_currency", title="Currency", width=80),
        Value(
            ref="weight",
            width=90,
            title="Weight",
            expr=weight(),
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
        Value(
            ref="pnl",
            width=110,
            title="P/L",
            expr=holding("unrealized_pnl"),
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="pnl_ratio",
            width=85,
            title="P/L %",
            expr=holding("unrealized_pnl_ratio"),
            unit=common.RATIO_UNIT,
            decimals=1,
            thresholds=PROFIT_AND_LOSS,
        ),
    ),
)

FACTS = (
    "symbol, symbol_id, security_type, market, underlying, option_right, strike, currency_symbol"
)

CONTRACT = table(
    title="Contract",
    description="""What the identifier of the symbol says. The ticker in an equity's identifier is
        the first that it traded under. Source: the keys of live/portfolio/read.""",
    sort=Sort(title="Symbol", descending=False),
    no_value="No chosen project holds this symbol",
    columns=(
        Label(name="symbol", title="Symbol"),
        Label(name="symbol_id", title="Identifier"),
        Label(name="security_type", title="Type"),
        Label(name="market", title="Market"),
        Label(name="underlying", title="Underlying"),
        Label(name="option_right", title="Right"),
        Label(name="strike", title="Strike"),
        Label(name="currency_symbol", title="Trades in"),
        Value(
            ref="info",
            title="Info",
            expr=f"max by ({FACTS}) ({series('quantconnect_holding_info', SYMBOL)})",
            hidden=True,
        ),
        Value(
            ref="expiry",
            width=140,
            title="Expires",
            expr="1000 * max by (symbol_id) ({})".format(
                series("quantconnect_holding_expiry_timestamp_seconds", SYMBOL)
            ),
            unit="dateTimeFromNow",
        ),
    ),
)
