"""The numbers that are read first, and those that are read next."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECT, series
from grafana.boards.portfolio.scope import MONEY, live, recorded
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import PROFIT_AND_LOSS, State, rising
from grafana.builder.panel import Panel, number, override, override_query, stat, values
from grafana.builder.query import Query

EQUITY_FROM = "Source: live/list, equity."
SMALL = 22

TRUST = common.trust(
    ("portfolio", common.age(PROJECT, "portfolio")),
    ("status and equity", common.age(PROJECT, "status")),
)

USED = common.limits_used(MONEY)
MOST_USED = f"max by (job, project_id) ({USED})"
# Of the project, and those that are about no project: they may be why nothing is known of it.
ABOUT = 'project_id=~"$project|"'
# To open and close positions is what an algorithm does; the changes have a row of their own.
TROUBLE = 'alertname!~"QuantConnectPosition(Opened|Closed)"'
ALERTS = series("ALERTS", common.FIRING, ABOUT, TROUBLE)
# Rules find nothing wrong with a project of which they know nothing.
KNOWN = series("project:quantconnect_live_status:code", PROJECT)
SEVERITIES = (
    State("3", "critical", palette.CRITICAL),
    State("2", "warning", palette.WARNING),
    State("1", "info", palette.CALM),
    State("0", "none firing", palette.CALM),
)


def _severity(name: str, code: int) -> str:
    firing = series("ALERTS", common.FIRING, ABOUT, TROUBLE, f'severity="{name}"')
    alerts = f"max by (alertname, symbol) ({firing}) * 0 + {code}"
    # All of them begin so, and the panel is narrow.
    return f'label_replace({alerts}, "alertname", "$1", "alertname", "QuantConnect(.+)")'


# Amounts with what share they are: amounts are the exception, since what Grafana writes in place of
# a value of the whole panel cannot be taken back for one query.
SHARES = values(unit=common.RATIO_UNIT, decimals=2, thresholds=PROFIT_AND_LOSS)


def _amount(query: str) -> dict[str, object]:
    return override_query(query, **number(common.MONEY_UNIT, 0))


MAIN = line(
    5,
    (
        5,
        stat(
            title="${project:text} (${account_currency})",
            description=f"""What the account is worth, in its own currency. A stopped project shows
                the last equity that QuantConnect has for it. {EQUITY_FROM}""",
            queries=(Query(expr=common.live_equity(MONEY), legend="equity"),),
            style=values(unit=common.MONEY_UNIT, decimals=0),
            size=44,
        ),
    ),
    (
        5,
        stat(
            title="Profit today",
            description=f"""Change of equity since 00:00 UTC (on the first day, since the first
                equity), and as a share of the equity then. Deposits and withdrawals are in it.
                {EQUITY_FROM}""",
            queries=(
                Query(expr=recorded("profit:today"), legend="amount"),
                Query(expr=recorded("profit_ratio:today"), legend="ratio"),
            ),
            style=SHARES,
            size=34,
            overrides=(_amount("A"),),
        ),
    ),
    (
        3,
        stat(
            title="Unrealized P/L",
            description="""Profit or loss of the open positions, net of the estimated fees of
                closing them; 0 without positions. Source: live/portfolio/read, u.""",
            queries=(Query(expr=recorded("holding_unrealized_pnl:sum"), legend="unrealized"),),
            style=values(unit=common.MONEY_UNIT, decimals=0, thresholds=PROFIT_AND_LOSS),
            size=30,
        ),
    ),
    (
        3,
        stat(
            title="Nearest limit",
            description="""The limit of which the project uses most: at 100 % the alert fires.
                "Limits used" below has all. Source: live/list, live/portfolio/read and the
                recording rules.""",
            queries=(
                *(
                    Query(
                        expr=f"""max by (job, project_id) ({common.limits_used(MONEY, limit.value)})
                            == on (job, project_id) ({MOST_USED} > 0)""",
                        legend=limit.text,
                    )
                    for limit in common.LIMITS
                ),
                Query(expr=f"{MOST_USED} == 0", legend="any limit"),
            ),
            style=values(
                unit=common.RATIO_UNIT,
                decimals=0,
                thresholds=rising(warning=common.LIMIT_NEAR, critical=common.LIMIT_REACHED),
            ),
            size=26,
            show="value_and_name",
        ),
    ),
    (
        3,
        stat(
            title="Status",
            description="""What QuantConnect says of the newest deployment, and how long ago it was
                asked; "No data" where that is more than 30 minutes. Source: live/list, status.""",
            queries=(
                Query(expr=common.status_now(PROJECT), legend="status"),
                Query(expr=common.age(PROJECT, "status"), legend="age"),
            ),
            style=values(unit="s", decimals=0, thresholds=common.AGES),
            size=22,
            # Mappings of a field are added to those of the panel, and 4 seconds are no error.
            overrides=(
                override(
                    "status",
                    unit="none",
                    mappings=palette.mappings(common.STATES),
                    thresholds=palette.thresholds(palette.PLAIN),
                ),
            ),
        ),
    ),
    (
        5,
        stat(
            title="Alerts",
            description="""Alerts of this exporter's rules that fire now for this project or for
                the exporter itself, the most severe first, but for positions that were opened or
                closed. "None firing" is said only while the rules know the project's status.
                Source: Prometheus, ALERTS.""",
            queries=(
                Query(
                    expr=f"""sort_desc({_severity("critical", 3)} or {_severity("warning", 2)}
                        or {_severity("info", 1)})""",
                    legend="{{alertname}} {{symbol}}",
                ),
                Query(
                    expr=f"group({KNOWN}) * 0 unless on () {ALERTS}",
                    legend="alerts",
                ),
            ),
            style=values(unit="none", states=SEVERITIES),
            size=16,
            show="value_and_name",
            lines=True,
        ),
    ),
)


def _profit(days: int, *queries: Query) -> Panel:
    return stat(
        title=f"Profit, {days} days",
        description=f"""Change of equity since {days} days ago, and as a share of the equity then;
            where the project is younger, since its launch. Deposits and withdrawals are in it.
            {EQUITY_FROM[:-1]}; live/read, Return.""",
        queries=(
            Query(expr=recorded(f"profit:{days}d"), legend=f"{days} days"),
            Query(expr=recorded(f"profit_ratio:{days}d"), legend="share"),
            *queries,
        ),
        style=SHARES,
        size=SMALL,
        show="value_and_name",
        overrides=(_amount("A"), _amount("C")),
    )


def _since_launch(days: int) -> tuple[Query, Query]:
    """Profit since the launch as QuantConnect says it, where there is none of that many days."""
    gain = live("return_ratio")
    younger = f"unless on (job, project_id) {recorded(f'profit:{days}d')}"
    equity = f"max by (job, project_id) ({series('quantconnect_live_equity', MONEY)})"
    return (
        Query(
            expr=f"{equity} * ({gain} / (1 + {gain} > 0)) {younger}",
            legend="since launch",
        ),
        Query(expr=f"{gain} {younger}", legend="share"),
    )


MORE = line(
    4,
    (4, _profit(7, *_since_launch(7))),
    (5, _profit(30, *_since_launch(30))),
    (
        3,
        stat(
            title="Drawdown",
            description=f"""How far equity is below its highest of the last 30 days, which is what
                the alert watches; "Limits used" says how close it is to the project's limit.
                {EQUITY_FROM}""",
            queries=(Query(expr=recorded("drawdown_30d:ratio"), legend="drawdown"),),
            style=values(unit=common.RATIO_UNIT, decimals=1),
            size=SMALL,
        ),
    ),
    (
        3,
        stat(
            title="Gross leverage",
            description="""Long and short market value, both counted positive, over equity. Futures
                count with their full notional. Source: live/portfolio/read, v; live/list, equity.
                """,
            queries=(Query(expr=recorded("leverage_gross:ratio"), legend="leverage"),),
            style=values(unit="none", decimals=2),
            size=SMALL,
        ),
    ),
    (
        3,
        stat(
            title="Cash share",
            description="""Value of all cash over equity; below zero the account is in debt.
                Source: live/portfolio/read, cash; live/list, equity.""",
            queries=(Query(expr=recorded("cash:ratio"), legend="cash"),),
            style=values(unit=common.RATIO_UNIT, decimals=0, thresholds=palette.NEGATIVE),
            size=SMALL,
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
            size=SMALL,
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
            size=SMALL,
        ),
    ),
)
