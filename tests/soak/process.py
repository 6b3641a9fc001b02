"""The exporter as a process of its own, and what it uses of the machine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import requests

from prometheus.stack import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


class Usage(NamedTuple):
    """What a process uses at a moment: resident bytes, threads, open file descriptors."""

    memory: int
    threads: int
    descriptors: int


@dataclass(frozen=True)
class Exporter:
    """A running exporter."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def usage(self) -> Usage:
        """What it uses now."""
        of = Path(f"/proc/{self.process.pid}")
        threads = re.search(r"^Threads:\s+(\d+)$", (of / "status").read_text(), re.MULTILINE)
        assert threads is not None
        resident = int((of / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return Usage(resident, int(threads[1]), len(list((of / "fd").iterdir())))

    def hangup(self) -> None:
        """Ask for a reload by signal."""
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def exporter(configuration: Path, *flags: str) -> Iterator[Exporter]:
    """Run the exporter until the block ends; it must then end by itself with status 0."""
    port, log = free_port(), configuration.with_suffix(".log")
    command = [
        *(sys.executable, "-m", "exporter"),
        f"--config.file={configuration}",
        f"--web.listen-address=127.0.0.1:{port}",
        *flags,
    ]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr)
    running = Exporter(process, port, log)
    try:
        _wait_for(running)
        yield running
        process.terminate()
        status = process.wait(_STOP_SECONDS)
        if status:
            raise RuntimeError(f"the exporter ended with {status}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _wait_for(running: Exporter) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise RuntimeError(f"the exporter did not start: {running.log.read_text()}")
        try:
            requests.get(f"{running.url}/-/healthy", timeout=60)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the exporter does not listen")
