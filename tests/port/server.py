"""A server with a big answer, in a thread, and clients over plain HTTP or TLS."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import TYPE_CHECKING

from exporter.web.config import is_admitted
from exporter.web.config.settings import TLS, ClientAuth, Pem
from exporter.web.config.tls import server_context
from exporter.web.handshake import Handshakes
from exporter.web.listen import Address, bind
from exporter.web.messages import Response
from exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from exporter.web.clients import Clients
    from exporter.web.limits import Limits, Throttle
    from exporter.web.messages import Request
    from tests.web_config.pki import PKI

    Serving = Callable[..., AbstractContextManager["Running"]]
    """Starts a server with given limits."""

BIG = 20_000_000
BODY = random.Random(0).randbytes(BIG)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@dataclass
class Running:
    """A server, and who is there now."""

    port: int
    clients: Clients
    asked: list[str]
    under_way: list[str]
    tls: ssl.SSLContext | None
    release: threading.Event
    stop: Callable[[], None]
    refused: list[None]
    """As many as handshakes were refused."""

    def connect_plainly(self, *, patient: bool = True) -> socket.socket:
        """A connection without a word, TLS's own neither."""
        client = socket.socket()
        if not patient:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(("127.0.0.1", self.port))
        return client

    def connect(self, *, patient: bool = True) -> socket.socket:
        return self.wrap(self.connect_plainly(patient=patient))

    def wrap(self, client: socket.socket) -> socket.socket:
        """Over TLS, if it is spoken here."""
        if self.tls is None:
            return client
        return self.tls.wrap_socket(client, server_hostname="localhost")

    def ask(self, path: str = "/small") -> bytes:
        with self.connect() as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            return read(client)


def read(client: socket.socket) -> bytes:
    response = HTTPResponse(client)
    response.begin()
    assert response.status == 200
    return response.read()


def ends(client: socket.socket) -> bool:
    """Whether the server ends the connection, whatever it sends before."""
    client.settimeout(30)
    try:
        while client.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@contextmanager
def running(
    pki: PKI | None = None,
    asked: ClientAuth = ClientAuth.NONE,
    allowed: frozenset[str] | None = None,
    limits: Limits | None = None,
    throttle: Throttle | None = None,
) -> Iterator[Running]:
    """A server, over TLS if there are certificates for it."""
    asked_for: list[str] = []
    under_way: list[str] = []
    refused: list[None] = []
    release = threading.Event()

    async def application(request: Request) -> Response:
        path = request.path
        asked_for.append(path)
        under_way.append(path)
        if path == "/slow":
            await asyncio.sleep(0.3)
        elif path == "/held":
            while not release.is_set():
                await asyncio.sleep(0.01)
        elif path == "/blocking":
            release.wait(30)
        under_way.remove(path)
        return Response(200, [BODY[:7], b"", BODY[7:]] if path == "/" else [b"small"])

    client = handshakes = None
    if pki is not None:
        certificate, key = Pem("cert_file", pki.path("server.pem")), Pem("", pki.path("server.key"))
        authority = Pem("", pki.path("ca.pem")) if asked is not ClientAuth.NONE else None
        context = server_context(
            TLS(
                certificate,
                key,
                client_auth=asked,
                client_ca=authority,
                client_allowed_sans=allowed,
            )
        )
        handshakes = Handshakes(
            context,
            is_admitted=is_admitted,
            count_refused=lambda: refused.append(None),
            throttle=throttle,
        )
        client = ssl.create_default_context(cafile=str(pki.path("ca.pem")))
    listener = bind(Address("127.0.0.1", 0))
    server = Server(application, [listener], handshakes=handshakes, limits=limits)
    thread = threading.Thread(target=server.run_in_thread)
    thread.start()
    try:
        port = listener.getsockname()[1]
        yield Running(
            port, server.clients, asked_for, under_way, client, release, server.stop, refused
        )
    finally:
        release.set()
        server.stop()
        thread.join(30)
        listener.close()
    assert not thread.is_alive()
