"""Faults of the process, tried on the exporter as people run it, with a signal at the end."""

from __future__ import annotations

import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests

from exporter.simulator import Delay, SimulatorServer, Stall, World
from tests.faults.entry import ProcessStory, Told
from tests.faults.scene import TOKEN, answer
from tests.poller.given import eventually
from tests.soak.process import free_port
from tests.soak.scraper import inconsistencies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROCESSES: list[ProcessStory] = []
_PROMPT = 5.0
"""Seconds within which a signal ends it, however slow the machine is."""

_CONFIGURATION = """\
scrape_interval: 1s
status_interval: 1s
statistics_interval: 1s
request_timeout: 30s
accounts:
- {{user_id: 1, api_token_file: token, base_url: '{base_url}', requests_per_minute: 6000,
    projects: [{{id: 1, name: P1}}, {{id: 2, name: P2}}]}}
"""


class Run(NamedTuple):
    """A running exporter, its QuantConnect and its log."""

    process: subprocess.Popen[bytes]
    url: str
    server: SimulatorServer
    directory: Path

    def metrics(self) -> str:
        """A scrape, which must be answered, and whole."""
        answer = requests.get(f"{self.url}/metrics", timeout=20)
        assert answer.status_code == 200
        assert not inconsistencies(answer.text, is_openmetrics=False).wrong
        return answer.text

    def portfolio(self) -> list[str]:
        """The sample lines that are the portfolios."""
        starts = ("quantconnect_holding", "quantconnect_cash")
        return [line for line in self.metrics().splitlines() if line.startswith(starts)]

    def eventually_published(self) -> list[str]:
        """The portfolios, once both are there."""
        return eventually(lambda: lines if len(lines := self.portfolio()) == 62 else [])

    def ends(self, number: signal.Signals = signal.SIGTERM) -> None:
        """A signal ends it soon, with status 0."""
        started = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(20) == 0
        assert time.monotonic() - started < _PROMPT

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def process_directory(self) -> Path:
        """What the kernel says of it."""
        return Path(f"/proc/{self.process.pid}")

    def log(self) -> str:
        """What it has logged so far."""
        return (self.directory / "log").read_text()


@contextmanager
def running(
    directory: Path,
    *,
    stderr: str = "",
    server: SimulatorServer | None = None,
    descriptors: int | None = None,
    before: Callable[[SimulatorServer], object] = lambda _: None,
) -> Iterator[Run]:
    """The exporter, from when it listens; killed in the end if it has not ended by then."""
    world = World.from_portfolios({1: answer(1), 2: answer(1)})
    world.set_token(TOKEN)
    server = server or SimulatorServer(world)
    server.start()
    before(server)
    (directory / "token").write_text(TOKEN)
    file = directory / "quantconnect.yaml"
    file.write_text(_CONFIGURATION.format(base_url=server.base_url))
    run = _started(directory, server, stderr, descriptors)
    try:
        yield run
        arguments = run.process_directory / "cmdline"
        if arguments.exists():
            assert TOKEN.encode() not in arguments.read_bytes()
    finally:
        run.process.kill()
        run.process.wait()
        server.close()
    if not stderr:
        assert TOKEN not in run.log()
        assert TOKEN[:16] not in run.log()


def _started(directory: Path, server: SimulatorServer, stderr: str, descriptors: int | None) -> Run:
    """Once it answers; on another port if somebody else took the first in the meantime."""
    status: int | None = None
    for _ in range(3):
        port = free_port()
        command = [
            *(sys.executable, "-m", "exporter"),
            f"--config.file={directory / 'quantconnect.yaml'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=debug",
        ]
        if descriptors is not None:
            command = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), *command]
        with Path(stderr or directory / "log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log)
        run = Run(process, f"http://127.0.0.1:{port}", server, directory)
        if eventually(partial(_answered, run), timeout=60) == 200:
            return run
        status = process.returncode
    raise AssertionError(f"it does not start, but ends with {status}")


@contextmanager
def closing_all() -> Iterator[list[socket.socket]]:
    """A list of connections that are closed in the end."""
    held: list[socket.socket] = []
    try:
        yield held
    finally:
        for connection in held:
            connection.close()


def _answered(run: Run) -> int:
    """The status of /-/healthy; -1 if it has ended, 0 if it does not answer yet."""
    if run.process.poll() is not None:
        return -1
    with suppress(requests.ConnectionError):
        return requests.get(f"{run.url}/-/healthy", timeout=20).status_code
    return 0


def _story(
    title: str, *, published: str, logged: str, counted: str, recovers: str
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    def note(happens: Callable[[Path], None]) -> Callable[[Path], None]:
        PROCESSES.append(ProcessStory(Told(title, published, logged, counted, recovers), happens))
        return happens

    return note


@_story(
    "the disk for the log is full",
    published="everything",
    logged="nothing: a line that can't be written is lost, and no more",
    counted="nothing",
    recovers="there is nothing to recover from",
)
def full_disk(directory: Path) -> None:
    with running(directory, stderr="/dev/full") as run:
        run.eventually_published()
        run.server.faults.add(Delay(0.1))
        assert requests.post(f"{run.url}/-/reload", timeout=20).status_code == 200
        run.server.requests.wait_for(len(run.server.requests) + 6)
        assert len(run.portfolio()) == 62
        run.ends()


@_story(
    "connections that somebody opens and holds, more than there are file descriptors",
    published="everything: those that have waited longest are closed",
    logged="nothing",
    counted="nothing",
    recovers="there is nothing to recover from",
)
def held_connections(directory: Path) -> None:
    with running(directory, descriptors=64) as run, closing_all() as held:
        good = run.eventually_published()
        for _ in range(120):
            held.append(socket.create_connection(("127.0.0.1", run.port)))
        assert run.portfolio() == good
        asked = len(run.server.requests)
        run.server.requests.wait_for(asked + 6)
        assert run.portfolio() == good
        assert "level=error" not in run.log()
        run.ends()


@_story(
    "no file descriptor is left for anything",
    published="what was read before; scrapes over connections that are open go on",
    logged="“No connection can be accepted”: Too many open files, once a minute",
    counted="nothing, or `reason=connection`",
    recovers="with descriptors",
)
def no_descriptors(directory: Path) -> None:
    with running(directory) as run, closing_all() as held, requests.Session() as session:
        good = run.eventually_published()
        assert session.get(f"{run.url}/metrics", timeout=20).status_code == 200
        usual = resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, (24, usual[1]))
        for _ in range(40):
            held.append(socket.create_connection(("127.0.0.1", run.port)))
        eventually(lambda: "No connection can be accepted" in run.log(), timeout=20)
        for _ in range(5):
            scraped = session.get(f"{run.url}/metrics", timeout=20)
            assert scraped.status_code == 200
            assert good[0] in scraped.text
        # asyncio tries again each second.
        run.server.requests.wait_for(len(run.server.requests) + 12, timeout=30)
        assert run.log().count("No connection can be accepted") == 1
        assert "Traceback" not in run.log()
        resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, usual)
        assert run.portfolio() == good
        run.ends()


