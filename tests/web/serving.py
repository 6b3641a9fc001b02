"""The application on a real socket, with a project in its store, spoken to over http.client."""

from __future__ import annotations

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.clock import Clock
from exporter.exposition import Renderer
from exporter.metrics.table import Row
from exporter.sources.portfolio import POSITIONS, Portfolio
from exporter.store import AccountReport, Part, ProjectReport, Published, SourceReport, Store
from exporter.telemetry import Telemetry
from exporter.web.app import Application, Site
from exporter.web.listen import Address, bind
from exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.exposition import Snapshot

NOW = 1795271400.0
SAMPLE = 'quantconnect_holdings{account="main",project="US momentum",project_id="7"} 0.0'


@dataclass
class Vitals:
    """What the poller would say."""

    is_healthy: bool = True
    is_ready: bool = True
    stand: Sequence[AccountReport] = (AccountReport("main", "accepted"),)

    def healthy(self) -> bool:
        return self.is_healthy

    def ready(self) -> bool:
        return self.is_ready

    def accounts(self) -> Sequence[AccountReport]:
        return self.stand


@dataclass
class Configuration:
    """What the command would do."""

    text: str = "accounts:\n- api_token: <secret>\n"
    error: Exception | None = None
    reloads: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def running(self) -> str:
        return self.text

    def reload(self) -> None:
        self.reloads += 1
        self.gate.wait(20)
        if self.error is not None:
            raise self.error


class Gate(Store):
    """A store that can make scrapes wait."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.open = threading.Event()
        self.open.set()
        self.waiting = threading.Semaphore(0)

    def snapshots(self) -> Sequence[Snapshot]:
        self.waiting.release()
        assert self.open.wait(30)
        return super().snapshots()


def published(project_id: int = 7, name: str = "US momentum", **report: object) -> Published:
    """A project without positions, its portfolio read 100 seconds ago."""
    snapshot = Renderer(Row("main", project_id, name)).render(POSITIONS, [Portfolio((), (), ())])
    given: dict[str, object] = {
        "project_id": project_id,
        "name": name,
        "account": "main",
        "state": "Running",
        "positions": 0,
        "sources": (SourceReport("portfolio", 60, tried=NOW - 100, succeeded=NOW - 100),),
        **report,
    }
    return Published(ProjectReport(**given), (Part(snapshot),))  # type: ignore[arg-type]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Serving:
    """A running server and what it serves."""

    port: int
    store: Gate
    telemetry: Telemetry
    vitals: Vitals = field(default_factory=Vitals)
    configuration: Configuration = field(default_factory=Configuration)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            read = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, read, response.read())
        finally:
            connection.close()


def serving_site(telemetry_path: str = "/metrics") -> tuple[Site, Gate, Vitals, Configuration]:
    clock = Clock(now=lambda: NOW)
    store, vitals, configuration = Gate(clock), Vitals(), Configuration()
    store.put(published())
    site = Site(
        store=store,
        telemetry=Telemetry(version="1.2.3", revision="unknown"),
        vitals=vitals,
        configuration=configuration,
        clock=clock,
        version="1.2.3",
        telemetry_path=telemetry_path,
    )
    return site, store, vitals, configuration


@contextmanager
def serving(*, telemetry_path: str = "/metrics", max_requests: int = 40) -> Iterator[Serving]:
    site, store, vitals, configuration = serving_site(telemetry_path)
    listener = bind(Address("127.0.0.1", 0))
    server = Server(Application(site, max_requests=max_requests), [listener])
    thread = threading.Thread(target=server.run_in_thread)
    thread.start()
    try:
        port = listener.getsockname()[1]
        yield Serving(port, store, site.telemetry, vitals, configuration)
    finally:
        store.open.set()
        server.stop()
        thread.join(20)
        listener.close()
    assert not thread.is_alive()


def poll(condition: object, *, seconds: float = 20) -> None:
    """Wait until ``condition()`` is true."""
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
