"""How the reading of each project goes."""

from __future__ import annotations

from grafana.boards.common import PROJECTS, series
from grafana.boards.exporter.scope import AGE_LIMITS, OK, READ_AT
from grafana.builder import palette
from grafana.builder.panel import timeseries, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table

READS = table(
    title="Reads by project",
    description="""The last read of each source of each project, the oldest first: whether it
        succeeded, how old its data are, at which interval it is read and how long that took.
        Source: the exporter's reads.""",
    sort=Sort(title="Age"),
    columns=(
        Label(name="project", title="Project"),
        Label(name="project_id", title="Project id", width=110),
        Label(name="source", title="Source", width=100),
        *(
            Value(
                ref=ref,
                title=title,
                expr=f"max by (job, project, project_id, source) ({expr})",
                unit=unit,
                decimals=decimals,
                thresholds=limits,
                states=states,
            )
            for ref, title, expr, unit, decimals, limits, states in (
                (
                    "success",
                    "Last read",
                    series("quantconnect_read_success", PROJECTS),
                    "none",
                    0,
                    palette.PLAIN,
                    OK,
                ),
                ("age", "Age", f"time() - {READ_AT}", "s", 0, AGE_LIMITS, ()),
                (
                    "interval",
                    "Interval",
                    series("quantconnect_read_interval_seconds", PROJECTS),
                    "s",
                    0,
                    palette.PLAIN,
                    (),
                ),
                (
                    "duration",
                    "Duration",
                    series("quantconnect_read_duration_seconds", PROJECTS),
                    "s",
                    2,
                    palette.PLAIN,
                    (),
                ),
            )
        ),
    ),
)

AGE = timeseries(
    title="Age of the last good read",
    description="""A saw-tooth up to the interval is health; a line that climbs is a source that
        can't be read. Dashed: where the alerts for stale data begin. Source: the exporter's
        reads.""",
    queries=(
        Query(
            expr=f"time() - max by (job, project, project_id, source) ({READ_AT})",
            legend="{{project}} {{source}}",
        ),
    ),
    style=values(unit="s", thresholds=AGE_LIMITS, limits=(0, None), by_series=True),
    limit_lines=True,
    legend=("max",),
)
