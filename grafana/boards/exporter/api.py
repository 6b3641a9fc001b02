"""The exporter's calls to QuantConnect's API."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, series
from grafana.boards.exporter.scope import (
    BUDGET,
    BUDGET_NEEDED,
    BUDGET_USED,
    DEMAND,
    FAILURES,
    REQUESTS,
    SKEW_LIMITS,
)
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.palette import rising
from grafana.builder.panel import color, heatmap, timeseries, values
from grafana.builder.query import Query

API = (
    line(
        8,
        (
            8,
            timeseries(
                title="Calls by endpoint",
                description="""Calls to QuantConnect's API per second, all accounts. Dashed lines:
                    what the budgets allow together, and what the configured intervals need. Source:
                    the exporter's calls and schedule.""",
                queries=(
                    Query(
                        expr=f"sum by (endpoint) (rate({REQUESTS}[$__rate_interval]))",
                        legend="{{endpoint}}",
                    ),
                    Query(expr=f"sum({BUDGET})", legend="budget"),
                    Query(expr=f"sum({DEMAND})", legend="needed"),
                ),
                style=values(unit="reqps", limits=(0, None), by_series=True),
                stack=True,
                fill=25,
                overrides=(
                    color("budget", palette.WARNING, **common.LIMIT_LINE),
                    color("needed", palette.MUTED, **common.LIMIT_LINE),
                ),
            ),
        ),
        (
            8,
            timeseries(
                title="Failed calls by reason",
                description="""Share of calls that gave nothing to publish, by reason; not_ready is
                    a deployment that has no portfolio yet. Source: the exporter's calls.""",
                queries=(
                    Query(
                        expr=f"""sum by (reason) (rate({FAILURES}[$__rate_interval]))
                            / ignoring (reason) group_left ()
                            (sum(rate({REQUESTS}[$__rate_interval])) > 0)""",
                        legend="{{reason}}",
                    ),
                ),
                style=values(unit="percentunit", limits=(0, None), by_series=True),
                at_least=(None, 0.05),
                stack=True,
                fill=40,
                legend=("max",),
            ),
        ),
        (
            8,
            heatmap(
                title="Latency of calls",
                description="""How long calls took, from connecting to the last byte; the stronger
                    the colour, the more of them. Source: the exporter's calls.""",
                query=Query(
                    expr="sum by (le) (rate({}[$__rate_interval]))".format(
                        series("quantconnect_api_request_duration_seconds_bucket", JOBS)
                    ),
                    legend="{{le}}",
                    format="heatmap",
                ),
                unit="s",
            ),
        ),
    ),
    line(
        7,
        (
            8,
            timeseries(
                title="Request budget by account",
                description="""Calls that were made, and calls that the configured intervals need,
                    as shares of requests_per_minute. Needed above 100 %: intervals are stretched,
                    so that about 95 % are used. Source: the exporter's calls and schedule.""",
                queries=(
                    Query(expr=BUDGET_NEEDED, legend="{{account}} needed"),
                    Query(expr=BUDGET_USED, legend="{{account}} used"),
                ),
                style=values(
                    unit="percentunit",
                    thresholds=rising(warning=common.BUDGET_NEEDED),
                    limits=(0, None),
                    by_series=True,
                ),
                limit_lines=True,
                legend=("max",),
            ),
        ),
        (
            8,
            timeseries(
                title="Clock skew",
                description="""Our clock minus QuantConnect's, from the Date header of its answers;
                    positive when ours is ahead. Dashed: where the alert fires. Requests are signed
                    with the time, so a clock far behind is refused. Source: the exporter's
                    calls.""",
                queries=(
                    Query(
                        expr=f"""max by (job, instance, account)
                            ({series("quantconnect_api_clock_skew_seconds", JOBS)})""",
                        legend="{{account}} {{instance}}",
                    ),
                ),
                style=values(unit="s", thresholds=SKEW_LIMITS, by_series=True),
                limit_lines=True,
            ),
        ),
        (
            8,
            timeseries(
                title="Values left out of answers",
                description="""Fields and holdings that could not be understood, and so were left
                    out, in each interval. The log names the first of each kind. Source: the
                    exporter's decoding.""",
                queries=(
                    Query(
                        expr="sum by (endpoint, field) (increase({}[$__rate_interval]))".format(
                            series("quantconnect_api_parse_problems_total", JOBS)
                        ),
                        legend="{{endpoint}} {{field}}",
                    ),
                ),
                style=values(
                    unit="none",
                    limits=(0, None),
                    by_series=True,
                    no_value="No data, or nothing was left out",
                ),
                draw="bars",
                legend=("max",),
            ),
        ),
    ),
)
