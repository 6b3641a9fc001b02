"""``quantconnect-exporter demo``: the exporter against a simulated QuantConnect, in one process."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli.run import serve
from exporter.config import ConfigError, load_text
from exporter.log import Log
from exporter.simulator import DEMO_TOKEN, SimulatorServer, World

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from exporter.config import Config

log = Log(__name__)

# Shorter intervals than QuantConnect should see: a demo must show something within minutes.
_CONFIGURATION = """\
scrape_interval: 5s
status_interval: 5s
statistics_interval: 10s
orders_interval: 15s
trades_interval: 30s
nodes_interval: 30s
account_interval: 30s
logs_interval: 30s
benchmark_interval: 30s
log_queries: {{errors: error, warnings: warning}}
tickers: {{FB: META, GOOCV: GOOG}}
accounts:
  - name: demo
    user_id: 1
    api_token: {token}
    base_url: {base_url}
    requests_per_minute: 1200
    discover: {{enabled: true, exclude: "Archive/.*"}}
    projects:
"""
_PROJECT = """\
      - id: {project_id}
        labels: {{desk: {desk}}}
        limits: {{max_drawdown: 0.20, max_daily_loss: 0.05, max_gross_leverage: 4}}
        statistics: [Open Risk, Signal, Portfolio Delta, Margin Used]
"""


def demo(options: argparse.Namespace) -> int:
    """Run until SIGTERM or SIGINT. Return 0, or 1 if the demo cannot start."""
    address = options.simulator_listen_address
    world = World.demo(started=options.simulator_started or time.time())
    try:
        simulator = SimulatorServer(world, address.host, address.port)
    except OSError as error:
        log.error(
            "The simulator cannot listen; choose another --simulator.listen-address",
            address=str(address),
            error=error.strerror,
        )
        return 1
    with simulator:
        log.info("Simulating QuantConnect", base_url=simulator.base_url)
        _say_where(options)

        def load_demo() -> Config:
            return configuration(simulator.base_url, world.project_ids)

        return serve(options, load_demo(), load=load_demo)


def configuration(base_url: str, project_ids: Sequence[int]) -> Config:
    """Return the configuration that reads the simulator at ``base_url``."""
    text = _CONFIGURATION.format(token=DEMO_TOKEN, base_url=base_url)
    for project_id, desk in zip(project_ids, _DESKS, strict=False):
        text += _PROJECT.format(project_id=project_id, desk=desk)
    return load_text(text, {}, source="the demo")


_DESKS = ("equities", "derivatives", "currencies", "crypto")


def _say_where(options: argparse.Namespace) -> None:
    address = options.web_listen_address[0]
    anywhere = address.host in ("", "0.0.0.0", "::")  # noqa: S104 - compared, not listened on
    scheme = "https" if _speaks_tls(options.web_config_file) else "http"
    url = f"{scheme}://{address._replace(host='127.0.0.1') if anywhere else address}"
    print(
        "\nA simulated QuantConnect with eight live algorithms, and the exporter that reads it.\n"
        f"  {url}/         the projects and how reading them goes\n"
        f"  {url}{options.web_telemetry_path}  what Prometheus scrapes\n"
        "One algorithm stops with open positions after three minutes, one crashes after five.\n"
        "Ctrl-C ends it.\n",
        flush=True,
    )


def _speaks_tls(web_config_file: str) -> bool:
    if not web_config_file:
        return False
    from exporter.web.config import WebConfig

    with suppress(ConfigError):  # serving reports its problems
        return WebConfig(Path(web_config_file)).at_start.tls is not None
    return False
