"""The symbol's price, and each project's position in it, over time."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import each_project, named
from grafana.boards.symbol.scope import by_project, holding, weight
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.panel import Panel, color, timeseries, values
from grafana.builder.query import Query


def _by_project(title: str, expr: str, description: str, *, unit: str, decimals: int) -> Panel:
    return timeseries(
        legend=(),  # the last value of projects that do not hold it would be NaN
        title=title,
        description=description,
        queries=(Query(expr=each_project(expr), legend="{{project}}"),),
        style=values(unit=unit, decimals=decimals, by_series=True),
    )


POSITION = line(
    9,
    (
        12,
        timeseries(
            legend=(),  # the last value of projects that do not hold it would be NaN
            title="Price and average price of ${symbol:text}",
            description="""The last price, and what each project paid (or was paid) on average, in
                the currency that the symbol trades in. Source: live/portfolio/read, p and a.""",
            # The projects first: their place decides on their colours.
            queries=(
                Query(
                    expr=each_project(by_project("average_price")),
                    legend="average of {{project}}",
                ),
                Query(expr=f"max({holding('market_price')})", legend="price"),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=common.FINE, by_series=True),
            overrides=(color("price", palette.CALM, custom__lineWidth=2),),
        ),
    ),
    (
        12,
        timeseries(
            legend=(),  # the last value of projects that do not hold it would be NaN
            title="Quantity by project",
            description="""Units or contracts, short ones negative; each step is a trade. A line
                ends where the position was closed. Source: live/portfolio/read, q.""",
            queries=(Query(expr=each_project(by_project("quantity")), legend="{{project}}"),),
            style=values(unit=common.MONEY_UNIT, decimals=common.FINE, by_series=True),
            draw="steps",
        ),
    ),
)

RESULT = line(
    8,
    (
        6,
        _by_project(
            "Unrealized P/L by project",
            by_project("unrealized_pnl"),
            """Profit or loss of the position, in the project's account currency. Source:
                live/portfolio/read, u.""",
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
    ),
    (
        6,
        _by_project(
            "Unrealized P/L % by project",
            by_project("unrealized_pnl_ratio"),
            """Profit or loss of the position over what was paid for it. Source:
                live/portfolio/read, up.""",
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
    ),
    (
        6,
        _by_project(
            "Value by project",
            by_project("market_value"),
            """Market value of the position, short ones negative, in the project's account
                currency. Source: live/portfolio/read, v.""",
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
    ),
    (
        6,
        _by_project(
            "Weight by project",
            named(weight()),
            """Market value of the position over the project's equity. Source:
                live/portfolio/read, v; live/list, equity.""",
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
    ),
)
