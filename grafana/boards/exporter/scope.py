"""What the panels of this dashboard have in common."""

from __future__ import annotations

from grafana.boards import common
from grafana.boards.common import JOBS, PROJECTS, series
from grafana.builder import palette
from grafana.builder.palette import State, Step, rising

OK = (State("1", "OK", palette.CALM), State("0", "Failing", palette.CRITICAL))
AGE_LIMITS = rising(warning=common.STALE_WARNING, critical=common.STALE_CRITICAL)
SKEW_LIMITS = (
    Step(None, palette.WARNING),
    Step(-common.CLOCK_SKEW, palette.CALM),
    Step(common.CLOCK_SKEW, palette.WARNING),
)
REQUESTS = series("quantconnect_api_requests_total", JOBS)
FAILURES = series("quantconnect_api_request_failures_total", JOBS)
WATCHED_READ_AT = series(
    "quantconnect_read_last_success_timestamp_seconds", PROJECTS, 'source=~"portfolio|status"'
)
BUDGET = series("quantconnect_api_request_budget_per_second", JOBS)
DEMAND = series("quantconnect_api_request_demand_per_second", JOBS)
# Of the shard that needs most: none has calls to spare for another.
BUDGET_NEEDED = f"""
    max by (account) ({DEMAND} / on (job, instance, account) ({BUDGET} > 0))"""
BUDGET_USED = f"""
    sum by (account) (rate({REQUESTS}[$__rate_interval])) / sum by (account) ({BUDGET})"""
