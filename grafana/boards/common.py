"""Parts that the dashboards share: variables, scopes, limits, links and ways to ask."""

from __future__ import annotations

from typing import Any

from grafana.builder import palette
from grafana.builder.dashboard import Link
from grafana.builder.grid import Line, line
from grafana.builder.palette import State, on_background, rising, thresholds
from grafana.builder.panel import override, stat, values
from grafana.builder.query import Query
from grafana.builder.variable import Variable

# Matchers of the projects chosen: several on the fleet's page, one on a project's own.
JOBS = 'job=~"$job"'
PROJECTS = f'{JOBS},project_id=~"$project"'
PROJECT = f'{JOBS},project_id="$project"'

FIRING = 'alertname=~"QuantConnect.+",alertstate="firing",severity!="none"'
PAGING = 'severity=~"critical|warning"'

# When each source of each project was last read, with the project's name. The record stays while
# the exporter is silent, so that an age made of it grows.
LAST_READ = "project:quantconnect_read_last_success_timestamp_seconds:last"
# There while Prometheus evaluates our rules and scrapes every exporter: only then does the absence
# of an alert mean that all is well.
WATCHED = f'(group(ALERTS{{alertname="QuantConnectWatchdog"}}) unless on () up{{{JOBS}}} == 0)'

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

AGES = rising(warning=STALE_WARNING, critical=STALE_CRITICAL)

LIMITS = (
    State("max_drawdown", "Drawdown", palette.CALM),
    State("max_daily_loss", "Daily loss", palette.CALM),
    State("max_gross_leverage", "Gross leverage", palette.CALM),
    State("max_position_weight", "Position weight", palette.CALM),
    State("max_position_loss", "Position loss", palette.CALM),
)

# The numbers of project:quantconnect_live_status:code, and what `status_now` adds to them.
RUNNING, NO_DATA, NEVER_DEPLOYED = 1, 5, -1
STATES = (
    State(f"{NO_DATA}", "No data", palette.WARNING),
    State("4", "Error", palette.CRITICAL),
    State("3", "Liquidated", palette.PURPLE),
    State("2", "Stopped", palette.WARNING),
    State(f"{RUNNING}", "Running", palette.GAIN),
    State("0", "Starting or unknown", palette.MUTED),
    State(f"{NEVER_DEPLOYED}", "Never deployed", palette.MUTED),
)


# A dashed line, in whatever colour, without area or stacking.
LIMIT_LINE: dict[str, Any] = {
    "custom__fillOpacity": 0,
    "custom__lineStyle": {"fill": "dash", "dash": [8, 8]},
    "custom__stacking": {"group": "A", "mode": "none"},
}


def series(name: str, *matchers: str) -> str:
    """`series("up", JOBS)` is `up{job=~"$job"}`."""
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def named(expr: str) -> str:
    """`expr`, which has job and project_id, with the project's name for people to read."""
    info = series("project:quantconnect_project_info:current", JOBS)
    return f"({expr}) * on (job, project_id) group_left (project) {info}"


def each_project(expr: str) -> str:
    """`expr`, which has the project's name, with a line for every project, in one order.

    Grafana colours the lines of a graph in their order. With a line for those that have no value,
    a project has the same colour on all of them.
    """
    info = series("project:quantconnect_project_info:current", PROJECTS)
    names = f"max by (job, project_id, project) ({info})"
    return f"max by (job, project_id, project) ({expr}) or {names} * NaN"


def named_now(expr: str) -> str:
    """The same for the present, where a project may be one that is not published any more."""
    names = f"max by (job, project_id, project) ({series(LAST_READ, JOBS)})"
    return f"({expr}) * on (job, project_id) group_left (project) ({names} * 0 + 1)"


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


def equity_over_time(scope: str) -> str:
    """Equity of each project, and the record where there is no raw sample.

    The two differ in a past that was backfilled, where the points of the raw series are up to some
    days apart and the record holds each until the next. Where the exporter ran, there is a record
    only next to a raw sample.
    """
    record = series("project:quantconnect_live_equity:max", scope)
    return f"({live_equity(scope)} or max by (job, project_id, account_currency) ({record}))"


