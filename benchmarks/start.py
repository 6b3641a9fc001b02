"""The start: from the process's start to the first good answer, and what of that is imports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.exporters import command, configuration, quantconnect
from benchmarks.process import Process, free_port
from benchmarks.table import Row, duration

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

_MOST = 0.7
_PATIENCE = 30.0
# What the running exporter imports, as exporter/cli/run.py does.
_IMPORTS = (
    "import exporter.cli, exporter.cli.run, exporter.cli.reload, exporter.poller, exporter.store,"
    " exporter.telemetry, exporter.web.app, exporter.web.server"
)


def measure(sizes: Sizes) -> list[Row]:
    """The rows of the start at the usual size."""
    answers, complete, used = [], [], []
    with (
        quantconnect(sizes.usual_projects, sizes.usual_holdings) as api,
        tempfile.TemporaryDirectory() as directory,
    ):
        for _ in range(sizes.rounds):
            first, cpu, last = _start(api, Path(directory), sizes.usual_projects)
            answers.append(first)
            used.append(cpu)
            complete.append(last)
    imports = median(_import_seconds() for _ in range(sizes.rounds))
    first, last = median(answers), median(complete)
    return [
        Row(
            "start to the first /metrics",
            duration(first),
            f"{duration(median(used))} CPU",
            "",
            f"≤ {_MOST} s",
            first <= _MOST,
        ),
        Row(
            f"start to all {sizes.usual_projects} portfolios in /metrics",
            duration(last),
            "",
            "",
            f"≤ {_MOST} s",
            last <= _MOST,
        ),
        Row("of which the interpreter and imports", duration(imports)),
    ]


def _start(api: Process, directory: Path, projects: int) -> tuple[float, float, float]:
    """Seconds until the first answer, of CPU for it, and until one that has every portfolio."""
    port = free_port()
    file = configuration(directory, api, projects)
    started = time.perf_counter()
    process = subprocess.Popen(command(port, file))
    server = Process(process.pid, port)
    first = used = 0.0
    try:
        client = Client(server)
        while time.perf_counter() - started < _PATIENCE:
            try:
                text = client.scrape().text()
            except ConnectionError:
                client.close()
                time.sleep(0.001)
                continue
            if not first:
                first, used = time.perf_counter() - started, server.cpu_seconds()
            if text.count(b"\nquantconnect_holdings{") == projects:
                return first, used, time.perf_counter() - started
        raise RuntimeError(f"not every portfolio was read in {_PATIENCE:.0f} seconds")
    finally:
        process.terminate()
        process.wait(20)


def _import_seconds() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
    return time.perf_counter() - started


def imports() -> list[tuple[str, float]]:
    """The packages that take longest to import, with their own seconds."""
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _IMPORTS],
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    microseconds: Counter[str] = Counter()
    for line in said.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        name = rest.partition("|")[2].strip()
        if own.strip().isdigit():
            package = name.partition(".")[0]
            known = package in sys.stdlib_module_names
            microseconds["the standard library" if known else package] += int(own)
    return [(name, count / 1e6) for name, count in microseconds.most_common(12)]
