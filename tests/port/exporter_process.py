"""The real exporter in a process of its own, before a simulated QuantConnect, and raw clients."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.simulator import DEMO_TOKEN, World
from tests.support import SimulatorServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

CONFIGURATION = """\
scrape_interval: 1h
status_interval: 1h
statistics_interval: 0s
accounts:
  - user_id: 1
    api_token: {token}
    base_url: {base_url}
    requests_per_minute: 6000
    projects: [{projects}]
"""


@dataclass
class Exporter:
    """A running exporter."""

    process: subprocess.Popen[bytes]
    port: int
    log_file: Path
    tls: ssl.SSLContext | None = None  # as which a scraper comes, once it is set

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def resident(self) -> int:
        """Bytes of memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    @property
    def files(self) -> int:
        """How many it has open."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def connect(self, *, receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(30)
        client.connect(("127.0.0.1", self.port))
        return client

    def wrap(self, client: socket.socket) -> socket.socket:
        """Over TLS, if it is spoken here."""
        if self.tls is None:
            return client
        return self.tls.wrap_socket(client, server_hostname="localhost")

    def say(self, request: bytes) -> bytes:
        """Everything that is answered to these bytes until the connection ends or goes quiet."""
        with self.connect() as client:
            answer = b""
            with suppress(ConnectionError):
                client.sendall(request)  # of which the beginning may be answered already
            try:
                while received := client.recv(65536):
                    answer += received
                    client.settimeout(0.5)
            except (TimeoutError, ConnectionError):
                pass
            return answer

    def ask(self, path: str, method: str = "GET", headers: str = "") -> tuple[int, str, str]:
        """Status, head and body of one answer."""
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        with self.wrap(self.connect()) as client:
            client.sendall(request.encode())
            answer = b""
            while received := client.recv(1 << 20):
                answer += received
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode(), body.decode()


@contextmanager
def running(world: World, directory: Path, *flags: str) -> Iterator[Exporter]:
    """The exporter, once it has tried to read every project of ``world``."""
    configuration = directory / "quantconnect.yaml"
    log_file = directory / "log"
    with SimulatorServer(world) as simulator, log_file.open("wb") as log:
        projects = ", ".join(f"{{id: {project_id}}}" for project_id in world.project_ids)
        configuration.write_text(
            CONFIGURATION.format(token=DEMO_TOKEN, base_url=simulator.base_url, projects=projects)
        )
        command = [sys.executable, "-m", "exporter", "--config.file", str(configuration)]
        process = subprocess.Popen(
            [*command, "--web.listen-address", "127.0.0.1:0", *flags],
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        try:
            until(lambda: b"TLS is" in log_file.read_bytes() or process.poll() is not None)
            found = re.search(r"address=127\.0\.0\.1:(\d+)", log_file.read_text())
            assert found, log_file.read_text()
            exporter = Exporter(process, int(found[1]), log_file)
            if not flags:
                until(lambda: exporter.ask("/-/ready")[0] == 200)
            yield exporter
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
                process.wait()
        assert process.returncode == 0


def until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