def limit(name: str) -> str:
    """The limit in force of the project chosen: its own, else the rules' default."""
    effective = series("project:quantconnect_project_limit:effective", PROJECT, f'limit="{name}"')
    return f"max by (job, project_id) ({effective})"


def limits_used(scope: str, name: str = ".+") -> str:
    """How much of each limit each project uses, or of one: 1 is where the limit's alert fires."""
    used = series("project:quantconnect_limit_used:ratio", scope, f'limit=~"{name}"')
    return f"max by (job, project_id, limit) ({used})"


def nearest_limit(scope: str) -> str:
    """Of each project's limits the one that it uses most."""
    return f"topk by (job, project_id) (1, {limits_used(scope)})"


def last_read(scope: str, source: str = ".+") -> str:
    """When each project's sources were last read, in unix seconds; none that has nothing to read.

    An exporter, Prometheus's scrapes or QuantConnect may have been silent since.
    """
    matcher = f'source=~"{source}"'
    never = series("project:quantconnect_never_deployed:info", scope)
    read = per_project(series(LAST_READ, scope, matcher))
    return f"({read} unless on (job, project_id) {never})"


def age(scope: str, source: str) -> str:
    """Seconds since each project's source was last read."""
    return f"time() - {last_read(scope, source)}"


def status_now(scope: str) -> str:
    """The status of each project as a number of STATES; "No data" where it is too old to say."""
    code = series("project:quantconnect_live_status:code", scope)
    never = series("project:quantconnect_never_deployed:info", scope)
    old = f"{age(scope, 'status')} > {STALE_CRITICAL:.0f}"
    return f"""(
      {per_project(code)} unless on (job, project_id) ({old})
      or {per_project(never)} * 0 + {NEVER_DEPLOYED}
      or {per_project(series(LAST_READ, scope))} * 0 + {NO_DATA}
    )"""


NOT_READ = "Not read"


def orders(scope: str, *matchers: str) -> str:
    """Orders of each project's newest deployment by status."""
    found = series("quantconnect_live_orders", scope, *matchers)
    return f"max by (job, project_id, status) ({found})"


def open_orders(scope: str) -> str:
    """How many orders of each project are neither filled nor canceled nor rejected."""
    still = orders(scope, 'status!~"filled|canceled|invalid"')
    return f"sum by (job, project_id) ({still})"


def rejected_orders(scope: str) -> str:
    """How many orders of each project were rejected within a day, as far as that was watched.

    A new deployment begins again at 0, so the least of the day is what there was before.
    """
    found = series("quantconnect_live_orders", scope, 'status="invalid"')
    return per_project(f"{found} - min_over_time({found}[1d])")


def orders_in_words(scope: str) -> str:
    """A 1 for each project, with its open orders in the label `orders`: "3, 2 rejected".

    A table's column is coloured by its own value only, so what is rejected must stand in it. An
    age is said where it is more than half an hour, as it is where intervals are stretched.
    """
    opened = open_orders(scope)
    minutes = f"floor(({age(scope, 'orders')}) / 60) > {STALE_CRITICAL / 60:.0f}"
    none = f"group by (job, project_id) ({opened})"

    def words(name: str, value: str, text: str) -> str:
        counted = f'count_values by (job, project_id) ("{name}", {value})'
        replaced = f'label_replace({counted}, "{name}", "{text}", "{name}", "(.+)")'
        return f"({replaced} or on (job, project_id) {none})"

    return f"""label_join(
      {words("open", opened, "$1")}
      * on (job, project_id) group_left (rejected)
      {words("rejected", f"{rejected_orders(scope)} > 0", ", $1 rejected")}
      * on (job, project_id) group_left (old)
      {words("old", minutes, ", $1 min old")},
      "orders", "", "open", "rejected", "old")"""


def log_lines(scope: str) -> str:
    """Lines in each project's log by the query that they match."""
    return f"max by (job, project_id, query) ({series('quantconnect_live_log_lines', scope)})"


