"""Faults of the process, tried on the exporter as people run it, with a signal at the end.

While each of them lasts, somebody scrapes it over HTTP and looks at its pages, and all of that is
searched for the token and the signatures, with the log and what else comes out.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests

from exporter.poller.credentials import UNREADABLE
from exporter.poller.record import ACCEPTED, CALL_FAILED, CALL_SUCCEEDS, READ_FAILED, READ_SUCCEEDS
from exporter.poller.record import REJECTED as REJECTED_ACCOUNT
from prometheus.stack import free_port
from tests.faults import told
from tests.faults.entry import ProcessStory
from tests.faults.scene import TOKEN, Listening, answer, assert_narrow_lists, assert_no_secret
from tests.faults.told import (
    EACH,
    PERHAPS,
    REJECTED,
    RELOAD_FAILED,
    Published,
    Told,
    failures,
    unread,
)
from tests.poller.given import eventually
from tests.soak.scraper import inconsistencies
from tests.support import Delay, SimulatorServer, Stall, Status, given_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.faults.told import Often, Series

PROCESSES: list[ProcessStory] = []
SCRAPE_EVERY = 0.2
_PROMPT = 20.0
"""Seconds within which a signal ends it, however slow the machine is."""
_WHOLE = 64
"""Sample lines of both portfolios."""

_CONFIGURATION = """\
scrape_interval: 1s
status_interval: 1s
statistics_interval: 1s
request_timeout: 30s
accounts:
- {{user_id: 1, api_token_file: token, base_url: '{base_url}', requests_per_minute: 6000,
    {projects}}}
"""
_LISTED = "projects: [{id: 1, name: P1}, {id: 2, name: P2}]"
_DISCOVERED = "discover: {enabled: true}"
# Of every start and every end, and so of no row.
_USUAL = (
    "Starting quantconnect-exporter",
    "Build context",
    "Listening on",
    "TLS is disabled.",
    "Configuration loaded",
    ACCEPTED,
    "Stopping",
    "Stopped",
)
_PAGES = ("/", "/config", "/projects/1", "/projects/2", "/-/ready", "/-/healthy")
# A resolver that never answers for one host, and notes in a file that it was asked.
_SLOW_RESOLVER = """\
import pathlib, socket, sys, threading
resolve = socket.getaddrinfo
def hang(host, *rest, **more):
    if host == "slow.example":
        pathlib.Path("asked").touch()
        threading.Event().wait()
    return resolve(host, *rest, **more)
socket.getaddrinfo = hang
from exporter.cli import main
sys.exit(main())
"""


class Prometheus:
    """Scrapes on and on over one connection, or another where that was closed, as Prometheus does.

    ``seen`` is how many lines of portfolios the scrapes had, wherever that was another number.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper")
        self._accepted = False
        self.ending = False
        """It may end from now on, and not answer then."""
        self.wrong: list[str] = []
        self.said: list[str] = []
        self.scrapes = 0
        self.last = ""
        self.seen: list[int] = []
        self.alarms: list[Series] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pages = cycle(_PAGES)
        with requests.Session() as session:
            while not self._stopping.wait(SCRAPE_EVERY):
                try:
                    self.scraped(self._get(session, "/metrics"))
                    self.said.append(_whole(self._get(session, next(pages))))
                except requests.RequestException as error:
                    if self.ending:
                        return
                    self.wrong.append(f"{type(error).__name__}: {error}")

    def _get(self, session: requests.Session, path: str) -> requests.Response:
        try:
            return session.get(self._url + path, timeout=120)
        except requests.ConnectionError:
            return session.get(self._url + path, timeout=120)

    def scraped(self, answer: requests.Response) -> str:
        """What a scrape was answered; gives the exposition."""
        text = answer.text
        self.said.append(_whole(answer))
        if answer.status_code != 200:
            self.wrong.append(f"HTTP {answer.status_code}")
            return text
        self.scrapes += 1
        self.last = text
        self.wrong += inconsistencies(text, is_openmetrics=False).wrong
        portfolios = len(_portfolios(text))
        if not self.seen or self.seen[-1] != portfolios:
            self.seen.append(portfolios)
        alarms = told.alarms(text)
        rejected = any(each.name == told.REJECTED.name for each in alarms)
        self._accepted = self._accepted or not rejected
        # Before the first answer nobody has been accepted, which is no alarm.
        self.alarms += [
            each for each in alarms if self._accepted or each.name != told.REJECTED.name
        ]
        return text


