"""The numbers that are read first."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio.scope import MONEY, live, recorded
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import PROFIT_AND_LOSS, rising
from grafana.builder.panel import Panel, override_query, stat, values
from grafana.builder.query import Query

EQUITY_FROM = "Source: live/list, equity."


def _profit(period: str, title: str, since: str) -> Panel:
    return stat(
        title=title,
        description=f"""Change of equity since {since}, and as a share of the equity then. Deposits
            and withdrawals are in it. {EQUITY_FROM}""",
        queries=(
            Query(expr=recorded(f"profit:{period}"), legend="amount"),
            Query(expr=recorded(f"profit_ratio:{period}"), legend="ratio"),
        ),
        style=values(unit=common.MONEY_UNIT, decimals=0, thresholds=PROFIT_AND_LOSS),
        overrides=(override_query("B", unit=common.RATIO_UNIT, decimals=2),),
    )


MAIN = line(
    5,
    (
        7,
        stat(
            title="Equity ($account_currency)",
            description=f"""What the account is worth, in its own currency. A stopped project shows
                the last equity that QuantConnect has for it. {EQUITY_FROM}""",
            queries=(Query(expr=common.live_equity(MONEY), legend="equity"),),
            style=values(unit=common.MONEY_UNIT, decimals=0),
            sparkline=True,
        ),
    ),
    (6, _profit("today", "Profit today", "00:00 UTC (on the first day, since the first equity)")),
    (
        5,
        stat(
            title="Unrealized P/L",
            description="""Profit or loss of the open positions, net of the estimated fees of
                closing them; 0 without positions. Source: live/portfolio/read, u.""",
            queries=(Query(expr=recorded("holding_unrealized_pnl:sum"), legend="unrealized"),),
            style=values(unit=common.MONEY_UNIT, decimals=0, thresholds=PROFIT_AND_LOSS),
            sparkline=True,
        ),
    ),
    (
        3,
        stat(
            title="Drawdown",
            description=f"""How far equity is below its highest of the last 30 days, which is what
                the alert watches; "Limits used" says how close it is to the project's limit.
                {EQUITY_FROM}""",
            queries=(Query(expr=recorded("drawdown_30d:ratio"), legend="drawdown"),),
            style=values(unit=common.RATIO_UNIT, decimals=1),
        ),
    ),
    (
        3,
        stat(
            title="Status",
            description="""What QuantConnect says of the newest deployment. Source: live/list,
                status.""",
            queries=(Query(expr=common.status_code(PROJECT), legend="status"),),
            style=values(unit="none", states=common.STATES),
        ),
    ),
)

MORE = line(
    4,
    (4, _profit("7d", "Profit, 7 days", "7 days ago")),
    (4, _profit("30d", "Profit, 30 days", "30 days ago")),
    (
        4,
        stat(
            title="Gross leverage",
            description="""Long and short market value, both counted positive, over equity. Futures
                count with their full notional. Source: live/portfolio/read, v; live/list, equity.
                """,
            queries=(Query(expr=recorded("leverage_gross:ratio"), legend="leverage"),),
            style=values(unit="none", decimals=2),
        ),
    ),
    (
        3,
        stat(
            title="Cash share",
            description="""Value of all cash over equity; below zero the account is in debt.
                Source: live/portfolio/read, cash; live/list, equity.""",
            queries=(Query(expr=recorded("cash:ratio"), legend="cash"),),
            style=values(
                unit=common.RATIO_UNIT,
                decimals=0,
                thresholds=palette.NEGATIVE,
            ),
        ),
    ),
    (
        3,
        stat(
            title="Positions",
            description="""Number of open positions. Source: live/portfolio/read.""",
            queries=(
                Query(
                    expr=common.per_project(series("quantconnect_holdings", PROJECT)),
                    legend="positions",
                ),
            ),
            style=values(unit="none", decimals=0),
        ),
    ),
    (
        3,
        stat(
            title="Fees",
            description="""Fees that the deployment has paid so far. Source: live/read,
                runtimeStatistics, Fees.""",
            queries=(Query(expr=live("fees"), legend="fees"),),
            style=values(unit=common.MONEY_UNIT, decimals=2),
        ),
    ),
    (
        3,
        stat(
            title="Data age",
            description="""Time since the portfolio was last read well; QuantConnect's own snapshot
                can be some ten minutes older still. Coloured from 10 and 30 minutes, where the
                alerts for stale data begin. Source: the exporter's reads.""",
            queries=(Query(expr=common.data_age(PROJECT), legend="age"),),
            style=values(
                unit="s",
                decimals=0,
                thresholds=rising(warning=common.STALE_WARNING, critical=common.STALE_CRITICAL),
            ),
        ),
    ),
)