def indexed(metric: str, *labels: str) -> str:
    """`metric` of each project as a percentage of its first value in the range.

    That is its value at the start of the range; or where it begins later, at the only moment before
    which there is none as far back as the range is long.
    """
    by = ", ".join(("job", "project_id", *labels))
    return f"""100 * max by ({by}) ({metric}) / (
      max by ({by}) (last_over_time({metric}[1h] @ start()))
      or
      max by ({by}) (
        max_over_time(
          ({metric} unless last_over_time({metric}[$__range] offset $__interval))
          [$__range:$__interval] @ end()
        )
      )
    )"""


def uncounted(value: str, scope: str) -> str:
    """How many projects a sum of `value` leaves out, if it leaves any out."""
    return f"count({last_read(scope)} unless on (job, project_id) {value}) > 0"


UNCOUNTED = "not counted"


def trust(*ages: tuple[str, str]) -> Line:
    """The first line of a dashboard: by what age its numbers are old, and if exporters are down.

    `ages` are names and expressions in seconds. The line is coloured from 10 and 30 minutes on.
    """
    up = series("up", JOBS)
    queries = (
        *(Query(expr=expr, legend=legend) for legend, expr in ages),
        Query(expr=f"count({up} == 0) or count({up}) * 0", legend="exporters down"),
    )
    return line(
        3,
        (
            24,
            stat(
                title="Age of what is shown",
                description="""How long ago the numbers on this page were last read from
                    QuantConnect, whose own snapshot can be some ten minutes older still. Orange
                    from 10 minutes and vermillion from 30, where the alerts for stale data begin.
                    The ages go on while nothing is read, whatever the reason. Source: the
                    exporter's reads, and Prometheus, up.""",
                queries=queries,
                style=values(unit="s", decimals=0, thresholds=on_background(AGES)),
                size=18,
                show="value_and_name",
                background=True,
                overrides=(
                    override(
                        "exporters down",
                        unit="none",
                        thresholds=thresholds(on_background(rising(critical=1))),
                    ),
                ),
            ),
        ),
    )


def page(uid: str, **variables: str) -> str:
    """The address of another dashboard with this one's time range, data source and job."""
    return f"/d/{uid}?${{__url_time_range}}&{_chosen(**variables)}"


def links(uid: str) -> tuple[Link, ...]:
    """Links at the top of a dashboard to the others, which keep what all of them share."""
    return tuple(
        Link(title=title, url=f"/d/quantconnect-{name}?{_chosen()}")
        for name, title in (
            ("fleet", "Fleet"),
            ("portfolio", "Portfolio"),
            ("symbol", "Symbol"),
            ("exporter", "Exporter"),
        )
        if uid != f"quantconnect-{name}"
    )


def _chosen(**variables: str) -> str:
    chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
    return f"${{datasource:queryparam}}&${{job:queryparam}}{chosen}"


def job() -> Variable:
    return Variable(
        name="job",
        label="Job",
        query="label_values(quantconnect_exporter_build_info, job)",
        all_value=".+",
        description="The scrape jobs whose exporters are shown.",
    )


def project(*, several: bool) -> Variable:
    """The projects by name; what is selected is the id, since two may share a name.

    Where one is chosen, the project with the most positions comes first: it is what the dashboard
    opens on.
    """
    info = series("quantconnect_project_info", JOBS)
    ever = f"""max by (project, project_id)
        ({series(LAST_READ, JOBS)} or {info} or last_over_time({info}[$__range:1h]))"""
    positions = f"max by (project, project_id) ({series('quantconnect_holdings', JOBS)})"
    query = ever if several else f"sort_desc({positions} or {ever} * 0 - 1)"
    return Variable(
        name="project",
        label="Project",
        query=f"query_result({query})",
        pattern=r'/project="(?<text>.*?)",\s*project_id="(?<value>[^"]+)"/',
        all_value=".+" if several else "",
        description="QuantConnect projects seen in the time range.",
        as_answered=not several,
    )


def account_currency() -> Variable:
    """The currency of the one project chosen."""
    equity = series("quantconnect_live_equity", PROJECT)
    return Variable(
        name="account_currency",
        label="Account currency",
        query=f"label_values({equity}, account_currency)",
        description="The project's own; amounts of different currencies are never added up.",
        hidden=True,
    )
