"""A thousand clients that drag things out, and a scraper that must not notice."""

from __future__ import annotations

import resource
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pytest

from exporter.web.limits import Limits
from tests.support import generated_world

from .exporter_process import Exporter, running, until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.web_config.pki import PKI

pytestmark = pytest.mark.unmeasured

CLIENTS = 1000
READERS = 100  # of them, ask for everything and read nothing


@pytest.fixture(autouse=True)
def _files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Slow:
    """Clients that never end what they began."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._stop = threading.Event()
        self.clients: list[socket.socket] = []
        self.dripping: list[socket.socket] = []
        self._dripper = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        self._dripper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._dripper.join(20)
        for client in self.clients:
            client.close()

    def come(self, count: int, first_words: bytes) -> None:
        for _ in range(count):
            client = self._exporter.connect()
            client.sendall(first_words)
            self.clients.append(client)

    def read_nothing(self, count: int) -> None:
        for _ in range(count):
            client = self._exporter.connect(receive_buffer=4096)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(1)  # the answer has begun
            self.clients.append(client)

    def _drip(self) -> None:
        while not self._stop.wait(1):
            for client in list(self.dripping):
                with suppress(OSError):
                    client.send(b"x")


def scrape(exporter: Exporter) -> tuple[float, int]:
    """Seconds and size of a scrape as Prometheus makes it."""
    began = time.monotonic()
    request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with exporter.wrap(exporter.connect()) as client:
        client.sendall(request)
        answer = bytearray()
        while received := client.recv(1 << 20):
            answer += received
    assert answer.startswith(b"HTTP/1.1 200 OK")
    length = int(answer.split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(answer.partition(b"\r\n\r\n")[2]) == length
    return time.monotonic() - began, length


def test_a_thousand_slow_clients_and_a_scraper(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(generated_world(projects=1, holdings=8000), tmp_path) as exporter:
        until(lambda: scrape(exporter)[1] > 8_000_000)
        alone = [scrape(exporter)[0] for _ in range(5)]
        before = exporter.resident
        with Slow(exporter) as slow:
            slow.come(300, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
            slow.dripping = list(slow.clients)
            slow.come(300, b"")
            slow.come(200, b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 10")
            slow.come(100, b"\x16\x03\x01")
            slow.read_nothing(READERS)
            assert len(slow.clients) == CLIENTS
            crowded = [scrape(exporter) for _ in range(10)]
            held, files = exporter.resident, exporter.files
        size = crowded[-1][1]
        with capsys.disabled():
            print(
                f"\n{CLIENTS} slow clients, {READERS} of whom read nothing of {size / 1e6:.0f} MB:"
                f" a scrape took {max(seconds for seconds, _ in crowded):.2f} s at most,"
                f" alone {max(alone):.2f} s; memory {before / 1e6:.0f} to {held / 1e6:.0f} MB,"
                f" {files} files open"
            )
        # The answers of all who read nothing would be this much.
        assert held - before < READERS * size / 2
        assert exporter.ask("/-/healthy")[0] == 200
        assert "Traceback" not in exporter.log
        until(lambda: exporter.files < 100)


def test_a_thousand_who_begin_tls_and_a_scraper(
    pki: PKI, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that kept all of them would take files until there are none."""
    web = tmp_path / "web.yaml"
    pem, key = pki.path("server.pem"), pki.path("server.key")
    web.write_text(f"tls_server_config: {{cert_file: {pem}, key_file: {key}}}\n")
    flags = ("--web.config.file", str(web))
    with running(generated_world(projects=1, holdings=3), tmp_path, *flags) as exporter:
        exporter.tls = ssl.create_default_context(cafile=str(pki.path("ca.pem")))
        until(lambda: exporter.ask("/-/ready")[0] == 200)
        alone = [scrape(exporter)[0] for _ in range(5)]
        before = exporter.resident
        with Slow(exporter) as slow:
            slow.come(CLIENTS // 2, b"")
            slow.come(CLIENTS // 2, b"\x16\x03\x01\x40\x00")
            slow.dripping = list(slow.clients)
            crowded: list[float] = []
            for _ in range(10):
                slow.come(50, b"")
                crowded.append(scrape(exporter)[0])
            held, files = exporter.resident, exporter.files
        with capsys.disabled():
            print(
                f"\n{len(slow.clients)} clients who began TLS: a scrape took"
                f" {max(crowded):.2f} s at most, alone {max(alone):.2f} s; memory"
                f" {before / 1e6:.0f} to {held / 1e6:.0f} MB, {files} files open"
            )
        # Of all those who came, as many are there as may be idle.
        assert files < Limits.of_this_process(tls=True).idle_connections + 50
        assert exporter.ask("/-/healthy")[0] == 200
        until(lambda: exporter.files < 50)
        assert "level=error" not in exporter.log
        assert "Traceback" not in exporter.log


def test_it_ends_in_time_though_clients_do_not(tmp_path: Path) -> None:
    with running(generated_world(projects=1, holdings=3), tmp_path) as exporter:
        with Slow(exporter) as slow:
            slow.come(200, b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
            slow.come(200, b"")
            exporter.process.terminate()
            assert exporter.process.wait(30) == 0
        assert "Traceback" not in exporter.log
