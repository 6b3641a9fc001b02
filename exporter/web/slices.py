"""A TLS transport that keeps what its client is not ready for."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

_SLICE: Final = 64 * 1024


class Slices:
    """What uvicorn writes to in place of ``transport``, which gets a slice at a time.

    asyncio's own keeps what it is given only until the transport beneath takes some of it; then it
    hands over all the rest in one piece and believes that everything is sent.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._kept: deque[memoryview] = deque()
        self._kept_bytes = 0
        self._is_ready = True
        self._is_closed = False

    def write(self, data: bytes) -> None:
        """Send it as the client reads."""
        view = memoryview(data)
        self._kept.extend(view[at : at + _SLICE] for at in range(0, len(view), _SLICE))
        self._kept_bytes += len(view)
        self._pass_on()

    def wait(self) -> None:
        """The client is not ready for more."""
        self._is_ready = False

    def go_on(self) -> bool:
        """The client is ready again; whether all is passed on."""
        self._is_ready = True
        self._pass_on()
        return self._is_ready

    def get_write_buffer_size(self) -> int:
        """Bytes that are not passed on."""
        return self._kept_bytes + self._transport.get_write_buffer_size()

    def is_closing(self) -> bool:
        """Whether no more can be written."""
        return self._is_closed or self._transport.is_closing()

    def close(self) -> None:
        """Say goodbye once all is passed on."""
        self._is_closed = True
        self._pass_on()

    def abort(self) -> None:
        """End it here and now."""
        self._kept.clear()
        self._kept_bytes = 0
        self._transport.abort()

    def _pass_on(self) -> None:
        while self._is_ready and self._kept:
            piece = self._kept.popleft()
            self._kept_bytes -= len(piece)
            self._transport.write(piece)
        # To close asyncio's twice would take from it what it needs to be aborted.
        if self._is_closed and self._is_ready and not self._transport.is_closing():
            self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
