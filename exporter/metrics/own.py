"""Families about the exporter itself and its calls: instruments of prometheus-client.

The instruments are made from these declarations in exporter/telemetry.py.
"""

from __future__ import annotations

from exporter.metrics.table import Family

_API = ("account", "endpoint")

API_REQUESTS = Family(
    "quantconnect_api_requests_total",
    "Calls to QuantConnect's API that were begun.",
    _API,
    "counter",
)
API_REQUEST_FAILURES = Family(
    "quantconnect_api_request_failures_total",
    "Calls to QuantConnect's API that gave nothing to publish, by reason.",
    (*_API, "reason"),
    "counter",
)
API_REQUEST_DURATION = Family(
    "quantconnect_api_request_duration_seconds",
    "How long calls to QuantConnect's API took, from connecting to the last byte.",
    _API,
    "histogram",
)
API_BUDGET = Family(
    "quantconnect_api_request_budget_per_second",
    "Calls per second that this process allows itself for the account: requests_per_minute / 60.",
    ("account",),
)
API_DEMAND = Family(
    "quantconnect_api_request_demand_per_second",
    "Calls per second that the account's configured intervals need of this process; when more than"
    " the budget, intervals are stretched.",
    ("account",),
)
API_AUTHENTICATED = Family(
    "quantconnect_api_authenticated",
    "1 while QuantConnect accepts the account's user id and token, 0 before and when it does not.",
    ("account",),
)
API_CLOCK_SKEW = Family(
    "quantconnect_api_clock_skew_seconds",
    "Our clock minus the Date header of QuantConnect's last answer; positive when ours is ahead.",
    ("account",),
)
UNREAD_PROJECTS = Family(
    "quantconnect_account_unread_live_projects",
    "Live projects of the account that are not read: neither configured nor discovered; of those"
    " that are this process's share.",
    ("account",),
)
API_PARSE_PROBLEMS = Family(
    "quantconnect_api_parse_problems_total",
    "Fields and holdings left out of an answer because they could not be understood.",
    ("endpoint", "field"),
    "counter",
)
FAULTS = Family(
    "quantconnect_exporter_faults_total",
    "Faults of the exporter's own that were caught while it read; its log has the traceback.",
    type="counter",
)
BUILD_INFO = Family(
    "quantconnect_exporter_build_info",
    "The running exporter, always 1.",
    ("version", "revision", "python_version"),
)
CONFIG_RELOAD_SUCCESSFUL = Family(
    "quantconnect_exporter_config_last_reload_successful",
    "1 if the last attempt to load the configuration succeeded, else 0.",
)
CONFIG_RELOAD_SUCCESS_TIMESTAMP = Family(
    "quantconnect_exporter_config_last_reload_success_timestamp_seconds",
    "When the configuration was last loaded successfully, as a unix timestamp.",
)
HTTP_REQUESTS = Family(
    "quantconnect_exporter_http_requests_total",
    "Requests answered by this exporter's own HTTP server.",
    ("handler", "code"),
    "counter",
)
TLS_HANDSHAKE_FAILURES = Family(
    "quantconnect_exporter_tls_handshake_failures_total",
    "TLS handshakes that this exporter's own HTTP server refused or that clients gave up; its log"
    " has the reasons.",
    type="counter",
)

FAMILIES: tuple[Family, ...] = (
    API_REQUESTS,
    API_REQUEST_FAILURES,
    API_REQUEST_DURATION,
    API_BUDGET,
    API_DEMAND,
    API_AUTHENTICATED,
    API_CLOCK_SKEW,
    UNREAD_PROJECTS,
    API_PARSE_PROBLEMS,
    FAULTS,
    BUILD_INFO,
    CONFIG_RELOAD_SUCCESSFUL,
    CONFIG_RELOAD_SUCCESS_TIMESTAMP,
    HTTP_REQUESTS,
    TLS_HANDSHAKE_FAILURES,
)
