"""The HTTP server: uvicorn on our sockets, stopped by SIGTERM or SIGINT once all is answered."""

from __future__ import annotations

import asyncio
import errno
import logging
import signal
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import uvicorn

from exporter.log import Log
from exporter.web.connection import Connection, Crowd
from exporter.web.handshake import Handshake
from exporter.web.limits import MOST_WAITING_OVER_TLS, most_waiting

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator, Sequence

    from starlette.types import ASGIApp

log = Log(__name__)

# How long what is in flight may take after SIGTERM; as long as Prometheus waits for a scrape.
_DRAIN_SECONDS = 10
_MOST_BACKLOG = 2048
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_QUIET_SECONDS = 60.0


class Server:
    """Serves an application until ``stop`` or a signal, over TLS if there is a context for it."""

    def __init__(
        self, app: ASGIApp, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None
    ) -> None:
        # What a stranger sends that is no HTTP is no news for the log.
        logging.getLogger("uvicorn").setLevel(logging.ERROR)
        self._sockets = list(sockets)
        waiting = most_waiting()
        # asyncio accepts so many before a connection that waits too long can be closed for them.
        backlog = max(1, min(_MOST_BACKLOG, waiting // 4))
        protocol: Callable[..., asyncio.Protocol]
        if tls is None:
            self._crowd = Crowd(waiting)
            protocol = partial(Connection, crowd=self._crowd)
        else:
            self._crowd = Crowd(min(waiting, MOST_WAITING_OVER_TLS))
            protocol = partial(Handshake, crowd=self._crowd, tls=tls)
        config = uvicorn.Config(
            app,
            log_config=None,
            backlog=backlog,
            access_log=False,
            lifespan="off",
            http=cast("Any", protocol),
            loop="asyncio",
            ws="none",
            server_header=False,
            timeout_keep_alive=75,  # Prometheus scrapes each minute at the most rarely
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
        config.load()
        self._server = _Uvicorn(config)
        self._quiet_until = 0.0

    def run(self, *, on_hangup: Callable[[], object]) -> None:
        """Serve in this thread, which must be the main one, until SIGTERM or SIGINT.

        ``on_hangup`` is called, in another thread, for each SIGHUP.
        """
        asyncio.run(self._serve(on_hangup))

    def run_in_thread(self) -> None:
        """Serve in this thread, any thread, until ``stop``; signals are somebody else's."""
        asyncio.run(self._serve(None))

    def stop(self) -> None:
        """Take no more requests and end when those in flight are answered."""
        self._crowd.ending = True
        self._server.should_exit = True

    async def _serve(self, on_hangup: Callable[[], object] | None) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unhandled)
        if on_hangup is not None:
            loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, on_hangup)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop_on, signal.Signals(number).name)
        await self._server.serve(sockets=self._sockets)
        for connection in list(self._crowd.all):
            connection.cut()
        await asyncio.sleep(0)  # for them to be closed

    def _unhandled(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What asyncio caught. Without a file left it says so, with a traceback, two thousand
        times a second, which would fill the disk: here it is said once a minute."""
        error = context.get("exception")
        if self._server.should_exit and "_start_serving" in context["message"]:
            return  # it comes too late to listen again
        if not isinstance(error, OSError) or error.errno not in _OUT_OF_RESOURCES:
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + _QUIET_SECONDS
            log.error("No connection can be accepted", error=error.strerror)

    def _stop_on(self, name: str) -> None:
        log.info("Stopping", signal=name)
        self.stop()


class _Uvicorn(uvicorn.Server):
    """uvicorn without its own signal handlers, which end the process by the signal, not with 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
