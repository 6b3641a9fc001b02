"""A tiny application behind a web configuration, on a real socket, and clients that speak TLS."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.web.config import Guard, WebConfig, is_admitted
from exporter.web.handshake import Handshakes
from exporter.web.listen import Address, bind
from exporter.web.messages import text_response
from exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exporter.web.messages import Request, Response

    from .pki import PKI

TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n"


PROBE = "/-/healthy"


async def application(_: Request) -> Response:
    """Says hello, with headers as the exporter has them."""
    headers = {"x-frame-options": "DENY", "content-security-policy": "default-src 'none'"}
    return text_response("hello\n", headers=headers)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Clock:
    """Seconds, turned by hand."""

    time: float = 1000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class Serving:
    """A running server; ``file`` is its web configuration."""

    port: int
    file: Path
    pki: PKI
    refused: list[int] = field(default_factory=list)

    def ask(
        self,
        path: str = "/metrics",
        *,
        user: str = "",
        password: str | bytes = "",
        client: ssl.SSLContext | None = None,
        authorization: list[str] | None = None,
    ) -> Answer:
        """Ask over HTTP, or over HTTPS as ``client``."""
        if client is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        else:
            connection = http.client.HTTPSConnection(
                "localhost", self.port, timeout=20, context=client
            )
        try:
            connection.putrequest("GET", path)
            for value in authorization or ():
                connection.putheader("Authorization", value)
            if user:
                connection.putheader("Authorization", basic(user, password))
            connection.endheaders()
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def admits(self, client: ssl.SSLContext) -> bool:
        """Whether a request as ``client`` is answered, rather than the connection ended."""
        try:
            return self.ask(client=client).status == 200
        except (ssl.SSLError, ConnectionError):
            return False

    @contextmanager
    def handshake(self, client: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
        """A connection as ``client``, without a word of HTTP."""
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=20) as plain,
            client.wrap_socket(plain, server_hostname="localhost") as spoken,
        ):
            yield spoken

    def serial(self) -> int:
        """The serial number of the certificate that is shown now."""
        with self.handshake(self.client()) as spoken:
            shown = spoken.getpeercert()
            assert shown is not None
            return int(str(shown["serialNumber"]), 16)

    def client(self, name: str = "") -> ssl.SSLContext:
        """A client that trusts the test CA and shows the certificate called ``name``."""
        context = ssl.create_default_context(cafile=str(self.pki.path("ca.pem")))
        if name:
            context.load_cert_chain(self.pki.path(f"{name}.pem"), self.pki.path(f"{name}.key"))
        return context

    def write(self, text: str) -> None:
        """Replace the web configuration, as ``sed -i`` and Kubernetes do."""
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.file)


def basic(user: str, password: str | bytes) -> str:
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(user.encode() + b":" + secret).decode()


@contextmanager
def serving(
    pki: PKI,
    text: str,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Serving]:
    file = pki.path("web.yml")
    file.write_text(text)
    config = WebConfig(file, clock=clock)
    listener = bind(Address("127.0.0.1", 0))
    refused: list[int] = []
    guard = Guard(application, config, exempt=(PROBE,), clock=clock)

    async def noted(request: Request) -> Response:
        response = await guard(request)
        if response.status != 200:
            refused.append(response.status)
        return response

    handshakes = None
    if (context := config.server_context()) is not None:
        handshakes = Handshakes(context, is_admitted=is_admitted, count_refused=lambda: None)
    server = Server(noted, [listener], handshakes=handshakes)
    thread = threading.Thread(target=server.run_in_thread)
    thread.start()
    try:
        yield Serving(listener.getsockname()[1], file, pki, refused)
    finally:
        server.stop()
        thread.join(20)
        listener.close()
    assert not thread.is_alive()
