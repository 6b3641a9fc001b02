"""The state of everything, at a glance."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, PROJECTS, series
from grafana.boards.exporter.scope import BUDGET_NEEDED, OK, SUCCESS
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import rising
from grafana.builder.panel import override, stat, values
from grafana.builder.query import Query

NEWEST = f"time() - max({common.last_read(JOBS)})"
OLDEST = f"max({common.age(PROJECTS, 'portfolio|status')})"
TRUST = common.trust(("newest read", NEWEST), ("oldest read", OLDEST))

HEADLINE = line(
    4,
    (
        4,
        stat(
            title="Exporters up",
            description="""Exporters that Prometheus could scrape, and those that it could not.
                Source: Prometheus, up.""",
            queries=(
                Query(expr=f"sum({series('up', JOBS)})", legend="up"),
                Query(
                    expr="count({0} == 0) or count({0}) * 0".format(series("up", JOBS)),
                    legend="down",
                ),
            ),
            style=values(unit="none", decimals=0),
            size=30,
            show="value_and_name",
            overrides=(override("down", thresholds=palette.thresholds(rising(critical=1))),),
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
                        ({SUCCESS}) == 0)
                        or group({SUCCESS}) * 0""",
                    legend="failing",
                ),
            ),
            style=values(unit="none", decimals=0, thresholds=rising(warning=1)),
            size=30,
        ),
    ),
    (
        4,
        stat(
            title="Oldest read",
            description="""The longest time since a project's portfolio or status was last read
                well. Coloured from 10 and 30 minutes, where the alerts for stale data begin.
                Source: the exporter's reads.""",
            queries=(Query(expr=OLDEST, legend="age"),),
            style=values(unit="s", decimals=0, thresholds=common.AGES),
            size=30,
        ),
    ),
    (
        4,
        stat(
            title="Authenticated",
            description=""""OK" while QuantConnect accepts the account's user id and token. After a
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
            size=30,
            show="value_and_name",
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
            size=30,
            show="value_and_name",
        ),
    ),
    (
        4,
        stat(
            title="Configuration",
            description=""""OK" if the last load of the configuration succeeded; a bad file keeps
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
            size=30,
        ),
    ),
)
