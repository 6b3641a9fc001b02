"""The table of projects, the worst first, and that of firing alerts."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import MONEY, PROJECTS, limits_used, per_project, series
from grafana.builder import palette
from grafana.builder.palette import rising
from grafana.builder.table import Label, Sort, Value, table

OPEN_PROJECT = {
    "title": "Open the portfolio of ${__data.fields.project}",
    "url": common.page("quantconnect-portfolio", project="${__data.fields.project_id}"),
}

NEWEST_STATUS = series("project:quantconnect_live_status:newest", PROJECTS)
ANY_LIMIT = " or ".join(limits_used(MONEY).values())

PROJECTS_TABLE = table(
    title="Projects",
    description="""Each project on a line, the one closest to one of its limits first. "Limit used"
        is the largest share that drawdown (30 days), loss today, gross leverage, the biggest
        position or the worst position have of the project's limit: at 100 % the alert fires.
        A project's name opens its portfolio. Source: live/list, live/portfolio/read and the
        recording rules.""",
    sort=Sort(title="Limit used"),
    columns=(
        Label(name="project", title="Project", link=OPEN_PROJECT),
        Label(name="project_id", title="Project id", hidden=True),
        Value(
            ref="name",
            title="Name",
            expr=series("project:quantconnect_project_info:current", PROJECTS),
            hidden=True,
        ),
        Label(name="status", title="Status", width=110, states=common.STATUS_TEXT),
        Value(
            ref="status",
            title="Status value",
            expr=f"{NEWEST_STATUS} == 1",
            hidden=True,
        ),
        Value(
            ref="equity",
            width=110,
            title="Equity",
            expr=common.live_equity(MONEY),
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Label(name="account_currency", title="Currency", width=80),
        Value(
            ref="profit",
            width=110,
            title="Profit today",
            expr=per_project(series("project:quantconnect_profit:today", MONEY)),
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=palette.PROFIT_AND_LOSS,
        ),
        Value(
            ref="profit_ratio",
            width=85,
            title="Today %",
            expr=per_project(series("project:quantconnect_profit_ratio:today", MONEY)),
            unit=common.RATIO_UNIT,
            decimals=2,
            thresholds=palette.PROFIT_AND_LOSS,
        ),
        Value(
            ref="limit",
            width=95,
            title="Limit used",
            expr=f"""topk by (job, project_id) (1,
                max by (job, project_id, limit) ({ANY_LIMIT}))""",
            unit=common.RATIO_UNIT,
            decimals=0,
            thresholds=rising(warning=common.LIMIT_NEAR, critical=common.LIMIT_REACHED),
        ),
        Label(name="limit", title="Limit", width=130, states=common.LIMITS),
        Value(
            ref="drawdown",
            width=95,
            title="Drawdown",
            expr=per_project(series("project:quantconnect_drawdown_30d:ratio", MONEY)),
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
        Value(
            ref="leverage",
            width=120,
            title="Gross leverage",
            expr=per_project(series("project:quantconnect_leverage_gross:ratio", MONEY)),
            decimals=2,
        ),
        Value(
            ref="cash",
            width=95,
            title="Cash share",
            expr=per_project(series("project:quantconnect_cash:ratio", MONEY)),
            unit=common.RATIO_UNIT,
            decimals=0,
        ),
        Value(
            ref="weight",
            width=120,
            title="Biggest weight",
            expr=per_project(series("project:quantconnect_weight_top1:ratio", MONEY)),
            unit=common.RATIO_UNIT,
            decimals=0,
        ),
        Value(
            ref="positions",
            width=85,
            title="Positions",
            expr=per_project(series("quantconnect_holdings", PROJECTS)),
            decimals=0,
        ),
        Value(
            ref="age",
            width=85,
            title="Data age",
            expr=common.data_age(PROJECTS),
            unit="s",
            decimals=0,
            thresholds=rising(warning=common.STALE_WARNING, critical=common.STALE_CRITICAL),
        ),
    ),
)

ALERTS = table(
    title="Firing alerts",
    description="""Alerts of this exporter's rules that fire at the end of the time range, of all
        projects and of the exporter itself. Source: Prometheus, ALERTS.""",
    sort=Sort(title="Severity", descending=False),
    no_value="No alert is firing",
    columns=(
        Label(
            name="severity",
            title="Severity",
            width=110,
            states=(
                palette.State("critical", "critical", palette.CRITICAL),
                palette.State("warning", "warning", palette.WARNING),
                palette.State("info", "info", palette.MUTED),
            ),
        ),
        Label(name="alertname", title="Alert", width=320),
        Label(name="project", title="Project"),
        Label(name="project_id", title="Project id", hidden=True),
        Label(name="symbol", title="Symbol"),
        Label(name="account", title="Account"),
        Label(name="instance", title="Instance"),
        Value(
            ref="firing",
            title="Firing",
            expr=series("ALERTS", common.FIRING),
            hidden=True,
        ),
    ),
)
