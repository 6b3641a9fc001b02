"""Whether everything is well, at a glance."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, PROJECTS, series
from grafana.boards.exporter.scope import AGE_LIMITS, BUDGET_NEEDED, OK, WATCHED_READ_AT
from grafana.builder.grid import line
from grafana.builder.palette import rising
from grafana.builder.panel import stat, values
from grafana.builder.query import Query

HEADLINE = line(
    4,
    (
        4,
        stat(
            title="Exporters up",
            description="""Exporters that Prometheus could scrape, and all that it tries to. Source:
                Prometheus, up.""",
            queries=(
                Query(expr=f"sum({series('up', JOBS)})", legend="up"),
                Query(expr=f"count({series('up', JOBS)})", legend="of"),
            ),
            style=values(unit="none", decimals=0),
            names=True,
        ),
    ),
    (
        4,
        stat(
            title="Reads failing",
            description="""Project and source pairs whose last read failed. What was read before
                stays published until it is too old. Source: the exporter's reads.""",
            queries=(
                Query(
                    expr=f"""count(max by (job, project_id, source)
                        ({series("quantconnect_read_success", PROJECTS)}) == 0) or vector(0)""",
                    legend="failing",
                ),
            ),
            style=values(unit="none", decimals=0, thresholds=rising(warning=1)),
        ),
    ),
    (
        4,
        stat(
            title="Oldest read",
            description="""The longest time since a project's portfolio or status was last read
                well. Coloured from 10 and 30 minutes, where the alerts for stale data begin.
                Source: the exporter's reads.""",
            queries=(
                Query(
                    expr=f"max(time() - max by (job, project_id, source) ({WATCHED_READ_AT}))",
                    legend="age",
                ),
            ),
            style=values(unit="s", decimals=0, thresholds=AGE_LIMITS),
        ),
    ),
    (
        4,
        stat(
            title="Authenticated",
            description="""Whether QuantConnect accepts the account's user id and token. After a
                refusal the exporter waits 15 minutes and more before it tries again. Source:
                authenticate.""",
            queries=(
                Query(
                    expr=f"""min by (account)
                        ({series("quantconnect_api_authenticated", JOBS)})""",
                    legend="{{account}}",
                ),
            ),
            style=values(unit="none", states=OK),
            names=True,
        ),
    ),
    (
        4,
        stat(
            title="Request budget needed",
            description="""Calls that the configured intervals of each account need, as a share of
                requests_per_minute. Above 100 % the exporter stretches its intervals. Source: the
                exporter's schedule.""",
            queries=(Query(expr=BUDGET_NEEDED, legend="{{account}}"),),
            style=values(
                unit="percentunit", decimals=0, thresholds=rising(warning=common.BUDGET_NEEDED)
            ),
            names=True,
        ),
    ),
    (
        4,
        stat(
            title="Configuration",
            description="""Whether the last load of the configuration succeeded; a bad file keeps
                the one that runs. Source: the exporter.""",
            queries=(
                Query(
                    expr="min({})".format(
                        series("quantconnect_exporter_config_last_reload_successful", JOBS)
                    ),
                    legend="loaded",
                ),
            ),
            style=values(unit="none", states=OK),
        ),
    ),
)
