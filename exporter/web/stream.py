"""The bytes of one connection, in the clear or over TLS, on asyncio's streams.

TLS runs between two memory buffers (``ssl.MemoryBIO``) instead of in asyncio's transport, because
asyncio drops the alert that tells a client why its handshake was refused (python/cpython#98078).
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

_T = TypeVar("_T")
_READ_BYTES: Final = 16 * 1024


class Stream:
    """A connection in the clear."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # drain() returns once the kernel has taken every byte.
        writer.transport.set_write_buffer_limits(high=0)

    @classmethod
    async def of(cls, accepted: socket.socket) -> Stream:
        """Return the stream of a connected socket."""
        return cls(*await asyncio.open_connection(sock=accepted, limit=_READ_BYTES))

    @property
    def unsent_bytes(self) -> int:
        """Bytes that were written and that the kernel has not taken."""
        return self._writer.transport.get_write_buffer_size()

    async def read(self) -> bytes:
        """Return the next bytes from the client, none at its end; raises OSError."""
        return await self._reader.read(_READ_BYTES)

    def write(self, data: bytes | memoryview) -> None:
        """Send as much as the kernel takes and keep the rest; raises OSError."""
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the kernel has taken everything that was written; raises OSError."""
        await self._writer.drain()

    async def finish(self) -> None:
        """Close our side and wait until the client closes its own; raises OSError.

        To close at once would be answered with a reset if the client has sent anything that was not
        read, and a reset makes the client's kernel discard what the client has not read yet.
        """
        self._say_goodbye()
        self._writer.write_eof()
        while await self._reader.read(_READ_BYTES):
            pass

    def close(self) -> None:
        """Close the connection now; what the kernel has not taken is lost."""
        if not self._writer.is_closing():
            with suppress(OSError):
                self._say_goodbye()
        if self.unsent_bytes:
            self._writer.transport.abort()
        else:
            self._writer.close()

    def secure(self, context: ssl.SSLContext) -> TLSStream:
        """Return the same connection over TLS, its handshake still to be done."""
        return TLSStream(self._reader, self._writer, context)

    def _say_goodbye(self) -> None:
        """Send what the protocol has for an end."""


class TLSStream(Stream):
    """A connection over TLS."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(reader, writer)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def shake_hands(self, received: bytes) -> None:
        """Do the handshake, of which ``received`` has been read already.

        Raises OSError, in most cases an ``ssl.SSLError``; the alert that explains it to the client
        is sent first.
        """
        self._incoming.write(received)
        await self._repeat(self.tls.do_handshake)

    async def read(self) -> bytes:
        """Return the next bytes from the client, none at its goodbye; raises OSError."""
        return await self._repeat(partial(self.tls.read, _READ_BYTES))

    def write(self, data: bytes | memoryview) -> None:
        """Encrypt, send as much as the kernel takes and keep the rest; raises OSError."""
        self.tls.write(data)
        self._send_outgoing()

    def _say_goodbye(self) -> None:
        # The client's own goodbye, which unwrap() asks for, is of no use to anyone.
        with suppress(ssl.SSLError):
            self.tls.unwrap()
        self._send_outgoing()

    async def _repeat(self, step: Callable[[], _T]) -> _T:
        """Return the result of ``step`` once the client has sent what it needs."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                pass
            finally:
                self._send_outgoing()
            await self.drain()
            received = await self._reader.read(_READ_BYTES)
            if not received:
                raise ConnectionAbortedError("the client closed the connection")
            self._incoming.write(received)

    def _send_outgoing(self) -> None:
        if self._outgoing.pending:
            self._writer.write(self._outgoing.read())
