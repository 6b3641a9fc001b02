"""An HTTP/1.1 server: one coroutine for each client, stopped once every response is sent."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from exporter.log import Log
from exporter.web.clients import Clients
from exporter.web.connection import Connection
from exporter.web.limits import Limits, Throttle
from exporter.web.messages import text_response
from exporter.web.stream import Stream

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from exporter.web.handshake import Handshakes
    from exporter.web.messages import Handler, Request, Response

log = Log(__name__)

NO_CONNECTION: Final = "No connection can be accepted"


class Server:
    """Serve a handler on listening sockets until ``stop`` or a signal.

    With ``handshakes``, each connection begins with one.
    """

    def __init__(
        self,
        handler: Handler,
        sockets: Sequence[socket.socket],
        *,
        handshakes: Handshakes | None = None,
        limits: Limits | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._handler = handler
        self._sockets = sockets
        self._handshakes = handshakes
        self._limits = limits or Limits()
        self._throttle = throttle or Throttle()
        self.clients = Clients(self._limits)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, *, on_hangup: Callable[[], object]) -> None:
        """Serve in this thread, which must be the main one, until SIGTERM or SIGINT.

        ``on_hangup`` is called, in another thread, for each SIGHUP.
        """
        asyncio.run(self._serve(on_hangup))

    def run_in_thread(self) -> None:
        """Serve in this thread, any thread, until ``stop``; signals are left alone."""
        asyncio.run(self._serve(None))

    def stop(self) -> None:
        """Accept no more connections and end when all responses are sent; from any thread."""
        self._is_stopping = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: the server has ended
                self._loop.call_soon_threadsafe(self._stopped.set)

    async def _serve(self, on_hangup: Callable[[], object] | None) -> None:
        loop = self._loop = asyncio.get_running_loop()
        if self._is_stopping:
            self._stopped.set()
        if on_hangup is not None:
            loop.add_signal_handler(signal.SIGHUP, loop.run_in_executor, None, on_hangup)
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop_on, signal.Signals(number).name)
        for listening in self._sockets:
            listening.setblocking(False)
            self._listen(loop, listening)
        await self._stopped.wait()
        for listening in self._sockets:
            loop.remove_reader(listening)
            listening.close()
        self.clients.end_idle()
        await self._end_tasks()

    def _stop_on(self, name: str) -> None:
        log.info("Stopping", signal=name)
        self.stop()

    def _listen(self, loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
        if not self._is_stopping:
            loop.add_reader(listening, self._accept, loop, listening)

    def _accept(self, loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
        """Accept one connection; the next one has its turn after what is under way."""
        try:
            accepted, address = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the client has gone already
        except OSError as error:
            if self._throttle.allows(NO_CONNECTION):
                log.error(NO_CONNECTION, error=error.strerror)
            loop.remove_reader(listening)
            loop.call_later(self._limits.pause_seconds, self._listen, loop, listening)
            return
        accepted.setblocking(False)
        task = loop.create_task(self._serve_client(accepted, str(address[0])))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end_tasks(self) -> None:
        """Wait until every client is served, and end those that take longer than the drain."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._limits.drain_seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    async def _serve_client(self, accepted: socket.socket, address: str) -> None:
        client = cast("asyncio.Task[None]", asyncio.current_task())
        stream = await Stream.of(accepted)
        handler: Handler | None = self._handler
        try:
            self.clients.set_idle(client)
            if self._handshakes is not None:
                stream, handler = await self._secure(stream, address, self._handshakes)
            if handler is not None:
                connection = Connection(
                    stream,
                    handler,
                    client=client,
                    clients=self.clients,
                    limits=self._limits,
                    is_stopping=lambda: self._is_stopping,
                )
                await connection.serve()
            self.clients.set_idle(client)
            async with asyncio.timeout(self._limits.goodbye_seconds):
                await stream.finish()
        except (OSError, asyncio.CancelledError):
            pass  # too slow, gone, or ended to make room
        finally:
            self.clients.forget(client)
            stream.close()

    async def _secure(
        self, plain: Stream, address: str, handshakes: Handshakes
    ) -> tuple[Stream, Handler | None]:
        """Return the connection over TLS and its handler, which is None after a refusal."""
        stream = await handshakes.shake_hands(plain, address, self._limits.handshake_seconds)
        if stream is None:
            return plain, None
        # Python can send no alert once the handshake is done, so the refusal is a response.
        return stream, self._handler if handshakes.admits(stream, address) else _forbid


async def _forbid(_: Request) -> Response:
    text = "Forbidden: no name in the client's certificate is allowed here.\n"
    return text_response(text, 403)