@_story(
    "a reload with a bad file, by signal and by HTTP",
    published="everything, by the configuration of before",
    logged="“The configuration was not reloaded”, with each problem and its line",
    counted="`quantconnect_exporter_config_last_reload_successful` 0",
    recovers="at the next reload with a good file",
)
def bad_reload(directory: Path) -> None:
    def successful(run: Run) -> str:
        (line,) = [
            line
            for line in run.metrics().splitlines()
            if line.startswith("quantconnect_exporter_config_last_reload_successful ")
        ]
        return line.split(" ")[1]

    with running(directory) as run:
        good = run.eventually_published()
        file = directory / "quantconnect.yaml"
        text = file.read_text()
        file.write_text(text + f"unheard_of: {TOKEN}\n")
        answered = requests.post(f"{run.url}/-/reload", timeout=20)
        assert answered.status_code == 500
        assert "unheard_of" in answered.text
        assert TOKEN not in answered.text
        assert successful(run) == "0.0"
        run.process.send_signal(signal.SIGHUP)
        eventually(lambda: run.log().count("The configuration was not reloaded") == 2)
        assert run.portfolio() == good
        file.write_text(text)
        assert requests.post(f"{run.url}/-/reload", timeout=20).status_code == 200
        assert successful(run) == "1.0"
        assert run.portfolio() == good
        run.ends()


@_story(
    "SIGKILL, and a restart",
    published="the same numbers, within the first reads",
    logged="nothing of the end: there was no time",
    counted="from 0 again, as Prometheus expects",
    recovers="at once: nothing is kept on disk",
)
def killed(directory: Path) -> None:
    with running(directory) as run:
        good = run.eventually_published()
        run.process.kill()
        assert run.process.wait(20) == -signal.SIGKILL
    with running(directory) as run:
        assert run.eventually_published() == good
        asked = 'quantconnect_api_requests_total{account="default",endpoint="authenticate"} 1.0'
        assert asked in run.metrics().splitlines()
        run.ends()


_ENDED = "“Stopping”, “Stopped”"


def _terminated(
    title: str, happens: Callable[[Run], Any], before: Callable[[SimulatorServer], object]
) -> None:
    @_story(
        title,
        published="nothing any more: the port is closed",
        logged=_ENDED,
        counted="exit status 0",
        recovers="it has ended, in no more than a moment",
    )
    def story(directory: Path) -> None:
        with running(directory, before=before) as run:
            happens(run)
            run.ends()
            assert "msg=Stopping signal=SIGTERM" in run.log()
            assert "msg=Stopped" in run.log()
            assert "Traceback" not in run.log()
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{run.url}/metrics", timeout=20)


def _nothing(_: object) -> None:
    """Nothing."""


def _reloading(run: Run) -> None:
    run.eventually_published()
    run.process.send_signal(signal.SIGHUP)


def _stalled(endpoint: str) -> Callable[[SimulatorServer], object]:
    return lambda server: server.faults.add(Stall(sent=None), endpoint=endpoint)


def _asked(endpoint: str) -> Callable[[Run], object]:
    return lambda run: run.server.requests.wait_for(1, endpoint)


_terminated("SIGTERM as soon as it listens", _nothing, _nothing)
_terminated(
    "SIGTERM while `authenticate` waits for an answer",
    _asked("authenticate"),
    _stalled("authenticate"),
)
_terminated(
    "SIGTERM while portfolios wait for an answer",
    _asked("live/portfolio/read"),
    _stalled("live/portfolio/read"),
)
_terminated("SIGTERM while all is well", Run.eventually_published, _nothing)
_terminated("SIGTERM during a reload", _reloading, _nothing)


@_story(
    "SIGTERM while a client reads its scrape slowly",
    published="to others, nothing any more",
    logged=_ENDED,
    counted="exit status 0",
    recovers="it has ended, in no more than a moment",
)
def terminated_while_scraped(directory: Path) -> None:
    with running(directory) as run:
        run.eventually_published()
        with socket.create_connection(("127.0.0.1", run.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(10).startswith(b"HTTP/1.1")
            run.ends()
