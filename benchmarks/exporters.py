"""The exporter as people run it, reading a generated account, in processes of their own."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.process import Process, free_port, running

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE = 300.0

_CONFIGURATION = """\
scrape_interval: {interval}
status_interval: 1m
statistics_interval: 0s
orders_interval: 0s
trades_interval: 0s
nodes_interval: 0s
account_interval: 0s
accounts:
  - user_id: 1
    api_token: demo
    base_url: http://127.0.0.1:{port}/api/v2
    requests_per_minute: {requests_per_minute}
    projects:
"""
_PROJECT = '      - {{id: {id}, name: "Generated {id}", account_currency: USD}}\n'


@contextmanager
def quantconnect(
    projects: int, holdings: int, *, versions: int = 1, held_for: float = float("inf")
) -> Iterator[Process]:
    """A QuantConnect with one account."""
    arguments = map(str, (projects, holdings, versions, held_for))
    with running([sys.executable, "-m", "benchmarks.quantconnect", *arguments]) as process:
        yield process


def command(port: int, config: Path) -> list[str]:
    """How the exporter is started."""
    return [
        *(sys.executable, "-m", "exporter"),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]


def configuration(
    directory: Path,
    api: Process,
    projects: int,
    *,
    interval: str = "10m",
    requests_per_minute: int = 60_000,
) -> Path:
    """A configuration file for the first ``projects`` of that QuantConnect's."""
    text = _CONFIGURATION.format(
        interval=interval, port=api.port, requests_per_minute=requests_per_minute
    )
    text += "".join(_PROJECT.format(id=30_000_001 + number) for number in range(projects))
    file = directory / "quantconnect.yaml"
    file.write_text(text)
    return file


@contextmanager
def exporter(
    api: Process,
    projects: int,
    *,
    interval: str = "10m",
    requests_per_minute: int = 60_000,
    loaded: bool = True,
) -> Iterator[Process]:
    """The exporter, once it has read all there is, or, not ``loaded``, once it listens."""
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        file = configuration(
            Path(directory),
            api,
            projects,
            interval=interval,
            requests_per_minute=requests_per_minute,
        )
        with running(command(port, file), port=port) as process:
            if loaded:
                wait_for_reads(process, projects)
            yield process


def wait_for_reads(process: Process, projects: int) -> None:
    """Until every project has a portfolio and a status."""
    client = Client(process)
    deadline = time.monotonic() + _PATIENCE
    try:
        while True:
            text = client.scrape().text()
            portfolios = text.count(b"\nquantconnect_holdings{")
            if portfolios == projects == text.count(b"\nquantconnect_live_equity{"):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{portfolios} of {projects} portfolios were read in time")
            time.sleep(0.05 + projects / 1000)
    finally:
        client.close()


def series(text: bytes) -> int:
    """How many samples an exposition has."""
    return sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
