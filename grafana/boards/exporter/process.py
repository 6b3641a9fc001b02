"""The exporter as a process that Prometheus scrapes."""

from __future__ import annotations

from grafana.boards.common import JOBS, series
from grafana.builder import palette
from grafana.builder.grid import line
from grafana.builder.panel import color, timeseries, values
from grafana.builder.query import Query
from grafana.builder.table import Label, Sort, Value, table

TLS_FAILED = "TLS handshakes that failed"
BUILD_INFO = series("quantconnect_exporter_build_info", JOBS)

PROCESS = (
    line(
        7,
        (
            8,
            timeseries(
                title="Scrape duration",
                description="""How long Prometheus waited for /metrics. A scrape never waits for
                    QuantConnect, so this is the exporter's own work. Source: Prometheus,
                    scrape_duration_seconds.""",
                queries=(
                    Query(
                        expr=series("scrape_duration_seconds", JOBS),
                        legend="{{instance}}",
                    ),
                ),
                style=values(unit="s", limits=(0, None), by_series=True),
                legend=("max",),
            ),
        ),
        (
            8,
            timeseries(
                title="Samples per scrape",
                description="""How many samples each exporter publishes: some ten for each project
                    and holding. Source: Prometheus, scrape_samples_scraped.""",
                queries=(
                    Query(
                        expr=series("scrape_samples_scraped", JOBS),
                        legend="{{instance}}",
                    ),
                ),
                style=values(unit="short", limits=(0, None), by_series=True),
            ),
        ),
        (
            8,
            timeseries(
                title="Answers of the exporter",
                description="""Requests that the exporter answered, by status code; 503 means that
                    more than web.max-requests came at once. TLS handshakes that failed never
                    became a request; the log has the reasons. Source: the exporter's HTTP
                    server.""",
                queries=(
                    Query(
                        expr="sum by (handler, code) (rate({}[$__rate_interval]))".format(
                            series("quantconnect_exporter_http_requests_total", JOBS)
                        ),
                        legend="{{handler}} {{code}}",
                    ),
                    Query(
                        expr="sum(rate({}[$__rate_interval]))".format(
                            series("quantconnect_exporter_tls_handshake_failures_total", JOBS)
                        ),
                        legend=TLS_FAILED,
                    ),
                ),
                style=values(unit="reqps", limits=(0, None), by_series=True),
                overrides=(color(TLS_FAILED, palette.WARNING),),
            ),
        ),
    ),
    line(
        7,
        (
            8,
            timeseries(
                title="Memory",
                description="""Resident memory of the exporter's process. Source:
                    process_resident_memory_bytes.""",
                queries=(
                    Query(
                        expr=series("process_resident_memory_bytes", JOBS),
                        legend="{{instance}}",
                    ),
                ),
                style=values(unit="bytes", limits=(0, None), by_series=True),
            ),
        ),
        (
            8,
            timeseries(
                title="CPU",
                description="""Processor cores that the exporter keeps busy. Source:
                    process_cpu_seconds_total.""",
                queries=(
                    Query(
                        expr="rate({}[$__rate_interval])".format(
                            series("process_cpu_seconds_total", JOBS)
                        ),
                        legend="{{instance}}",
                    ),
                ),
                style=values(unit="percentunit", limits=(0, None), by_series=True),
                at_least=(None, 0.05),
                legend=("max",),
            ),
        ),
        (
            8,
            table(
                title="Exporters",
                description="""What runs where, since when, and when its configuration was last
                    loaded well. Source: the exporter and its process.""",
                by=("job", "instance"),
                sort=Sort(title="Instance", descending=False),
                columns=(
                    Label(name="instance", title="Instance", width=150),
                    Label(name="version", title="Version", width=90),
                    Label(name="revision", title="Revision", hidden=True),
                    Label(name="python_version", title="Python", width=80),
                    Value(
                        ref="info",
                        title="Info",
                        expr=BUILD_INFO,
                        brings=("version", "revision", "python_version"),
                        hidden=True,
                    ),
                    Value(
                        ref="started",
                        title="Started",
                        width=130,
                        expr=f"1000 * {series('process_start_time_seconds', JOBS)}",
                        unit="dateTimeFromNow",
                    ),
                    Value(
                        ref="loaded",
                        title="Configured",
                        width=130,
                        expr="1000 * {}".format(
                            series(
                                "quantconnect_exporter_config_last_reload_success_timestamp_seconds",
                                JOBS,
                            )
                        ),
                        unit="dateTimeFromNow",
                    ),
                ),
            ),
        ),
    ),
)
