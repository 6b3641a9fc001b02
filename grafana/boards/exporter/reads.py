"""The reading of each project."""

from __future__ import annotations

from grafana.boards.common import AGES, LAST_READ, PROJECTS, each_project, named, series
from grafana.boards.exporter.scope import OK, SUCCESS
from grafana.builder.panel import timeseries, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table


def _read(name: str) -> str:
    return series(f"quantconnect_read_{name}", PROJECTS)


READS = table(
    title="Reads by project",
    description="""The last read of each source of each project, the oldest first: whether it
        succeeded, how old its data are, at which interval it is read and how long that took.
        Source: the exporter's reads.""",
    by=("job", "project_id", "source"),
    sort=Sort(title="Age"),
    columns=(
        # Two queries that last as long as the ages do: see `table` for why one is not enough.
        Value(
            ref="name",
            title="Name",
            expr=series(LAST_READ, PROJECTS),
            brings=("project",),
            hidden=True,
        ),
        Label(name="project", title="Project", least=200),
        Label(name="source", title="Source", width=110),
        Value(ref="success", title="Last read", width=90, expr=SUCCESS, states=OK),
        Value(
            ref="age",
            title="Age",
            width=80,
            expr=f"time() - {series(LAST_READ, PROJECTS)}",
            unit="s",
            decimals=0,
            thresholds=AGES,
        ),
        Value(
            ref="interval",
            title="Interval",
            width=85,
            expr=_read("interval_seconds"),
            unit="s",
            decimals=0,
        ),
        Value(
            ref="duration",
            title="Duration",
            width=85,
            expr=_read("duration_seconds"),
            unit="s",
            decimals=2,
        ),
        Label(name="project_id", title="Project id", width=100),
    ),
)

READ_AGE = series(
    "project:quantconnect_read_age_seconds:min", PROJECTS, 'source=~"portfolio|status"'
)
OLDEST = f"max_over_time({READ_AGE}[$__rate_interval])"
AGE = timeseries(
    title="Age of the last good read",
    description="""The oldest that each project's portfolio or status became in each interval of the
        graph. A level line near the interval of the reads is health; one that climbs belongs to a
        project that cannot be read. Dashed: where the alerts for stale
        data begin. Source: the exporter's reads.""",
    queries=(
        Query(
            expr=each_project(named(f"max by (job, project_id) ({OLDEST})")),
            legend="{{project}}",
        ),
    ),
    style=values(unit="s", thresholds=AGES, limits=(0, None), by_series=True),
    limit_lines=True,
    legend=("max",),
    legend_right=True,
)
