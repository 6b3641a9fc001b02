"""One client's connection: uvicorn's, with an end to everything that a client can drag out.

uvicorn closes a connection that is idle between requests and limits the size of a request's head,
but would wait for ever for the rest of a head that has begun, and for ever for a client to read
what it asked for. Here the first has a deadline. So has the second, and answers never hold up the
application: they lie with the connection until they are read, and how much may lie there in all is
bounded too; then whoever has been reading the longest is cut off, for a scraper that reads at once
is always the latest. How TLS begins, if it is spoken, is in ``handshake``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from exporter.web.config import is_admitted
from exporter.web.slices import Slices

if TYPE_CHECKING:
    import asyncio

# From the connection to the end of the TLS handshake.
HANDSHAKE_SECONDS: Final = 10.0
# From there, or the connection, or the first byte after an answer, to the end of a request's head.
HEAD_SECONDS: Final = 30.0
# For the client to read an answer; Prometheus has given up long before.
READ_SECONDS: Final = 60.0
# For an idle client to answer the goodbye of TLS when the server ends, which waits for it.
GOODBYE_SECONDS: Final = 1.0
# Bytes of answers that lie unread, in all.
UNREAD_BYTES: Final = 64 * 1024 * 1024


class Client(Protocol):
    """One of the crowd, whatever it is about."""

    def cut(self) -> None:
        """End it here and now."""


@dataclass
class Crowd:
    """The connections of one server; touched by its event loop only.

    ``waiting`` have no request: they shake hands, begin one, do nothing or are about to go.
    ``unread`` have an answer that is not yet read. Oldest first.
    """

    most_waiting: int
    all: set[Client] = field(default_factory=set)
    waiting: dict[Client, None] = field(default_factory=dict)
    unread: dict[Connection, None] = field(default_factory=dict)
    # Whoever comes too late to be told of the end, which uvicorn would wait for, is sent away.
    ending: bool = False

    def thin_out(self) -> None:
        """Cut off the oldest where there are too many, or too much is unread."""
        while len(self.waiting) > self.most_waiting:
            next(iter(self.waiting)).cut()
        unread = sum(connection.unread_bytes for connection in self.unread)
        # The latest alone may be larger: it is an answer that somebody asked for.
        while unread > UNREAD_BYTES and len(self.unread) > 1:
            oldest = next(iter(self.unread))
            unread -= oldest.unread_bytes
            oldest.cut()


class Connection(H11Protocol):
    """What uvicorn makes for each client; ``crowd`` is who else is there."""

    def __init__(self, *args: Any, crowd: Crowd, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._crowd = crowd
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._slices: Slices | None = None  # over TLS
        self._answered = False  # uvicorn is done, but the client has not read all of it

    @property
    def unread_bytes(self) -> int:
        """How much of the answer is still here; what the kernel has taken is its affair."""
        return self.transport.get_write_buffer_size()

    def cut(self) -> None:
        """End it here and now, whatever is under way."""
        self._forget()
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come, and TLS, if it is spoken, is set up."""
        connection = transport.get_extra_info("ssl_object")
        if connection is not None:
            self._slices = Slices(transport)
            super().connection_made(cast("asyncio.Transport", self._slices))
            if not is_admitted(connection):
                self.cut()
                return
        else:
            super().connection_made(transport)
        self._crowd.all.add(self)
        # Any byte that cannot be passed on is "unread", and none is when the last one is gone.
        transport.set_write_buffer_limits(high=1, low=0)
        self._wait_for_head()
        if self._crowd.ending:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._forget()
        self._crowd.all.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of a request, or something after one."""
        if self._answered or self.transport.is_closing():
            # Whoever asks anew without having read is not a scraper; nor is anything needed that
            # comes behind a request whose end may be a matter of opinion.
            self.transport.close()
            return
        before = self.cycle
        super().data_received(data)
        if self.transport.is_closing():
            self._crowd.waiting[self] = None
        elif self._is_answering():
            if self.cycle is before or self._has_body() or self.conn.trailing_data[0]:
                self.cycle.keep_alive = False
            self._stop_waiting()
        elif self._head_timer is None:
            self._wait_for_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; the answer to its beginning, if one is sought, is not sent."""
        if self._is_answering():
            self.cycle.disconnected = True
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            # uvicorn would send a text, which an answer to HEAD may not have.
            self.cut()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write; uvicorn need not know."""
        if self._slices is not None:
            self._slices.wait()
        if self not in self._crowd.unread:
            self._crowd.unread[self] = None
            self._read_timer = self.loop.call_later(READ_SECONDS, self.cut)
            self._crowd.thin_out()

    def resume_writing(self) -> None:
        """All is read, or over TLS at least a slice."""
        if self._slices is not None and not self._slices.go_on():
            return
        self._all_read()
        if self._answered:
            self._answered = False
            self._complete()

    def on_response_complete(self) -> None:
        """Go on with the next request once this one's answer is read."""
        if self in self._crowd.unread:
            self._answered = True
            self._crowd.thin_out()  # all of it has been counted only now
        else:
            self._complete()

    def _complete(self) -> None:
        super().on_response_complete()
        self._wait_for_request()
        if self._crowd.ending:
            self._end_soon()

    def _end_soon(self) -> None:
        """Wait no longer for the goodbye of TLS, if all else is said."""
        if self.transport.is_closing():
            self.loop.call_later(GOODBYE_SECONDS, self.cut)

    def shutdown(self) -> None:
        """Close when what is under way is done; what is not read by then is left."""
        if self._answered:
            self.transport.close()
        else:
            super().shutdown()
            self._end_soon()

    def _is_answering(self) -> bool:
        # None before the first request, whatever uvicorn's annotation says.
        cycle = cast("Any", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _has_body(self) -> bool:
        """Whether the head announces one: where it ends is what requests are smuggled with."""
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        )

    def _wait_for_request(self) -> None:
        """Idle until a byte comes, on uvicorn's timer, or closed until TLS's goodbyes are said."""
        self._crowd.waiting[self] = None

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.cut)
        self._crowd.waiting[self] = None
        self._crowd.thin_out()

    def _stop_waiting(self) -> None:
        self._crowd.waiting.pop(self, None)
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _all_read(self) -> None:
        self._crowd.unread.pop(self, None)
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _forget(self) -> None:
        self._stop_waiting()
        self._all_read()
