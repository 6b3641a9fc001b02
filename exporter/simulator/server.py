"""The simulated QuantConnect as an HTTP server on loopback."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from exporter.simulator.authentication import Authentication
from exporter.simulator.faults import Faults
from exporter.simulator.http_server import PREFIX, HTTPServer
from exporter.simulator.requestlog import RequestLog

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    from exporter.simulator.world import World


class SimulatorServer:
    """Serves ``world``; a context manager that starts and closes.

    ``faults`` and ``authentication`` change how it answers, ``requests`` tells what it was asked.
    With ``port`` 0 the system picks one: see ``base_url``. ``date_offset`` puts its clock wrong,
    for the Date header and the signatures' window alike. Raises OSError where it can't listen.
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
    ) -> None:
        self.world = world
        self.faults = Faults()
        self.requests = RequestLog()
        self.authentication = Authentication(lockout_after, lockout_seconds)
        self.date_offset = 0.0
        self._http = HTTPServer((host, port), self, ssl_context)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), name="simulator", daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._http.server_address[1])

    @property
    def base_url(self) -> str:
        """What a client takes for https://www.quantconnect.com/api/v2."""
        scheme = "http" if self._http.ssl_context is None else "https"
        return f"{scheme}://{self._http.server_address[0]!s}:{self.port}{PREFIX.rstrip('/')}"

    def now(self) -> float:
        """The server's clock, unix seconds."""
        return time.time() + self.date_offset

    def start(self) -> None:
        """Answer from now on, in threads of its own."""
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
