"""Processes to measure: started, waited for, looked at from outside, ended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PATIENCE = 180.0


class Process(NamedTuple):
    """A process that listens on a port of 127.0.0.1."""

    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """What it has used of the processors so far, all its threads, in user and kernel mode."""
        # The number of a process's CPU clock, as clock_getcpuclockid(3) makes it on Linux.
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident_bytes(self) -> int:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(command: Sequence[str], *, port: int | None = None) -> Iterator[Process]:
    """Run a command until the block ends; ready once it listens.

    ``port`` is where it was told to listen; without it the command prints it in its first line.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if port is None:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{command[0]} ended with {process.wait()}")
            port = int(line)
        _wait_for(process, port)
        yield Process(process.pid, port)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.002)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")
