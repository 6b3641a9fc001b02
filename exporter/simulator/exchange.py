"""A request and its answer.

The server creates an exchange for each request. Every byte to the client passes through it, so a
test's fault can send any byte at any speed.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

COMPRESSED_FROM = 256
"""Bodies shorter than this are not worth compressing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers (in order, as sent) and a body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    body: bytes = b""

    def with_header(self, name: str, value: str) -> Answer:
        """Return the answer with another header."""
        return replace(self, headers=(*self.headers, (name, value)))

    def head(self, date: float) -> bytes:
        """Return the status line and headers, including the empty line."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Date: {formatdate(date, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def sized(answer: Answer) -> Answer:
    """Return ``answer`` with a Content-Length."""
    if answer.status in (204, 304):
        return answer
    return answer.with_header("Content-Length", str(len(answer.body)))


def compressed(answer: Answer) -> Answer:
    """Return ``answer`` with its body in gzip."""
    body = gzip.compress(answer.body, compresslevel=1, mtime=0)
    return replace(answer, body=body).with_header("Content-Encoding", "gzip")


@dataclass(frozen=True, slots=True)
class Request:
    """A request, received at ``monotonic`` and ``time`` (unix seconds).

    ``endpoint`` is its path below ``/api/v2/``; ``authorised`` is True for a valid signature. No
    credentials are kept.
    """

    monotonic: float
    time: float
    method: str
    endpoint: str
    project_id: int | None
    status: str | None
    authorised: bool
    user_agent: str
    address: str


class Fault(Protocol):
    """A fault in the answer to a request."""

    def act(self, exchange: Exchange) -> None:
        """Send a faulty answer, or change the exchange and let it proceed."""


class Interference(Protocol):
    """A test's interference with the server: it sees each request and chooses its faults."""

    def faults_for(self, request: Request) -> Iterator[Fault]:
        """Return the faults that act on ``request``, in order."""


class Exchange:
    """A request of a connection and its answer; used only in its thread.

    ``faults`` act in order; without one, ``normal`` makes the answer. ``wait`` sleeps for some
    seconds, and raises ConnectionAbortedError when the server closes.
    """

    def __init__(
        self,
        *,
        connection: socket.socket,
        faults: Iterator[Fault],
        normal: Callable[[], Answer],
        wait: Callable[[float], None],
        clock: Callable[[], float],
        accepts_gzip: bool,
    ) -> None:
        self.connection = connection
        self.wait = wait
        self.accepts_gzip = accepts_gzip
        self.date_offset = 0.0
        self.keep_alive = True
        self._faults = faults
        self._normal = normal
        self._clock = clock

    def proceed(self) -> None:
        """Let the next fault act, or send the normal answer."""
        fault = next(self._faults, None)
        if fault is None:
            self.send(self.answer())
        else:
            fault.act(self)

    def answer(self) -> Answer:
        """Return the normal answer, neither compressed nor with a length yet."""
        return self._normal()

    def head(self, answer: Answer) -> bytes:
        """Return the head of ``answer`` with the server's date."""
        return answer.head(self._clock() + self.date_offset)

    def encode(self, answer: Answer) -> Answer:
        """Return ``answer`` with its length, compressed if the client accepts that."""
        if self.accepts_gzip and len(answer.body) >= COMPRESSED_FROM:
            answer = compressed(answer)
        return sized(answer)

    def send(self, answer: Answer) -> None:
        """Send the complete ``answer``."""
        answer = self.encode(answer)
        self.connection.sendall(self.head(answer) + answer.body)
