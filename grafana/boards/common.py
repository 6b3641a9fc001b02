"""What the dashboards share: variables, scopes, limits, links and ways to ask."""

from __future__ import annotations

from typing import Any

from grafana.builder import palette
from grafana.builder.palette import State
from grafana.builder.variable import Variable

# Matchers of the projects chosen: several on the fleet's page, one on a project's own.
JOBS = 'job=~"$job"'
PROJECTS = f'{JOBS},project_id=~"$project"'
MONEY = f'{PROJECTS},account_currency=~"$account_currency"'
PROJECT = f'{JOBS},project_id="$project"'

FIRING = 'alertname=~"QuantConnect.+",alertstate="firing"'

# The rules' thresholds. A project's own limits are recorded with these defaults filled in, so
# panels show how much of the limit in force is used, and turn where the alert fires: at 1.
LIMIT_REACHED = 1.0
LIMIT_NEAR = 0.8
STALE_WARNING = 600.0
STALE_CRITICAL = 1800.0
BUDGET_NEEDED = 1.0
CLOCK_SKEW = 60.0

MONEY_UNIT = "locale"  # a plain number with separators: the currency is in the name or title
RATIO_UNIT = "percentunit"
# The most decimals of prices and quantities: forex and crypto need them; trailing zeros are not
# written.
FINE = 8

LIMITS = (
    State("max_drawdown", "Drawdown", palette.CALM),
    State("max_daily_loss", "Daily loss", palette.CALM),
    State("max_gross_leverage", "Gross leverage", palette.CALM),
    State("max_position_weight", "Position weight", palette.CALM),
    State("max_position_loss", "Position loss", palette.CALM),
)

STATUS_TEXT = (
    State("Running", "Running", palette.CALM),
    *(State(name, name, palette.WARNING) for name in ("Stopped", "Completed", "Deleted")),
    State("Liquidated", "Liquidated", palette.CRITICAL),
    State("RuntimeError", "Runtime error", palette.CRITICAL),
    State("DeployError", "Deploy error", palette.CRITICAL),
    State("Invalid", "Invalid", palette.CRITICAL),
)


STATES = (
    State("4", "Error", palette.CRITICAL),
    State("3", "Liquidated", palette.PURPLE),
    State("2", "Stopped", palette.WARNING),
    State("1", "Running", palette.GAIN),
    State("0", "Starting or unknown", palette.MUTED),
)


# A dashed line, in whatever colour, without area or stacking.
LIMIT_LINE: dict[str, Any] = {
    "custom__fillOpacity": 0,
    "custom__lineStyle": {"fill": "dash", "dash": [8, 8]},
    "custom__stacking": {"group": "A", "mode": "none"},
}


def series(name: str, *matchers: str) -> str:
    """`series("up", JOBS)` is `up{job=~"$job"}`."""
    return f"{name}{{{','.join(matchers)}}}"


def named(expr: str) -> str:
    """`expr`, which has job and project_id, with the project's name for people to read."""
    info = series("project:quantconnect_project_info:current", JOBS)
    return f"({expr}) * on (job, project_id) group_left (project) {info}"


def symbols(expr: str) -> str:
    """`expr`, which has job, project_id and symbol_id, with the symbol for people to read."""
    info = series("holding:quantconnect_holding_info:current", JOBS)
    return f"({expr}) * on (job, project_id, symbol_id) group_left (symbol) {info}"


def unless_unread(total: str, value: str, *, held: str, on: str) -> str:
    """`total`, but not while something that is `held` has no `value`: it would be wrong then."""
    return f"{total} unless on () ({held} unless on ({on}) {value})"


def per_project(expr: str) -> str:
    """One value for each project, even where two exporters publish it."""
    return f"max by (job, project_id) ({expr})"


def live_equity(scope: str) -> str:
    """Equity of each project, once even where two exporters publish it.

    The raw series, so that it is drawn for the time before the rules were loaded as well.
    """
    equity = series("quantconnect_live_equity", scope)
    return f"max by (job, project_id, account_currency) ({equity})"


def limit(name: str) -> str:
    """The limit in force of the project chosen: its own, else the rules' default."""
    effective = series("project:quantconnect_project_limit:effective", PROJECT, f'limit="{name}"')
    return f"max by (job, project_id) ({effective})"


def limits_used(scope: str) -> dict[str, str]:
    """How much of each limit a project uses: 1 is where the alert of the limit fires."""

    def share(name: str, expr: str) -> str:
        effective = series("project:quantconnect_project_limit:effective", JOBS, f'limit="{name}"')
        return f"({expr}) / on (job, project_id) group_left (limit) ({effective} > 0)"

    def recorded(name: str) -> str:
        return series(f"project:quantconnect_{name}", scope)

    pnl = series("holding:quantconnect_holding_unrealized_pnl:max", scope)
    equity = series("project:quantconnect_live_equity:max", scope)
    worst_position = f"""
        min by (job, project_id, account_currency) (
          {pnl} / on (job, project_id, account_currency) group_left () ({equity} > 0)
        )"""
    uses = {
        "max_drawdown": recorded("drawdown_30d:ratio"),
        "max_daily_loss": f"clamp_min(-{recorded('profit_ratio:today')}, 0)",
        "max_gross_leverage": recorded("leverage_gross:ratio"),
        "max_position_weight": recorded("weight_top1:ratio"),
        "max_position_loss": f"clamp_min(-{worst_position}, 0)",
    }
    return {name: share(name, expr) for name, expr in uses.items()}


def status_code(scope: str) -> str:
    """The status of each project as a number of STATES; the worst where two exporters differ."""

    def code(status: str, value: int) -> str:
        live = series("quantconnect_live_status", scope, f'status=~"{status}"')
        return f"(max by (job, project_id, project) ({live} == 1) * 0 + {value})"

    return " or ".join(
        (
            code("RuntimeError|DeployError|Invalid", 4),
            code("Liquidated", 3),
            code("Stopped|Completed|Deleted", 2),
            code("Running", 1),
            code(".*", 0),
        )
    )


def data_age(scope: str) -> str:
    """Seconds since each project's portfolio was last read well."""
    read = series("quantconnect_read_last_success_timestamp_seconds", scope, 'source="portfolio"')
    return f"time() - max by (job, project_id) ({read})"


def page(uid: str, **variables: str) -> str:
    """The address of another dashboard with this one's time range, data source and job."""
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"/d/{uid}?${{__url_time_range}}&${{datasource:queryparam}}&${{job:queryparam}}{chosen}"


def job() -> Variable:
    return Variable(
        name="job",
        label="Job",
        query="label_values(quantconnect_exporter_build_info, job)",
        all_value=".+",
        description="The scrape jobs whose exporters are shown.",
    )


def project(*, several: bool) -> Variable:
    """The projects by name; what is selected is the id, since two may share a name."""
    info = series("quantconnect_project_info", JOBS)
    return Variable(
        name="project",
        label="Project",
        query=f"query_result(max by (project, project_id) (last_over_time({info}[$__range])))",
        pattern=r'/project="(?<text>.*?)",\s*project_id="(?<value>[^"]+)"/',
        all_value=".+" if several else "",
        description="QuantConnect projects seen in the time range.",
    )


def account_currency(*, several: bool) -> Variable:
    scope = PROJECTS if several else PROJECT
    cash = series("quantconnect_cash_value", scope)
    return Variable(
        name="account_currency",
        label="Account currency",
        query=f"label_values({cash}, account_currency)",
        all_value=".*" if several else "",
        description="Amounts of different account currencies are never added up.",
    )