def _whole(answer: requests.Response) -> str:
    return f"{answer.status_code} {answer.headers}\n{answer.text}"


def _portfolios(exposition: str) -> list[str]:
    starts = ("quantconnect_holding", "quantconnect_cash")
    return [line for line in exposition.splitlines() if line.startswith(starts)]


class Run(NamedTuple):
    """A running exporter, its QuantConnect, who scrapes it, and its log."""

    process: subprocess.Popen[bytes]
    url: str
    server: SimulatorServer
    directory: Path
    prometheus: Prometheus

    def metrics(self) -> str:
        """A scrape, which must be answered, and whole."""
        answer = requests.get(f"{self.url}/metrics", timeout=120)
        assert answer.status_code == 200
        return self.prometheus.scraped(answer)

    def portfolio(self) -> list[str]:
        """The sample lines that are the portfolios."""
        return _portfolios(self.metrics())

    def eventually_published(self) -> list[str]:
        """The portfolios, once both are there."""
        return eventually(lambda: lines if len(lines := self.portfolio()) == _WHOLE else [])

    def ends(self, number: signal.Signals = signal.SIGTERM) -> None:
        """A signal ends it soon, with status 0."""
        self.prometheus.ending = True
        started = time.monotonic()
        self.process.send_signal(number)
        assert self.process.wait(120) == 0
        assert time.monotonic() - started < _PROMPT

    def eventually_logs(self, message: str, times: int = 1) -> None:
        """Until that has been logged."""
        eventually(lambda: self.log().count(message) >= times, timeout=120)

    def reload(self) -> requests.Response:
        """The configuration is read again."""
        return requests.post(f"{self.url}/-/reload", timeout=120)

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


