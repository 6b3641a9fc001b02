"""The simulated QuantConnect as an HTTP server on loopback: sockets, threads and requests."""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlsplit

from exporter.simulator import wire
from exporter.simulator.api import Api
from exporter.simulator.authentication import Authentication
from exporter.simulator.exchange import Answer, Exchange, Request

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from exporter.simulator.api import Parameters
    from exporter.simulator.exchange import Interference
    from exporter.simulator.world import World

log = logging.getLogger(__name__)

_PREFIX = "/api/v2/"
_IDLE = 120.0  # seconds after which an idle connection is closed
_NOT_FOUND = Answer(
    404, (("Content-Type", "text/html; charset=utf-8"),), b"<html><h1>404 Not Found</h1></html>"
)


class SimulatorServer:
    """The server of ``world``; a context manager that starts and closes it.

    ``interference`` chooses the faults of each request. With ``port`` 0 the system picks one: see
    ``base_url``. Raises OSError if it cannot listen.
    """

    def __init__(
        self,
        world: World,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        ssl_context: ssl.SSLContext | None = None,
        lockout_after: int = 10,
        lockout_seconds: float = 900.0,
        interference: Interference | None = None,
    ) -> None:
        self.world = world
        self.interference = interference
        self.authentication = Authentication(lockout_after, lockout_seconds)
        self._http = _HTTPServer((host, port), self, ssl_context)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), name="simulator", daemon=True
        )

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        """The simulated equivalent of https://www.quantconnect.com/api/v2."""
        scheme = "http" if self._http.ssl_context is None else "https"
        return f"{scheme}://{self._http.server_address[0]!s}:{self.port}{_PREFIX.rstrip('/')}"

    def now(self) -> float:
        """Return the server's clock in unix seconds, for the Date header and signatures."""
        return time.time()

    def start(self) -> None:
        """Start answering, in the server's own threads."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening and drop every connection, in well under a second."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.drop_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _HTTPServer(ThreadingHTTPServer):
    """The sockets of a ``SimulatorServer``."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(
        self,
        address: tuple[str, int],
        simulator: SimulatorServer,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self.simulator = simulator
        self.api = Api(simulator.world)
        self.ssl_context = ssl_context
        self.closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        """Register each connection. Its own thread does the TLS handshake, so a silent client
        delays no other."""
        connection, address = super().get_request()
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        """Unregister a connection that ends."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log a fault of the simulator itself."""
        log.exception("request failed client=%s request=%s", client_address, request)

    def drop_connections(self) -> None:
        """End all connections and waits."""
        self.closing.set()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        """Wait for ``seconds``. Raise ConnectionAbortedError if the server closes meanwhile."""
        if self.closing.wait(seconds):
            msg = "the simulator closes"
            raise ConnectionAbortedError(msg)


class _Handler(BaseHTTPRequestHandler):
    """The handler of a connection's requests."""

    server: _HTTPServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE

    def handle(self) -> None:
        """Handle requests until either side closes; a client that disconnects is no error."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def do_GET(self) -> None:
        """Handle any request."""
        simulator = self.server.simulator
        split = urlsplit(re.sub("/{2,}", "/", self.path))
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            self.send_error(400, "Bad Content-Length")
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the client disconnected before it had sent the whole request
            self.close_connection = True
            return
        if not split.path.startswith(_PREFIX):
            endpoint, refusal = split.path, None
            parameters: Parameters = {}
        else:
            endpoint = split.path.removeprefix(_PREFIX).strip("/")
            parameters = {**dict(parse_qsl(split.query)), **_parameters(body)}
            refusal = simulator.authentication.refusal(
                self.headers,  # type: ignore[arg-type]
                self.client_address[0],
                user_id=simulator.world.user_id,
                token=simulator.world.token,
                now=simulator.now(),
            )
        request = Request(
            monotonic=time.monotonic(),
            time=time.time(),
            method=self.command,
            endpoint=endpoint,
            project_id=_project_id(parameters),
            status=str(parameters["status"]) if "status" in parameters else None,
            authorised=refusal is None,
            user_agent=self.headers.get("User-Agent", ""),
            address=self.client_address[0],
        )
        interference = simulator.interference

        def normal() -> Answer:
            if not split.path.startswith(_PREFIX):
                return _NOT_FOUND
            if refusal is not None:
                return Answer(body=wire.dumps(refusal))
            return Answer(body=self.server.api.answer(endpoint, parameters))

        exchange = Exchange(
            connection=self.connection,
            faults=iter(()) if interference is None else interference.faults_for(request),
            normal=normal,
            wait=self.server.wait,
            clock=simulator.now,
            accepts_gzip="gzip" in self.headers.get("Accept-Encoding", ""),
        )
        exchange.proceed()
        if not exchange.keep_alive:
            self.close_connection = True

    do_POST = do_GET  # noqa: N815 - the standard library's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


def _parameters(body: bytes) -> Parameters:
    """Return the parameters in a body of JSON or a form; none if it is neither."""
    if not body.lstrip().startswith(b"{"):
        return dict(parse_qsl(body.decode("latin-1")))
    try:
        return dict(json.loads(body))
    except ValueError:
        return {}


def _project_id(parameters: Parameters) -> int | None:
    try:
        return int(str(parameters["projectId"]))
    except (KeyError, ValueError):
        return None
