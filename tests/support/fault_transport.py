"""Faults in how it is said: too late, too slowly, not to the end, by a clock that is wrong."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.simulator.exchange import Answer, sized

if TYPE_CHECKING:
    from exporter.simulator.exchange import Exchange


def hang_up(exchange: Exchange, *, reset: bool = False) -> None:
    """Close the connection after this, with a RST where ``reset``."""
    exchange.keep_alive = False
    if reset:
        linger = struct.pack("ii", 1, 0)
        exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        exchange.connection.close()


def send_slowly(exchange: Exchange, data: bytes, bytes_per_second: float) -> None:
    """Send ``data`` in small pieces at that speed, at most ten pieces a second."""
    size = max(1, int(bytes_per_second / 10))
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        exchange.wait(len(piece) / bytes_per_second)
        exchange.connection.sendall(piece)


FOREVER = 1e9  # seconds; a wait that only the closing server ends


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait, then go on."""

    seconds: float

    def act(self, exchange: Exchange) -> None:
        """Do so."""
        exchange.wait(self.seconds)
        exchange.proceed()


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """A ``Date`` header so many seconds ahead."""

    seconds: float

    def act(self, exchange: Exchange) -> None:
        """Shift it, and go on."""
        exchange.date_offset += self.seconds
        exchange.proceed()


@dataclass(frozen=True, slots=True)
class Stall:
    """The head and the first ``sent`` bytes of the body, then silence; with ``sent`` None not even
    the head."""

    sent: int | None = 0
    seconds: float = FOREVER

    def act(self, exchange: Exchange) -> None:
        """Hold the connection that long, then close it."""
        if self.sent is not None:
            answer = exchange.encode(exchange.answer())
            exchange.connection.sendall(exchange.head(answer) + answer.body[: self.sent])
        exchange.wait(self.seconds)
        hang_up(exchange)


@dataclass(frozen=True, slots=True)
class Drip:
    """The normal answer so many bytes a second: its body, or its head too."""

    bytes_per_second: float = 1.0
    head_too: bool = False

    def act(self, exchange: Exchange) -> None:
        """Send it drop by drop."""
        answer = exchange.encode(exchange.answer())
        head = exchange.head(answer)
        if not self.head_too:
            exchange.connection.sendall(head)
            head = b""
        send_slowly(exchange, head + answer.body, self.bytes_per_second)


@dataclass(frozen=True, slots=True)
class Cut:
    """The head, ``keep`` of the body that it promises, and the end: a reset, or a close."""

    keep: float = 0.5
    reset: bool = False

    def act(self, exchange: Exchange) -> None:
        """Send that part and hang up."""
        answer = exchange.encode(exchange.answer())
        body = answer.body[: int(len(answer.body) * self.keep)]
        exchange.connection.sendall(exchange.head(answer) + body)
        hang_up(exchange, reset=self.reset)


@dataclass(frozen=True, slots=True)
class HangUp:
    """No answer: the connection is closed, or reset."""

    reset: bool = False

    def act(self, exchange: Exchange) -> None:
        """Hang up."""
        hang_up(exchange, reset=self.reset)


@dataclass(frozen=True, slots=True)
class Large:
    """JSON of ``size`` bytes, mostly of spaces; with ``size`` None it never ends."""

    size: int | None = 100_000_000

    def act(self, exchange: Exchange) -> None:
        """Send as fast as it is taken."""
        piece = b" " * 65_536
        answer = Answer()
        if self.size is None:
            exchange.keep_alive = False
            exchange.connection.sendall(exchange.head(answer) + b'{"success":true,')
            while True:
                exchange.connection.sendall(piece)
                exchange.wait(0.0)
        length = str(self.size)
        exchange.connection.sendall(exchange.head(answer.with_header("Content-Length", length)))
        left = self.size - 2
        exchange.connection.sendall(b"{")
        while left > 0:
            exchange.connection.sendall(piece[:left])
            left -= len(piece)
            exchange.wait(0.0)
        exchange.connection.sendall(b"}")


@dataclass(frozen=True, slots=True)
class Chunked:
    """The normal answer in chunks of ``size`` bytes, as proxies do; ``broken`` leaves out the
    last."""

    size: int = 100
    broken: bool = False

    def act(self, exchange: Exchange) -> None:
        """Send them."""
        answer = exchange.answer().with_header("Transfer-Encoding", "chunked")
        data = [exchange.head(answer)]
        for start in range(0, len(answer.body), self.size):
            piece = answer.body[start : start + self.size]
            data.append(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if not self.broken:
            data.append(b"0\r\n\r\n")
        exchange.connection.sendall(b"".join(data))
        if self.broken:
            hang_up(exchange)


@dataclass(frozen=True, slots=True)
class Bytes:
    """These bytes instead of an HTTP response, and the connection closed."""

    data: bytes

    def act(self, exchange: Exchange) -> None:
        """Send them."""
        exchange.connection.sendall(self.data)
        hang_up(exchange)


@dataclass(frozen=True, slots=True)
class LongHead:
    """The normal answer under a header of ``size`` bytes."""

    size: int = 1_000_000

    def act(self, exchange: Exchange) -> None:
        """Send it."""
        answer = sized(exchange.answer()).with_header("X-Padding", "x" * self.size)
        exchange.connection.sendall(exchange.head(answer) + answer.body)
