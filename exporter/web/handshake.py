"""The beginning of a connection over TLS: a handshake with an end, among the crowd until then.

Left to itself, asyncio shakes hands from the moment it accepts a client, for up to 60 seconds, and
shows nobody the connection before that is done: enough clients that say nothing hold every file
that the process may have. uvicorn has no option for it, and a loop with its own ``create_server``
could set a deadline but would see as little of who is there. So uvicorn listens without TLS, and
``loop.start_tls``, asyncio's documented way, begins it on a connection that the crowd knows.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from exporter.web import connection

if TYPE_CHECKING:
    import ssl

    from uvicorn.server import ServerState

    from exporter.web.connection import Crowd


class Handshake(asyncio.Protocol):
    """What uvicorn makes for each client of a TLS port; a ``Connection`` takes over from it."""

    _transport: asyncio.Transport
    _task: asyncio.Task[None]  # asyncio itself does not keep it from being collected

    def __init__(
        self, *, tls: ssl.SSLContext, crowd: Crowd, server_state: ServerState, **uvicorn: Any
    ) -> None:
        self._tls = tls
        self._crowd = crowd
        # Those that uvicorn shuts down when it stops; of protocols it needs no more.
        self._shut_down: set[Any] = server_state.connections
        self._connection = partial(
            connection.Connection, crowd=crowd, server_state=server_state, **uvicorn
        )
        self._early = b""

    def cut(self) -> None:
        """End it here and now."""
        self._forget()
        self._transport.abort()

    shutdown = cut

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come, and nothing is said yet."""
        self._transport = transport
        transport.pause_reading()  # what it says is for start_tls, which resumes it
        self._crowd.all.add(self)
        self._crowd.waiting[self] = None
        self._shut_down.add(self)
        self._task = asyncio.get_running_loop().create_task(self._shake_hands())
        self._crowd.thin_out()

    def data_received(self, data: bytes) -> None:
        """A request that came with the end of the handshake, before start_tls could return."""
        self._early += data

    async def _shake_hands(self) -> None:
        if self._transport.is_closing():
            return  # cut off before it began
        transport = None
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                self._tls,
                server_side=True,
                ssl_handshake_timeout=connection.HANDSHAKE_SECONDS,
            )
        except OSError as error:
            # That a stranger speaks no TLS, or not in time, is no news. Its traceback would keep
            # asyncio's buffers, 256 KiB, until the garbage is next collected.
            error.__traceback__ = None
        finally:
            self._forget()
            if transport is None:
                self._transport.abort()
        if transport is not None:
            self._hand_over(transport)

    def _hand_over(self, transport: asyncio.Transport) -> None:
        successor = self._connection()
        transport.set_protocol(successor)
        successor.connection_made(transport)
        if self._early and not transport.is_closing():
            successor.data_received(self._early)

    def _forget(self) -> None:
        self._crowd.all.discard(self)
        self._crowd.waiting.pop(self, None)
        self._shut_down.discard(self)