class Start:
    """Starts exporters for a story, and keeps what came of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.runs: list[tuple[Prometheus, str]] = []

    @contextmanager
    def __call__(
        self,
        *,
        stderr: str = "",
        descriptors: int | None = None,
        before: Callable[[SimulatorServer], object] = lambda _: None,
        base_url: str = "",
        projects: str = _LISTED,
        command: tuple[str, ...] = (sys.executable, "-m", "exporter"),
        flags: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        listens: bool = True,
    ) -> Iterator[Run]:
        """The exporter, from when it listens; killed in the end if it has not ended by then."""
        directory = self.directory
        world = given_world({1: answer(1), 2: answer(1)})
        world.token = TOKEN
        server = SimulatorServer(world)
        authentication = server.authentication = Listening()
        server.start()
        before(server)
        (directory / "token").write_text(TOKEN)
        (directory / "quantconnect.yaml").write_text(
            _CONFIGURATION.format(base_url=base_url or server.base_url, projects=projects)
        )
        if descriptors is not None:
            command = ("sh", "-c", 'ulimit -n "$0" && exec "$@"', str(descriptors), *command)
        run = _started(
            directory, server, stderr, command, flags, environment or {}, listens=listens
        )
        prometheus = run.prometheus
        if listens:
            prometheus.start()
        try:
            yield run
        finally:
            prometheus.ending = True
            said = [*_titles(run.process_directory)]
            run.process.kill()
            run.process.wait()
            prometheus.stop()
            server.close()
        log = "" if stderr else run.log()
        self.runs.append((prometheus, log))
        assert not prometheus.wrong, prometheus.wrong[:3]
        assert authentication.credentials or not server.requests
        assert_narrow_lists(server)
        if not stderr:
            assert "Traceback" not in log, log[-2000:]
        said += [*prometheus.said, log, (directory / "stdout").read_text()]
        assert_no_secret(authentication, said)

    def comes_to(self, row: Told) -> None:
        """What was logged, counted and shown is what the row says, all of it and nothing else."""
        lines = [line for _, log in self.runs for line in told.lines(log)]
        wrong = told.of_log([line for line in lines if line.message not in _USUAL], row.logged)
        series = [
            each
            for prometheus, _ in self.runs
            for each in (*told.moved("", prometheus.last), *prometheus.alarms)
        ]
        wrong += told.of_series(series, row.counted)
        for prometheus, _ in self.runs:
            assert prometheus.scrapes or row.published is None
            whole = _WHOLE in prometheus.seen
            since = prometheus.seen[prometheus.seen.index(_WHOLE) :] if whole else prometheus.seen
            match row.published:
                case Published.ALL | Published.BEFORE if since != [_WHOLE]:
                    wrong.append(f"scrapes with {prometheus.seen} lines of portfolios")
                case Published.NOTHING_YET if since != [0]:
                    wrong.append(f"scrapes with {prometheus.seen} lines of portfolios")
        if row.published is Published.ALL:
            wrong += [f"a read failed: {each}" for each in series if each.name == told.READ_SUCCESS]
        assert not wrong, "\n".join(wrong)


def _started(
    directory: Path,
    server: SimulatorServer,
    stderr: str,
    command: tuple[str, ...],
    flags: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    listens: bool,
) -> Run:
    """Once it answers; on another port if somebody else took the first in the meantime."""
    status: int | None = None
    for _ in range(3):
        port = free_port()
        whole = [
            *command,
            f"--config.file={directory / 'quantconnect.yaml'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=debug",
            *flags,
        ]
        with (
            Path(stderr or directory / "log").open("wb") as log,
            (directory / "stdout").open("wb") as out,
        ):
            python_path = str(Path(__file__).resolve().parents[2])
            process = subprocess.Popen(
                whole,
                stderr=log,
                stdout=out,
                cwd=directory,
                env={**os.environ, "PYTHONPATH": python_path, **environment},
            )
        url = f"http://127.0.0.1:{port}"
        run = Run(process, url, server, directory, Prometheus(url))
        if not listens or eventually(partial(_answered, run), timeout=120) == 200:
            return run
        status = process.returncode
    raise AssertionError(f"it does not start, but ends with {status}")


def _titles(process: Path) -> Iterator[str]:
    """What anybody on the machine may read of a process."""
    for name in ("cmdline", "comm", "status"):
        with suppress(OSError):
            yield (process / name).read_bytes().decode("latin-1")


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
        return requests.get(f"{run.url}/-/healthy", timeout=120).status_code
    return 0


def _story(
    title: str,
    *,
    published: Published | None = Published.ALL,
    also: str = "",
    logged: Mapping[str, Often | int],
    counted: tuple[Series, ...] = (),
    recovers: str,
) -> Callable[[Callable[[Start], None]], Callable[[Start], None]]:
    def note(happens: Callable[[Start], None]) -> Callable[[Start], None]:
        row = Told(
            title, logged=logged, counted=counted, recovers=recovers, published=published, also=also
        )
        PROCESSES.append(ProcessStory(row, happens))
        return happens

    return note


@_story(
    "the disk for the log is full",
    also="a line of the log that can't be written is lost, and no more",
    logged={},
    recovers="there is nothing to recover from",
)
def full_disk(start: Start) -> None:
    with start(stderr="/dev/full") as run:
        run.eventually_published()
        run.server.faults.add(Delay(0.1))
        assert run.reload().status_code == 200
        run.server.requests.wait_for(len(run.server.requests) + 6)
        assert len(run.portfolio()) == _WHOLE
        run.ends()


@_story(
    "nobody reads the log: its pipe is full",
    also="lines beyond the first 1000 are lost; when somebody reads, a line says how many",
    logged={},
    recovers="when somebody reads",
)
def full_pipe(start: Start) -> None:
    pipe = start.directory / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(end, b"x" * 4096)
    with start(stderr=str(pipe)) as run:
        run.eventually_published()
        assert run.reload().status_code == 200
        run.server.requests.wait_for(len(run.server.requests) + 6)
        assert len(run.portfolio()) == _WHOLE
        run.ends()
    os.close(end)


@_story(
    "a variable of the environment that is misspelt",
    also="what it should have changed is as without it",
    logged={"Environment variable is not a flag of the exporter": 1},
    recovers="with a restart; the log has the name and the one that is meant",
)
def misspelt_variable(start: Start) -> None:
    variables = {
        "QUANTCONNECT_EXPORTER_LOG_FORMTA": "json",
        # Kubernetes sets such for a service of this name.
        "QUANTCONNECT_EXPORTER_PORT": "tcp://10.0.0.1:9999",
        "QUANTCONNECT_EXPORTER_SERVICE_HOST": "10.0.0.1",
    }
    with start(environment=variables) as run:
        run.eventually_published()
        (line,) = (each for each in run.log().splitlines() if "not a flag" in each)
        assert "variable=QUANTCONNECT_EXPORTER_LOG_FORMTA" in line
        assert "did_you_mean=QUANTCONNECT_EXPORTER_LOG_FORMAT" in line
        run.ends()


@_story(
    "connections that somebody opens and holds, more than there are file descriptors",
    also="the connections that have waited longest are closed",
    logged={},
    recovers="there is nothing to recover from",
)
def held_connections(start: Start) -> None:
    with start(descriptors=128) as run, closing_all() as held:
        good = run.eventually_published()
        for _ in range(160):
            held.append(socket.create_connection(("127.0.0.1", run.port)))
        assert run.portfolio() == good
        asked = len(run.server.requests)
        run.server.requests.wait_for(asked + 6)
        assert run.portfolio() == good
        run.ends()


@_story(
    "no file descriptor is left for anything",
    published=Published.BEFORE,
    also="scrapes over connections that are open go on",
    logged={
        "No connection can be accepted": 1,
        READ_FAILED: PERHAPS,
        CALL_FAILED: PERHAPS,
        READ_SUCCEEDS: PERHAPS,
        CALL_SUCCEEDS: PERHAPS,
    },
    counted=(replace(failures("connection"), perhaps=True), unread(perhaps=True)),
    recovers="with descriptors",
)
def no_descriptors(start: Start) -> None:
    with start() as run, closing_all() as held, requests.Session() as session:
        good = run.eventually_published()
        assert session.get(f"{run.url}/metrics", timeout=120).status_code == 200
        usual = resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, (24, usual[1]))
        for _ in range(40):
            held.append(socket.create_connection(("127.0.0.1", run.port)))
        eventually(lambda: "No connection can be accepted" in run.log(), timeout=120)
        for _ in range(5):
            scraped = session.get(f"{run.url}/metrics", timeout=120)
            assert scraped.status_code == 200
            assert good[0] in scraped.text
        # asyncio tries again each second.
        run.server.requests.wait_for(len(run.server.requests) + 12, timeout=120)
        resource.prlimit(run.process.pid, resource.RLIMIT_NOFILE, usual)
        assert run.portfolio() == good
        run.ends()


@_story(
    "a reload with a bad file, by signal and by HTTP",
    also="it goes by the configuration of before",
    logged={"The configuration was not reloaded": 2, "The configuration was reloaded": 1},
    counted=(RELOAD_FAILED,),
    recovers="at the next reload with a good file",
)
def bad_reload(start: Start) -> None:
    def successful(run: Run) -> str:
        (line,) = [
            line
            for line in run.metrics().splitlines()
            if line.startswith("quantconnect_exporter_config_last_reload_successful ")
        ]
        return line.split(" ")[1]

    with start() as run:
        good = run.eventually_published()
        file = run.directory / "quantconnect.yaml"
        text = file.read_text()
        file.write_text(text + f"unheard_of: {TOKEN}\n")
        answered = run.reload()
        assert answered.status_code == 500
        assert "unheard_of" in answered.text
        run.prometheus.said.append(_whole(answered))
        assert successful(run) == "0.0"
        # The same complaint again would not be logged.
        file.write_text(text + f"unheard_of_too: {TOKEN}\n")
        run.process.send_signal(signal.SIGHUP)
        run.eventually_logs("The configuration was not reloaded", 2)
        assert run.portfolio() == good
        file.write_text(text)
        assert run.reload().status_code == 200
        assert successful(run) == "1.0"
        assert run.portfolio() == good
        run.ends()


@_story(
    "the token's file may no longer be read: no permission",
    published=Published.BEFORE,
    also="the token in use stays in use",
    logged={
        UNREADABLE: EACH,
        REJECTED_ACCOUNT: EACH,
        READ_FAILED: PERHAPS,
        CALL_FAILED: PERHAPS,
        "The configuration was reloaded": 1,
        CALL_SUCCEEDS: PERHAPS,
        READ_SUCCEEDS: PERHAPS,
    },
    counted=(failures("auth"), REJECTED, unread(perhaps=True)),
    recovers="at a reload, once there is a good token in it that may be read",
)
def no_permission(start: Start) -> None:
    command: tuple[str, ...] = (sys.executable, "-m", "exporter")
    if os.geteuid() == 0:  # whom no file's mode keeps from anything, but for this
        command = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", *command)
    with start(command=command) as run:
        good = run.eventually_published()
        token = run.directory / "token"
        token.chmod(0)
        run.server.requests.wait_for(len(run.server.requests) + 6)
        assert run.portfolio() == good
        assert UNREADABLE not in run.log()
        run.server.world.token = TOKEN[::-1]
        run.eventually_logs(REJECTED_ACCOUNT)
        assert "got: Permission denied" in run.log()
        assert run.portfolio() == good
        token.chmod(0o600)
        token.write_text(TOKEN[::-1])
        assert run.reload().status_code == 200
        labels = 'account="default",project="P1",project_id="1",source="portfolio"'
        success = f"quantconnect_read_success{{{labels}}} 1.0"
        eventually(lambda: success in run.metrics())
        run.ends()


@_story(
    "SIGKILL, and a restart",
    also="the same numbers, within the first reads",
    logged={},
    recovers="at once: nothing is kept on disk, and counters begin at 0 as Prometheus expects",
)
def killed(start: Start) -> None:
    with start() as run:
        good = run.eventually_published()
        run.prometheus.ending = True
        run.process.kill()
        assert run.process.wait(120) == -signal.SIGKILL
    with start() as run:
        assert run.eventually_published() == good
        asked = 'quantconnect_api_requests_total{account="default",endpoint="authenticate"} 1.0'
        assert asked in run.metrics().splitlines()
        run.ends()


_ENDS = "it has ended with status 0, in no more than a moment; the port is closed"


def _terminated(
    title: str,
    happens: Callable[[Run], Any],
    *,
    published: Published | None = None,
    logged: Mapping[str, Often | int] | None = None,
    counted: tuple[Series, ...] = (),
    **started: Any,
) -> None:
    @_story(
        f"SIGTERM {title}",
        published=published,
        also="everything until then" if published is None else "",
        logged=logged or {},
        counted=counted,
        recovers=_ENDS,
    )
    def story(start: Start) -> None:
        with start(**started) as run:
            happens(run)
            run.ends()
            if started.get("listens", True):
                assert "msg=Stopping signal=SIGTERM" in run.log()
                assert "msg=Stopped" in run.log()
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{run.url}/metrics", timeout=120)


def _nothing(_: object) -> None:
    """Nothing."""


def _reloading(run: Run) -> None:
    run.eventually_published()
    run.process.send_signal(signal.SIGHUP)


def _stalled(endpoint: str) -> Callable[[SimulatorServer], object]:
    return lambda server: server.faults.add(Stall(sent=None), endpoint=endpoint)


def _asked(endpoint: str) -> Callable[[Run], object]:
    def asked(run: Run) -> None:
        run.server.requests.wait_for(1, endpoint)
        run.metrics()

    return asked


def _logs(message: str) -> Callable[[Run], object]:
    def logs(run: Run) -> None:
        run.eventually_logs(message)
        run.metrics()

    return logs


def _refuses(server: SimulatorServer) -> None:
    server.world.token = "another"


def _rests(server: SimulatorServer) -> None:
    limited = Status(429, (("Retry-After", "600"),))
    server.faults.add(limited, endpoint="live/portfolio/read", times=1)


@_story(
    "SIGTERM before it listens: its configuration cannot be read to the end",
    published=None,
    also="nothing yet: nobody can connect",
    logged={"Stopped before it was started": 1},
    recovers=_ENDS,
)
def terminated_before_listening(start: Start) -> None:
    fifo = start.directory / "fifo.yaml"
    os.mkfifo(fifo)

    def opened() -> int:
        with suppress(OSError):  # as long as nobody reads
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        return 0

    with start(flags=(f"--config.file={fifo}",), listens=False) as run:
        writing = eventually(opened, timeout=120)
        try:
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{run.url}/metrics", timeout=120)
            run.ends()
        finally:
            os.close(writing)


@_story(
    "SIGTERM during a look-up of a name, which goes on and on",
    published=Published.NOTHING_YET,
    logged={},
    recovers=_ENDS,
)
def terminated_in_look_up(start: Start) -> None:
    slow = (sys.executable, "-c", _SLOW_RESOLVER)
    with start(command=slow, base_url="https://slow.example/api/v2") as run:
        eventually((run.directory / "asked").exists)
        scrapes = run.prometheus.scrapes
        eventually(lambda: run.prometheus.scrapes >= scrapes + 3)
        run.ends()


@_story(
    "SIGTERM during a TLS handshake that nobody answers",
    published=Published.NOTHING_YET,
    logged={},
    recovers=_ENDS,
)
def terminated_in_handshake(start: Start) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        start(base_url=f"https://127.0.0.1:{silent.getsockname()[1]}/api/v2") as run,
    ):
        silent.settimeout(120)
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1) == b"\x16"  # a ClientHello
            scrapes = run.prometheus.scrapes
            eventually(lambda: run.prometheus.scrapes >= scrapes + 3)
            run.ends()


_terminated("as soon as it listens", _nothing)
_terminated(
    "while `authenticate` waits for an answer",
    _asked("authenticate"),
    before=_stalled("authenticate"),
    published=Published.NOTHING_YET,
)
_terminated(
    "during discovery, while `live/list` waits for an answer",
    _asked("live/list"),
    before=_stalled("live/list"),
    projects=_DISCOVERED,
    published=Published.NOTHING_YET,
)
_terminated(
    "while portfolios wait for an answer",
    _asked("live/portfolio/read"),
    before=_stalled("live/portfolio/read"),
    published=Published.NOTHING_YET,
)
_terminated(
    "during the wait after a rejection",
    _logs(REJECTED_ACCOUNT),
    before=_refuses,
    published=Published.NOTHING_YET,
    logged={REJECTED_ACCOUNT: 1},
    counted=(failures("auth", "authenticate", 1),),
)
_terminated(
    "during a rest that `Retry-After` asked for",
    _logs(READ_FAILED),
    before=_rests,
    logged={READ_FAILED: 1},
    counted=(failures("rate_limit", "live/portfolio/read", 1), unread("portfolio")),
)
_terminated("while all is well", Run.eventually_published, published=Published.ALL)
_terminated(
    "during a reload",
    _reloading,
    published=Published.ALL,
    logged={"The configuration was reloaded": PERHAPS},
)


@_story(
    "SIGTERM while a client reads its scrape slowly",
    also="to others, nothing any more",
    logged={},
    recovers=_ENDS,
)
def terminated_while_scraped(start: Start) -> None:
    with start() as run:
        run.eventually_published()
        with socket.create_connection(("127.0.0.1", run.port)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(10).startswith(b"HTTP/1.1")
            run.ends()
