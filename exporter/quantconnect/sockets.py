"""Sockets that know how much time is left of the call that uses them.

A socket's own timeout bounds a single wait, so a server that sends a byte now and then can hold
a call for ever. These sockets set their timeout to the time left of the call before each wait.
Name look-up, connecting, the TLS handshake, sending and receiving so share one deadline, which
needs no timer. The transport opens and uses them, in the thread that makes the call.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from math import inf
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from urllib3.util import wait_for_write

if TYPE_CHECKING:
    from collections.abc import Iterator

Address = tuple[Any, ...]
"""An entry of ``socket.getaddrinfo``: family, type, protocol, canonical name, address."""
Found = list[Address] | OSError | None
"""The result of a name look-up; None where its call has been ended."""

MOST_HUNG_LOOKUPS = 16
"""Threads that may stay behind in name look-ups whose calls are over; for the whole process."""


class Call:
    """One call under way; ``seconds`` is its total time.

    Only the thread that makes the call uses it, but for ``end``.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.found: SimpleQueue[Found] = SimpleQueue()
        self._ends = time.monotonic() + seconds
        self._socket: TimedSocket | None = None

    @property
    def is_over(self) -> bool:
        """True once no time is left, or after ``end``."""
        return time.monotonic() >= self._ends

    def time_left(self) -> float:
        """Return the seconds that are left. Raise TimeoutError if there are none."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time of the call is over")
        return left

    def time_for(self, waiting: TimedSocket) -> float:
        """Return the seconds that a socket may wait. Raise TimeoutError if there are none.

        The socket is noted before the time is read, and ``end`` does both in reverse order:
        either the time is over here, or the socket is shut down there.
        """
        self._socket = waiting
        return self.time_left()

    def end(self) -> None:
        """End the call at once, from any thread: its current wait and each later one fail."""
        self._ends = -inf
        self.found.put(None)
        if self._socket is not None:
            self._socket.shut_down()


_current: ContextVar[Call] = ContextVar("call")


@contextmanager
def begin_call(seconds: float) -> Iterator[Call]:
    """Begin a call: in this context, the sockets of this thread wait no longer than it may last."""
    call = Call(seconds)
    outer = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(outer)


def current_call() -> Call:
    """Return the call that this thread makes."""
    return _current.get()


class TimedSocket(socket.socket):
    """A socket that waits no longer than the current call of its thread may last."""

    def _set_time_left(self) -> None:
        self.settimeout(current_call().time_for(self))

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Receive within the time left."""
        self._set_time_left()
        return super().recv(*args, **kwargs)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive into a buffer within the time left."""
        self._set_time_left()
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Send within the time left."""
        self._set_time_left()
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """Send everything within the time left."""
        self._set_time_left()
        super().sendall(*args, **kwargs)

    def shut_down(self) -> None:
        """Make whichever thread waits on this socket stop waiting.

        ``SSLSocket.shutdown`` would take the TLS state away from the thread that uses it.
        """
        with suppress(OSError):  # the socket may have been closed
            socket.socket.shutdown(self, socket.SHUT_RDWR)


class TimedTLSSocket(TimedSocket, ssl.SSLSocket):
    """A timed socket with TLS, for ``SSLContext.sslsocket_class``."""

    def do_handshake(self, block: bool = False) -> None:
        """Make the TLS handshake within the time left."""
        self._set_time_left()
        super().do_handshake(block)


def connect(host: str, port: int) -> TimedSocket:
    """Return a TCP connection to the first address of a host that accepts one.

    Each attempt may take an equal share of the time that is left, so that one address without an
    answer leaves time for the others. Raise OSError if the look-up fails, else the error of the
    last attempt; TimeoutError when the time of the call is over.
    """
    call = current_call()
    addresses = _look_up(host, port, call)
    failure = OSError(f"{host} has no address")
    for number, address in enumerate(addresses):
        try:
            return _attempt(address, call, attempts_left=len(addresses) - number)
        except OSError as error:
            failure = error
    raise failure


def _attempt(found: Address, call: Call, *, attempts_left: int) -> TimedSocket:
    family, kind, protocol, _, address = found
    connection = TimedSocket(family, kind, protocol)
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        code = connection.connect_ex(address)
        # Only a socket that is connecting can be shut down, so the call learns of it here.
        share = call.time_for(connection) / attempts_left
        if code == errno.EINPROGRESS and wait_for_write(connection, share):
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        _check(code)
        connection.settimeout(share)
    except OSError:
        connection.close()
        raise
    return connection


def _check(code: int) -> None:
    """Raise the OSError of an attempt's result, TimeoutError if it is still in progress."""
    if code:
        code = errno.ETIMEDOUT if code == errno.EINPROGRESS else code
        raise OSError(code, os.strerror(code))


_hung_lookups: set[threading.Thread] = set()


def _look_up(host: str, port: int, call: Call) -> list[Address]:
    """Return the addresses of a host.

    A resolver knows no deadline, so a thread of its own waits for it and is left behind when the
    time of the call is over.
    """
    for thread in tuple(_hung_lookups):
        if not thread.is_alive():
            _hung_lookups.discard(thread)
    if len(_hung_lookups) >= MOST_HUNG_LOOKUPS:
        raise OSError(f"{MOST_HUNG_LOOKUPS} name look-ups hang; the resolver does not answer")
    thread = threading.Thread(
        target=_resolve, args=(host, port, call.found), name="name-look-up", daemon=True
    )
    try:
        thread.start()
    except RuntimeError as error:
        raise OSError(f"no thread for a name look-up: {error}") from None
    found: Found
    try:
        found = call.found.get(timeout=call.time_left())
    except (Empty, TimeoutError):
        found = None
    if found is None:
        _hung_lookups.add(thread)
        raise TimeoutError("the time of the call is over")
    if isinstance(found, OSError):
        raise found
    return found


def _resolve(host: str, port: int, found: SimpleQueue[Found]) -> None:
    try:
        found.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except OSError as error:
        found.put(error)
    except UnicodeError:
        found.put(OSError("the host name is not valid"))
