"""The positions of each project side by side, and what kind of contract the symbol is."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECTS, series
from grafana.boards.symbol.scope import SYMBOL
from grafana.builder.palette import PROFIT_AND_LOSS
from grafana.builder.table import Label, Nothing, Sort, Value, table

OPEN_PROJECT = {
    "title": "Open the portfolio of ${__data.fields.project}",
    "url": common.page("quantconnect-portfolio", project="${__data.fields.project_id}"),
}


def _holding(name: str) -> str:
    return series(f"quantconnect_holding_{name}", SYMBOL)


HOLDINGS = series("quantconnect_holdings", PROJECTS)
UNREAD = f"{common.last_read(PROJECTS)} unless on (job, project_id) {HOLDINGS}"

PROJECTS_TABLE = table(
    title="${symbol:text} by project",
    description="""This symbol in each project that holds it, the largest loss first. A project's
        name opens its portfolio. Source: live/portfolio/read.""",
    by=("job", "project_id"),
    sort=Sort(title="P/L", descending=False),
    nothing=Nothing(
        label="project",
        text="No chosen project holds this symbol",
        expr=f"{HOLDINGS} unless on () ({_holding('info')} or ({UNREAD}))",
    ),
    columns=(
        Value(ref="name", title="Name", expr=_holding("info"), brings=("project",), hidden=True),
        Label(name="project", title="Project", link=OPEN_PROJECT, least=230),
        Label(name="project_id", title="Project id", hidden=True),
        Value(
            ref="pnl",
            width=110,
            title="P/L",
            expr=_holding("unrealized_pnl"),
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="pnl_ratio",
            width=85,
            title="P/L %",
            expr=_holding("unrealized_pnl_ratio"),
            unit=common.RATIO_UNIT,
            decimals=1,
            thresholds=PROFIT_AND_LOSS,
        ),
        Value(
            ref="value",
            width=120,
            title="Value",
            expr=_holding("market_value"),
            brings=("account_currency",),
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Label(name="account_currency", title="Currency", width=80),
        Value(
            ref="weight",
            width=90,
            title="Weight",
            expr=series("holding:quantconnect_weight:ratio", SYMBOL),
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
        Value(
            ref="quantity",
            width=120,
            title="Quantity",
            expr=_holding("quantity"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="price",
            width=120,
            title="Price",
            expr=_holding("market_price"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="average",
            width=130,
            title="Average price",
            expr=_holding("average_price"),
            unit=common.MONEY_UNIT,
            decimals=common.FINE,
        ),
        Value(
            ref="rate",
            width=130,
            title="Rate to account",
            expr=_holding("conversion_rate"),
            unit=common.MONEY_UNIT,
            decimals=4,
        ),
    ),
)

FACTS = (
    "symbol",
    "security_type",
    "market",
    "underlying",
    "option_right",
    "strike",
    "currency_symbol",
)

CONTRACT = table(
    title="Contract",
    description="""What the identifier of the symbol says. The ticker in an equity's identifier is
        the first that it traded under. Source: the keys of live/portfolio/read.""",
    by=("symbol_id",),
    sort=Sort(title="Symbol", descending=False),
    columns=(
        Label(name="symbol", title="Symbol", least=200),
        Label(name="symbol_id", title="Identifier", least=200),
        Label(name="security_type", title="Type"),
        Label(name="market", title="Market"),
        Label(name="underlying", title="Underlying"),
        Label(name="option_right", title="Right"),
        Label(name="strike", title="Strike"),
        Label(name="currency_symbol", title="Trades in"),
        Value(
            ref="info",
            title="Info",
            expr=_holding("info"),
            brings=FACTS,
            hidden=True,
        ),
        Value(
            ref="expiry",
            width=140,
            title="Expires",
            expr=f"1000 * {_holding('expiry_timestamp_seconds')}",
            unit="dateTimeFromNow",
        ),
    ),
)
