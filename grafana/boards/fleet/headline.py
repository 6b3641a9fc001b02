"""The numbers that are read first: the worth, the day, and what needs a look."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, PROJECTS, named_now, series
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import rising
from grafana.builder.panel import override, stat, values
from grafana.builder.query import Query

EQUITY = common.live_equity(PROJECTS)
PROFIT = series("project:quantconnect_profit:today", PROJECTS)
DAY_OPEN = series("project:quantconnect_live_equity:day_open", PROJECTS)
DRAWDOWN = series("project:quantconnect_drawdown_30d:ratio", PROJECTS)
STATUS = common.status_now(PROJECTS)
KNOWN = f"({STATUS} >= 0) != {common.NO_DATA}"
# Alerts of the projects chosen, and those that are about no project.
PAGING = series("ALERTS", common.FIRING, common.PAGING, 'project_id=~"$project|"')

UNCOUNTED = override(
    common.UNCOUNTED,
    unit="none",
    thresholds=palette.thresholds((palette.Step(None, palette.WARNING),)),
)
ALL_WELL = "all projects"

TRUST = common.trust(
    ("newest read", f"time() - max({common.last_read(JOBS)})"),
    ("oldest portfolio", f"max({common.age(PROJECTS, 'portfolio')})"),
    ("oldest status", f"max({common.age(PROJECTS, 'status')})"),
)

WORTH = line(
    5,
    (
        8,
        stat(
            title="Equity",
            description="""What the chosen projects are worth together, in each account currency;
                currencies are never added up. A stopped project counts with the last equity that
                QuantConnect has for it; projects whose equity is not known now are counted beside
                the sum that lacks them. Source: live/list, equity.""",
            queries=(
                Query(expr=f"sum by (account_currency) ({EQUITY})", legend="{{account_currency}}"),
                Query(expr=common.uncounted(EQUITY, PROJECTS), legend=common.UNCOUNTED),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0),
            size=38,
            show="value_and_name",
            overrides=(UNCOUNTED,),
        ),
    ),
    (
        5,
        stat(
            title="Profit today",
            description="""Change of equity since 00:00 UTC. Deposits and withdrawals are in it.
                Projects whose profit is not known now are counted beside the sum that lacks them.
                Source: live/list, equity.""",
            queries=(
                Query(expr=f"sum by (account_currency) ({PROFIT})", legend="{{account_currency}}"),
                Query(expr=common.uncounted(PROFIT, PROJECTS), legend=common.UNCOUNTED),
            ),
            style=values(unit=common.MONEY_UNIT, decimals=0, thresholds=palette.PROFIT_AND_LOSS),
            size=32,
            show="value_and_name",
            overrides=(UNCOUNTED,),
        ),
    ),
    (
        5,
        stat(
            title="Today, %",
            description="""Change of equity since 00:00 UTC as a share of the equity then. Source:
                live/list, equity.""",
            queries=(
                Query(
                    expr=f"""sum by (account_currency) ({PROFIT})
                        / (sum by (account_currency) ({DAY_OPEN}) > 0)""",
                    legend="{{account_currency}}",
                ),
            ),
            style=values(unit=common.RATIO_UNIT, decimals=2, thresholds=palette.PROFIT_AND_LOSS),
            size=28,
            show="value_and_name",
        ),
    ),
    (
        6,
        stat(
            title="Needs a look",
            description="""Projects that do not run, or whose status is not known, the most serious
                first, at most three. The table below has all. Source: live/list, status.""",
            queries=(
                Query(
                    expr="sort_desc({})".format(
                        named_now(
                            f"topk(3, ({STATUS} >= 0) != {common.RUNNING})",
                        )
                    ),
                    legend="{{project}}",
                ),
                Query(
                    expr=f"""group({STATUS} >= 0)
                        unless on () (({STATUS} >= 0) != {common.RUNNING})""",
                    legend=ALL_WELL,
                ),
            ),
            style=values(unit="none", states=common.STATES),
            size=20,
            show="value_and_name",
        ),
    ),
)

MORE = line(
    4,
    (
        6,
        stat(
            title="Running",
            description="""Projects whose newest deployment is Running, and all that were ever
                deployed, of those chosen. Projects whose status is not known now are counted beside
                both. Source: live/list, status.""",
            queries=(
                Query(
                    expr=f"count({STATUS} == {common.RUNNING}) or count({KNOWN}) * 0",
                    legend="running",
                ),
                Query(expr=f"count({KNOWN})", legend="of"),
                Query(expr=f"count({STATUS} == {common.NO_DATA})", legend=common.UNCOUNTED),
            ),
            style=values(unit="none", decimals=0),
            size=22,
            show="value_and_name",
            overrides=(UNCOUNTED,),
        ),
    ),
    (
        6,
        stat(
            title="Alerts firing",
            description="""Critical and warning alerts of this exporter's rules that fire now, of
                the projects chosen and of the exporter; the table below names them. Source:
                Prometheus, ALERTS.""",
            queries=(Query(expr=f"count({PAGING}) or {common.WATCHED} * 0", legend="firing"),),
            style=values(unit="none", decimals=0, thresholds=rising(warning=1)),
            size=22,
        ),
    ),
    (
        6,
        stat(
            title="Worst drawdown",
            description="""The deepest fall of any chosen project below its highest equity of the
                last 30 days. The table's "Limit used" says how close that is to the project's own
                limit. Source: live/list, equity.""",
            queries=(Query(expr=named_now(f"topk(1, {DRAWDOWN})"), legend="{{project}}"),),
            style=values(unit=common.RATIO_UNIT, decimals=1),
            size=22,
            show="value_and_name",
        ),
    ),
    (
        6,
        stat(
            title="Nearest limit",
            description="""The chosen project that uses most of one of its limits: at 100 % the
                alert fires. Source: live/list, live/portfolio/read and the recording rules.""",
            queries=(
                Query(
                    expr=named_now(
                        f"topk(1, max by (job, project_id) ({common.limits_used(PROJECTS)}))"
                    ),
                    legend="{{project}}",
                ),
            ),
            style=values(
                unit=common.RATIO_UNIT,
                decimals=0,
                thresholds=rising(warning=common.LIMIT_NEAR, critical=common.LIMIT_REACHED),
            ),
            size=22,
            show="value_and_name",
        ),
    ),
)
