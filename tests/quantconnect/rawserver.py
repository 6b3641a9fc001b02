"""A server of raw bytes on loopback: each connection is given to a script."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Peer:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self.socket = connection
        self._closing = closing
        self._received = b""

    def request(self) -> bytes:
        """The next request whole, head and body; empty when the client has gone."""
        while b"\r\n\r\n" not in self._received:
            if not (received := self.socket.recv(65536)):
                return b""
            self._received += received
        head, _, rest = self._received.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(rest) < length:
            rest += self.socket.recv(65536)
        self._received = rest[length:]
        return head + b"\r\n\r\n" + rest[:length]

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, body: bytes = b"{}", *headers: bytes) -> None:
        lines = b"".join(header + b"\r\n" for header in headers)
        self.send(OK + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def drip(self, data: bytes) -> None:
        """Byte by byte, each long before a socket's timeout, until somebody has had enough."""
        for byte in data:
            self.send(bytes([byte]))
            if self._closing.wait(0.03):
                return

    def silence(self) -> None:
        """Hold the connection until the server closes."""
        self._closing.wait(30)


class RawServer:
    """Listens as long as the context lasts; remembers requests and counts connections.

    ``script`` talks to one connection and may end with OSError when the client goes.
    """

    def __init__(
        self, script: Callable[[Peer], None], *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.connections = 0
        self._script = script
        self._tls = tls
        self._closing = threading.Event()
        self._peers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for peer in self._peers:
            _end(peer)
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._peers.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        peer = Peer(connection, self._closing)
        try:
            if self._tls is not None:
                peer.socket = self._tls.wrap_socket(connection, server_side=True)
                self._peers.append(peer.socket)
            self._script(peer)
        except OSError:
            pass  # the client went, as it should where it is made to wait
        finally:
            _end(peer.socket)
            peer.socket.close()


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # it may have ended
        connection.shutdown(socket.SHUT_RDWR)
