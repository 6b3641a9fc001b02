"""One request and its answer.

The server makes an exchange for each request. All that goes to the client goes through here, so
that a test's fault can put any byte on the wire at any speed.
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
        """The same with one header more."""
        return replace(self, headers=(*self.headers, (name, value)))

    def head(self, date: float) -> bytes:
        """The status line and headers, to the empty line."""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}", f"Date: {formatdate(date, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1")


def sized(answer: Answer) -> Answer:
    """``answer`` with the length of its body declared."""
    if answer.status in (204, 304):
        return answer
    return answer.with_header("Content-Length", str(len(answer.body)))


def compressed(answer: Answer) -> Answer:
    """``answer`` with its body in gzip."""
    body = gzip.compress(answer.body, compresslevel=1, mtime=0)
    return replace(answer, body=body).with_header("Content-Encoding", "gzip")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived, at ``monotonic`` and ``time`` (unix seconds).

    ``endpoint`` is its path below ``/api/v2/``; ``authorised`` whether its signature was good. No
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
    """Something that befalls a request."""

    def act(self, exchange: Exchange) -> None:
        """Answer ``exchange`` badly, or change it and let it proceed."""


class Interference(Protocol):
    """A test's hand in the server: it sees each request and says what befalls it."""

    def befall(self, request: Request) -> Iterator[Fault]:
        """Give the faults that act on ``request``, in order."""


class Exchange:
    """A request of one connection. Its thread alone uses it.

    ``faults`` are those still to act, in order; ``normal`` makes the answer where none does;
    ``wait`` sleeps that many seconds and raises ConnectionAbortedError when the server closes.
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
        """What an undisturbed QuantConnect would say, neither compressed nor sized yet."""
        return self._normal()

    def head(self, answer: Answer) -> bytes:
        """The head of ``answer`` with the server's date."""
        return answer.head(self._clock() + self.date_offset)

    def finished(self, answer: Answer) -> Answer:
        """``answer`` as the client wants it: compressed if it takes that, and sized."""
        if self.accepts_gzip and len(answer.body) >= COMPRESSED_FROM:
            answer = compressed(answer)
        return sized(answer)

    def send(self, answer: Answer) -> None:
        """Send ``answer`` whole."""
        answer = self.finished(answer)
        self.connection.sendall(self.head(answer) + answer.body)
