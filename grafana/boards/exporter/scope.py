"""Parts that the panels of this dashboard share."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, PROJECTS, series
from grafana.builder import palette
from grafana.builder.palette import State, Step

OK = (State("1", "OK", palette.CALM), State("0", "Failing", palette.CRITICAL))
SKEW_LIMITS = (
    Step(None, palette.WARNING),
    Step(-common.CLOCK_SKEW, palette.CALM),
    Step(common.CLOCK_SKEW, palette.WARNING),
)
# QuantConnect has no portfolio of a project that was never deployed: that is no failure.
SUCCESS = "{} unless on (job, project_id) {}".format(
    series("quantconnect_read_success", PROJECTS),
    series("project:quantconnect_never_deployed:info", PROJECTS),
)
REQUESTS = series("quantconnect_api_requests_total", JOBS)
FAILURES = series("quantconnect_api_request_failures_total", JOBS)
BUDGET = series("quantconnect_api_request_budget_per_second", JOBS)
DEMAND = series("quantconnect_api_request_demand_per_second", JOBS)
# Of the shard that needs most: none has calls to spare for another.
BUDGET_NEEDED = f"""
    max by (account) ({DEMAND} / on (job, instance, account) ({BUDGET} > 0))"""
BUDGET_USED = f"""
    sum by (account) (rate({REQUESTS}[$__rate_interval])) / sum by (account) ({BUDGET})"""
