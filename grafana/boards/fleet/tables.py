"""The table of projects, those that need a look on top, and that of firing alerts."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import PROJECTS, limits_used, nearest_limit, series
from grafana.builder import palette
from grafana.builder.palette import State, rising
from grafana.builder.table import Label, Nothing, Sort, Value, table

OPEN_PROJECT = {
    "title": "Open the portfolio of ${__data.fields.project}",
    "url": common.page("quantconnect-portfolio", project="${__data.fields.project_id}"),
}
STATUS = common.status_now(PROJECTS)
REJECTED = State("/^(.*rejected.*)$/", "$1", palette.WARNING)

PROJECTS_TABLE = table(
    title="Projects",
    description="""Each project on a line: first those without data, in error, liquidated and
        stopped, then the one closest to one of its limits. "Limit used" is the largest share that
        drawdown (30 days), loss today, gross leverage, the biggest position or the worst position
        have of the project's limit: at 100 % the alert fires. Open orders are read every 10
        minutes, and are followed by those that were rejected within a day. A project's name opens
        its portfolio. Source: live/list, live/portfolio/read, live/orders/read and the recording
        rules.""",
    by=("job", "project_id"),
    # Statuses that need a look have the larger numbers; a limit is rarely used ten times.
    sort=Sort(title="Order"),
    columns=(
        Value(
            ref="name",
            title="Name",
            expr=series(common.LAST_READ, PROJECTS),
            brings=("project",),
            hidden=True,
        ),
        Value(
            ref="order",
            title="Order",
            expr=f"""10 * ({STATUS} != {common.RUNNING})
                + on (job, project_id) max by (job, project_id) ({limits_used(PROJECTS)})
                or 10 * ({STATUS} != {common.RUNNING})
                or max by (job, project_id) ({limits_used(PROJECTS)})
                or {STATUS} * 0""",
            hidden=True,
        ),
        Label(name="project", title="Project", link=OPEN_PROJECT, least=230),
        Label(name="project_id", title="Project id", hidden=True),
        Value(ref="status", title="Status", width=95, expr=STATUS, states=common.STATES),
        Value(
            ref="profit",
            width=80,
            title="Today",
            expr=series("project:quantconnect_profit:today", PROJECTS),
            unit=common.MONEY_UNIT,
            decimals=0,
            thresholds=palette.PROFIT_AND_LOSS,
        ),
        Value(
            ref="profit_ratio",
            width=75,
            title="Today %",
            expr=series("project:quantconnect_profit_ratio:today", PROJECTS),
            unit=common.RATIO_UNIT,
            decimals=2,
            thresholds=palette.PROFIT_AND_LOSS,
        ),
        Value(
            ref="limit",
            width=85,
            title="Limit used",
            expr=nearest_limit(PROJECTS),
            brings=("limit",),
            unit=common.RATIO_UNIT,
            decimals=0,
            thresholds=rising(warning=common.LIMIT_NEAR, critical=common.LIMIT_REACHED),
        ),
        Value(
            ref="equity",
            width=90,
            title="Equity",
            expr=common.live_equity(PROJECTS),
            brings=("account_currency",),
            unit=common.MONEY_UNIT,
            decimals=0,
        ),
        Label(name="account_currency", title="Currency", width=80),
        Value(
            ref="age",
            width=80,
            title="Data age",
            expr=common.age(PROJECTS, "portfolio"),
            unit="s",
            decimals=0,
            thresholds=common.AGES,
        ),
        Value(
            ref="drawdown",
            width=90,
            title="Drawdown",
            expr=series("project:quantconnect_drawdown_30d:ratio", PROJECTS),
            unit=common.RATIO_UNIT,
            decimals=1,
        ),
        Value(
            ref="leverage",
            width=80,
            title="Leverage",
            expr=series("project:quantconnect_leverage_gross:ratio", PROJECTS),
            decimals=2,
        ),
        Value(
            ref="orders",
            title="Orders",
            expr=common.orders_in_words(PROJECTS),
            brings=("orders",),
            hidden=True,
        ),
        Label(name="orders", title="Open orders", width=120, texts=(REJECTED,)),
        Value(
            ref="fill",
            width=80,
            title="Last fill",
            expr="time() - {}".format(
                series("quantconnect_live_last_fill_timestamp_seconds", PROJECTS)
            ),
            unit="s",
            decimals=0,
        ),
        Value(
            ref="weight",
            width=90,
            title="Top weight",
            expr=series("project:quantconnect_weight_top1:ratio", PROJECTS),
            unit=common.RATIO_UNIT,
            decimals=0,
        ),
        Value(
            ref="cash",
            width=65,
            title="Cash",
            expr=series("project:quantconnect_cash:ratio", PROJECTS),
            unit=common.RATIO_UNIT,
            decimals=0,
        ),
        Value(
            ref="positions",
            width=80,
            title="Positions",
            expr=series("quantconnect_holdings", PROJECTS),
            decimals=0,
        ),
        Label(name="limit", title="Limit", width=125, states=common.LIMITS),
    ),
)

SEVERITY = (
    palette.State("critical", "critical", palette.CRITICAL),
    palette.State("warning", "warning", palette.WARNING),
    palette.State("info", "info", palette.MUTED),
)
FIRING = series("ALERTS", common.FIRING, 'project_id=~"$project|"')

ALERTS = table(
    title="Firing alerts",
    description="""Alerts of this exporter's rules that fire at the end of the time range, of the
        projects chosen and of the exporter itself, critical ones first. Source: Prometheus,
        ALERTS.""",
    by=("severity", "alertname", "project", "symbol", "account", "instance"),
    sort=Sort(title="Order"),
    nothing=Nothing(
        label="alertname",
        text="No alert is firing",
        expr=f"{common.WATCHED} unless on () {FIRING}",
    ),
    columns=(
        Label(name="severity", title="Severity", width=90, states=SEVERITY),
        Label(name="alertname", title="Alert", width=330),
        Label(name="project", title="Project", width=230),
        Label(name="symbol", title="Symbol", width=200),
        Label(name="account", title="Account", width=120),
        Label(name="instance", title="Instance"),
        Value(
            ref="firing",
            title="Order",
            expr=" or ".join(
                "{} * 0 + {}".format(
                    series(
                        "ALERTS",
                        common.FIRING,
                        f'severity="{severity.value}"',
                        'project_id=~"$project|"',
                    ),
                    3 - place,
                )
                for place, severity in enumerate(SEVERITY)
            ),
            hidden=True,
        ),
    ),
)
