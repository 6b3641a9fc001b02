"""The symbol in all chosen projects together."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECTS, named_now
from grafana.boards.symbol.scope import NOT_HELD, holding, total, weight
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.panel import Panel, stat, values
from grafana.builder.query import Query


def _money(title: str, name: str, description: str, *, profit: bool = False) -> Panel:
    return stat(
        title=title,
        description=f"{description} In each account currency. Source: live/portfolio/read.",
        queries=(Query(expr=total(name, "account_currency"), legend="{{account_currency}}"),),
        style=values(
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=palette.PROFIT_AND_LOSS if profit else palette.PLAIN,
            no_value=NOT_HELD,
        ),
        size=32,
        show="value_and_name",
    )


TRUST = common.trust(("oldest portfolio", f"max({common.age(PROJECTS, 'portfolio')})"))

HEADLINE = line(
    5,
    (
        6,
        _money(
            "Unrealized P/L",
            "unrealized_pnl",
            "Profit or loss of this symbol's positions, net of the estimated fees of closing them.",
            profit=True,
        ),
    ),
    (
        6,
        _money(
            "Market value",
            "market_value",
            "Value of this symbol's positions, short ones negative; a future's full notional.",
        ),
    ),
    (
        4,
        stat(
            title="Quantity of ${symbol:text}",
            description="""Units or contracts of all chosen projects together, short ones negative.
                Source: live/portfolio/read, q.""",
            queries=(Query(expr=total("quantity"), legend="quantity"),),
            style=values(unit=common.MONEY_UNIT, decimals=common.FINE, no_value=NOT_HELD),
            size=28,
        ),
    ),
    (
        4,
        stat(
            title="Price",
            description="""Last price, in the currency that the symbol trades in; of the projects'
                prices the highest, where their data differ. Source: live/portfolio/read, p.""",
            queries=(Query(expr=f"max({holding('market_price')})", legend="price"),),
            style=values(unit=common.MONEY_UNIT, decimals=common.FINE, no_value=NOT_HELD),
            size=28,
        ),
    ),
    (
        4,
        stat(
            title="Largest weight",
            description="""The largest share of a project's equity that this symbol has, long or
                short, and whose it is. Source: live/portfolio/read, v; live/list, equity.""",
            queries=(
                Query(
                    expr=named_now(f"topk(1, abs({weight()}))"),
                    legend="{{project}}",
                ),
            ),
            style=values(unit=common.RATIO_UNIT, decimals=1, no_value=NOT_HELD),
            size=28,
            show="value_and_name",
        ),
    ),
)
