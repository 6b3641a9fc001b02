"""The numbers that are read first."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import MONEY, PROJECTS, named, series
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import rising
from grafana.builder.panel import override_query, stat, values
from grafana.builder.query import Query

PROFIT = series("project:quantconnect_profit:today", MONEY)
DAY_OPEN = series("project:quantconnect_live_equity:day_open", MONEY)
DRAWDOWN = series("project:quantconnect_drawdown_30d:ratio", MONEY)

PAGING = series("ALERTS", common.FIRING, 'severity=~"critical|warning"')

HEADLINE = line(
    5,
    (
        6,
        stat(
            title="Equity",
            description="""What the chosen projects are worth together, in each account currency;
                currencies are never added up. Source: live/list, equity; a stopped project counts
                with the last equity that QuantConnect has for it.""",
            queries=(
                Query(
                    expr=f"sum by (account_currency) ({common.live_equity(MONEY)})",
                    legend="{{account_currency}}",
                ),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0),
            names=True,
            sparkline=True,
        ),
    ),
    (
        6,
        stat(
            title="Profit today",
            description="""Change of equity since 00:00 UTC, and as a share of the equity then.
                Deposits and withdrawals are in it. Source: live/list, equity.""",
            queries=(
                Query(expr=f"sum by (account_currency) ({PROFIT})", legend="{{account_currency}}"),
                Query(
                    expr=f"""sum by (account_currency) ({PROFIT})
                        / (sum by (account_currency) ({DAY_OPEN}) > 0)""",
                    legend="{{account_currency}} %",
                ),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0, thresholds=palette.PROFIT_AND_LOSS),
            names=True,
            overrides=(override_query("B", unit=common.RATIO_UNIT, decimals=2),),
        ),
    ),
    (
        3,
        stat(
            title="Worst drawdown",
            description="""The deepest fall of any chosen project below its highest equity of the
                last 30 days. The table's "Limit used" says how close that is to the project's own
                limit. Source: live/list, equity.""",
            queries=(
                Query(expr=named(f"topk(1, {DRAWDOWN})"), legend="{{project}}", instant=True),
            ),
            style=values(unit=common.RATIO_UNIT, decimals=1),
            names=True,
        ),
    ),
    (
        3,
        stat(
            title="Alerts firing",
            description="""Critical and warning alerts of this exporter's rules that fire now, of
                all projects; the table at the foot of the page names them. Source: Prometheus,
                ALERTS.""",
            queries=(
                Query(
                    expr=f"count({PAGING}) or vector(0)",
                    legend="firing",
                    instant=True,
                ),
            ),
            style=values(unit="none", decimals=0, thresholds=rising(warning=1)),
        ),
    ),
    (
        3,
        stat(
            title="Running",
            description="""Projects whose newest deployment is Running, and all chosen projects.
                Source: live/list, status.""",
            queries=(
                Query(
                    expr="sum({})".format(
                        common.per_project(
                            series("quantconnect_live_status", PROJECTS, 'status="Running"')
                        )
                    ),
                    legend="running",
                ),
                Query(
                    expr="count({})".format(
                        common.per_project(series("quantconnect_project_info", PROJECTS))
                    ),
                    legend="of",
                ),
            ),
            style=values(unit="none", decimals=0),
            names=True,
        ),
    ),
    (
        3,
        stat(
            title="Oldest portfolio",
            description="""The longest time since any chosen project's portfolio was last read
                well. QuantConnect's own snapshot can be some ten minutes older still. Coloured
                from 10 and 30 minutes, where the alerts for stale data begin. Source: the
                exporter's reads.""",
            queries=(Query(expr=f"max({common.data_age(PROJECTS)})", legend="age"),),
            style=values(
                unit="s",
                decimals=0,
                thresholds=rising(warning=common.STALE_WARNING, critical=common.STALE_CRITICAL),
            ),
        ),
    ),
)
