"""The connections of one server, and which of them are closed where there are too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from exporter.web.limits import Limits

    Client = asyncio.Task[None]


class Clients:
    """The connections of one server, each by the task that serves it; for its event loop only.

    Idle ones have no complete request: they shake hands, send one, do nothing or are about to end.
    Both idle connections and unread responses are ordered, oldest first.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._idle: dict[Client, None] = {}
        self._unsent: dict[Client, int] = {}

    @property
    def idle(self) -> int:
        """The number of idle connections."""
        return len(self._idle)

    @property
    def unsent_bytes(self) -> int:
        """Bytes of responses that clients have not read."""
        return sum(self._unsent.values())

    def set_idle(self, client: Client) -> None:
        """Move a connection to the end of the idle ones; close the first if there are too many."""
        self.forget(client)
        self._idle[client] = None
        if len(self._idle) > self._limits.idle_connections:
            _end_oldest(self._idle)

    def set_unsent(self, client: Client, count: int) -> None:
        """Set how many bytes a client has not read; end the oldest if there are too many.

        The newest response alone may be larger than the limit: a client has asked for it.
        """
        self._unsent[client] = count
        while len(self._unsent) > 1 and self.unsent_bytes > self._limits.unsent_bytes:
            _end_oldest(self._unsent)

    def forget(self, client: Client) -> None:
        """Take a connection out: it is busy, or has ended."""
        self._idle.pop(client, None)
        self._unsent.pop(client, None)

    def end_idle(self) -> None:
        """Close every idle connection."""
        while self._idle:
            _end_oldest(self._idle)


def _end_oldest(clients: dict[Client, None] | dict[Client, int]) -> None:
    oldest = next(iter(clients))
    del clients[oldest]
    oldest.cancel()
