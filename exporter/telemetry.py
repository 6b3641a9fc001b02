"""The exporter's own counters and gauges: prometheus-client's instruments on a registry of ours.

They are made from the declarations in ``metrics.own``. Each account's client and record count
through ``AccountTelemetry``, the web server counts its requests, the command sets the build and the
configuration.
Every label set that is known beforehand starts at 0, so that rates and alerts have a beginning.
"""

from __future__ import annotations

import platform
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from exporter.metrics import own

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.metrics.table import Family

# From a quick answer of authenticate to the longest request_timeout that is of use.
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Telemetry:
    """All instruments of this process."""

    def __init__(self, *, version: str, revision: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self.api_requests = self._counter(own.API_REQUESTS)
        self.api_failures = self._counter(own.API_REQUEST_FAILURES)
        self.api_duration = Histogram(
            own.API_REQUEST_DURATION.name,
            own.API_REQUEST_DURATION.help,
            own.API_REQUEST_DURATION.labels,
            registry=self.registry,
            buckets=_BUCKETS,
        )
        self.api_budget = self._gauge(own.API_BUDGET)
        self.api_demand = self._gauge(own.API_DEMAND)
        self.api_authenticated = self._gauge(own.API_AUTHENTICATED)
        self.api_clock_skew = self._gauge(own.API_CLOCK_SKEW)
        self.unread_projects = self._gauge(own.UNREAD_PROJECTS)
        self.parse_problems = self._counter(own.API_PARSE_PROBLEMS)
        self.faults = self._counter(own.FAULTS)
        self.build_info = self._gauge(own.BUILD_INFO)
        self.build_info.labels(version, revision, platform.python_version()).set(1)
        self.reload_successful = self._gauge(own.CONFIG_RELOAD_SUCCESSFUL)
        self.reload_timestamp = self._gauge(own.CONFIG_RELOAD_SUCCESS_TIMESTAMP)
        self.http_requests = self._counter(own.HTTP_REQUESTS)
        self.tls_handshake_failures = self._counter(own.TLS_HANDSHAKE_FAILURES)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _counter(self, family: Family) -> Counter:
        return Counter(family.name, family.help, family.labels, registry=self.registry)

    def _gauge(self, family: Family) -> Gauge:
        return Gauge(family.name, family.help, family.labels, registry=self.registry)

    def account(
        self, name: str, *, endpoints: Iterable[str], reasons: Iterable[str], budget: float
    ) -> AccountTelemetry:
        """Return the instruments as one account uses them; ``budget`` is in calls per second."""
        endpoints, reasons = tuple(endpoints), tuple(reasons)
        for endpoint in endpoints:
            self.api_requests.labels(name, endpoint)
            self.api_duration.labels(name, endpoint)
            for reason in reasons:
                self.api_failures.labels(name, endpoint, reason)
        self.budget(name, budget)
        self.api_demand.labels(name)
        self.api_authenticated.labels(name)
        return AccountTelemetry(self, name)

    def budget(self, name: str, calls_per_second: float) -> None:
        """Show the calls per second that an account may make."""
        self.api_budget.labels(name).set(calls_per_second)

    def forget_account(self, name: str) -> None:
        """Remove the label sets of an account; ``AccountTelemetry.forget`` keeps them away."""
        for instrument in (
            self.api_requests,
            self.api_failures,
            self.api_duration,
            self.api_budget,
            self.api_demand,
            self.api_authenticated,
            self.api_clock_skew,
            self.unread_projects,
        ):
            instrument.remove_by_labels({"account": name})


class AccountTelemetry:
    """The instruments of one account's client and poller; safe for threads."""

    def __init__(self, telemetry: Telemetry, name: str) -> None:
        self._telemetry = telemetry
        self._name = name
        self._lock = Lock()
        self._forgotten = False
        self.clock_skew: float | None = None
        """Our clock minus QuantConnect's at the last answer, in seconds."""

    def forget(self) -> None:
        """Remove the label sets of an account that left the configuration.

        A call that is still under way counts nothing any more, which would bring them back.
        """
        with self._lock:
            self._forgotten = True
            self._telemetry.forget_account(self._name)

    def rename(self, name: str) -> None:
        """Count under another name of the account; the label sets of the former name go."""
        with self._lock:
            self._telemetry.forget_account(self._name)
            self._name = name

    def call(self, endpoint: str) -> None:
        """Count a call that begins."""
        with self._lock:
            if not self._forgotten:
                self._telemetry.api_requests.labels(self._name, endpoint).inc()

    def answered(self, endpoint: str, seconds: float) -> None:
        """Observe that a call ended after so many seconds, well or not."""
        with self._lock:
            if not self._forgotten:
                self._telemetry.api_duration.labels(self._name, endpoint).observe(seconds)

    def failed(self, endpoint: str, reason: str) -> None:
        """Count a call that gave nothing to publish."""
        with self._lock:
            if not self._forgotten:
                self._telemetry.api_failures.labels(self._name, endpoint, reason).inc()

    def unread(self, projects: int) -> None:
        """Show how many live projects of the account are not read."""
        with self._lock:
            if not self._forgotten:
                self._telemetry.unread_projects.labels(self._name).set(projects)

    def skew(self, seconds: float) -> None:
        """Show our clock minus QuantConnect's."""
        self.clock_skew = seconds
        with self._lock:
            if not self._forgotten:
                self._telemetry.api_clock_skew.labels(self._name).set(seconds)

    def demand(self, calls_per_second: float) -> None:
        """Show the calls per second that the account's intervals need as configured."""
        with self._lock:
            if not self._forgotten:
                self._telemetry.api_demand.labels(self._name).set(calls_per_second)

    def problem(self, endpoint: str, field: str) -> None:
        """Count a field that was left out of an answer."""
        self._telemetry.parse_problems.labels(endpoint, field).inc()

    def fault(self) -> None:
        """Count a fault of ours that was caught."""
        self._telemetry.faults.inc()

    def authenticated(self, *, accepted: bool) -> None:
        """Show whether QuantConnect accepts the account at the moment."""
        with self._lock:
            if not self._forgotten:
                self._telemetry.api_authenticated.labels(self._name).set(float(accepted))
