"""How the reading of each project goes."""

from __future__ import annotations

from grafana.boards.common import PROJECTS, series
from grafana.boards.exporter.scope import AGE_LIMITS, OK, WATCHED_READ_AT
from grafana.builder.panel import timeseries, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table


def _latest(name: str) -> str:
    """`quantconnect_read_<name>`, the largest where two exporters read one project."""
    metric = series(f"quantconnect_read_{name}", PROJECTS)
    return f"max by (job, project, project_id, source) ({metric})"


READS = table(
    title="Reads by project",
    description="""The last read of each source of each project, the oldest first: whether it
        succeeded, how old its data are, at which interval it is read and how long that took.
        Source: the exporter's reads.""",
    sort=Sort(title="Age"),
    columns=(
        Label(name="project", title="Project"),
        Label(name="project_id", title="Project id", width=100),
        Label(name="source", title="Source", width=90),
        Value(ref="success", title="Last read", width=90, expr=_latest("success"), states=OK),
        Value(
            ref="age",
            title="Age",
            width=80,
            expr=f"time() - {_latest('last_success_timestamp_seconds')}",
            unit="s",
            decimals=0,
            thresholds=AGE_LIMITS,
        ),
        Value(
            ref="interval",
            title="Interval",
            width=85,
            expr=_latest("interval_seconds"),
            unit="s",
            decimals=0,
        ),
        Value(
            ref="duration",
            title="Duration",
            width=85,
            expr=_latest("duration_seconds"),
            unit="s",
            decimals=2,
        ),
    ),
)

AGE = timeseries(
    title="Age of the last good read",
    description="""Of each project's portfolio or status, whichever is older. A saw-tooth up to the
        interval is health; a line that climbs can't be read. Dashed: where the alerts for stale
        data begin. Source: the exporter's reads.""",
    queries=(
        Query(
            expr=f"""max by (job, project, project_id) (
                time() - max by (job, project, project_id, source) ({WATCHED_READ_AT}))""",
            legend="{{project}}",
        ),
    ),
    style=values(unit="s", thresholds=AGE_LIMITS, limits=(0, None), by_series=True),
    limit_lines=True,
    legend=("max",),
    legend_right=True,
)
