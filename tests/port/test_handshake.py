"""Clients of a TLS port that do not get as far as a request, and what they cost the others."""

from __future__ import annotations

import asyncio.sslproto
import gc
import ssl
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from exporter.web import connection as module
from exporter.web.config.settings import ClientAuth

from .server import HEAD, Running, ends, read, running, until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.web_config.pki import PKI

REQUEST = HEAD.replace(b"/", b"/small", 1) + b"\r\n"
# A record of 16 KiB has begun.
BEGUN = b"\x16\x03\x01\x40\x00\x01"


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What a stranger sends is no news."""
    caplog.set_level("DEBUG", "asyncio")
    caplog.set_level("DEBUG", "exporter")
    yield
    # What the event loop is made of, it says itself.
    said = [each for each in caplog.get_records("call") if "Using selector" not in each.msg]
    assert not [each.getMessage() for each in said]


@pytest.fixture
def server(pki: PKI) -> Iterator[Running]:
    """A server with TLS."""
    with running(pki) as running_:
        yield running_


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def silent(server: Running, clients: ExitStack, count: int) -> list[socket.socket]:
    """So many who say nothing; each is there before the next one comes."""
    come: list[socket.socket] = []
    for _ in range(count):
        before = list(server.crowd.waiting)
        come.append(clients.enter_context(server.connect_plainly()))
        until(lambda: list(server.crowd.waiting)[-1:] != before[-1:])  # noqa: B023
    return come


def spoken() -> int:
    """How many connections there are of which asyncio believes that they speak TLS."""
    return sum(isinstance(each, asyncio.sslproto.SSLProtocol) for each in gc.get_objects())


def shakes_hands(server: Running, client: socket.socket) -> bool:
    with server.wrap(client) as over_tls:
        over_tls.sendall(REQUEST)
        return read(over_tls) == b"small"


class Packets:
    """A client that decides itself what goes out together."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls.wrap_bio(self.incoming, self._outgoing, server_hostname="localhost")

    def said(self) -> bytes:
        """What there is to go out since the last time."""
        return self._outgoing.read()

    def shake_hands(self, client: socket.socket, *, at_once: int = 65536) -> None:
        """Up to the last message, which is left to go out; by so many bytes."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                said = self.said()
                for start in range(0, len(said), at_once):
                    client.sendall(said[start : start + at_once])
                self.incoming.write(client.recv(65536))
            else:
                return

    def read(self, client: socket.socket) -> bytes:
        """Everything up to the end of the connection."""
        answer = b""
        while True:
            try:
                while part := self.tls.read(65536):
                    answer += part
            except ssl.SSLWantReadError:
                received = client.recv(65536)
                if not received:
                    return answer
                self.incoming.write(received)
            else:
                return answer


@pytest.mark.parametrize("said", [b"", b"\x16", BEGUN])
def test_one_that_never_ends(server: Running, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.3)
    with server.connect_plainly() as client:
        client.sendall(said)
        assert ends(client)
    until(lambda: not server.crowd.all)


def test_one_that_drips(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.5)
    with server.connect_plainly() as client, suppress(OSError):
        client.sendall(BEGUN)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            client.sendall(b"x")
            time.sleep(0.02)
        pytest.fail("it may drip for ever")


def test_the_deadline_ends_with_the_handshake(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.3)
    monkeypatch.setattr(module, "HEAD_SECONDS", 30)
    with server.connect() as client, server.connect_plainly() as later:
        assert ends(later)
        client.sendall(REQUEST)
        assert read(client) == b"small"


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"\0" * 99]
)
def test_what_is_no_tls_ends_the_connection(server: Running, said: bytes) -> None:
    with server.connect_plainly() as client:
        client.sendall(said)
        assert ends(client)
    assert server.ask() == b"small"
    until(lambda: not server.crowd.all)


def test_who_goes_before_the_end_is_forgotten(server: Running, clients: ExitStack) -> None:
    for client in silent(server, clients, 3):
        client.sendall(BEGUN)
        client.close()
    until(lambda: not server.crowd.all)


@pytest.mark.parametrize("at_once", [1, 65536])
def test_a_request_that_comes_with_its_end_is_answered(server: Running, at_once: int) -> None:
    assert server.tls is not None
    with server.connect_plainly() as client:
        packets = Packets(server.tls)
        packets.shake_hands(client, at_once=at_once)
        packets.tls.write(REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
        client.sendall(packets.said())
        answer = packets.read(client)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nsmall")


def test_so_is_one_that_comes_with_it_but_for_a_byte(server: Running) -> None:
    assert server.tls is not None
    with server.connect_plainly() as client:
        packets = Packets(server.tls)
        packets.shake_hands(client)
        packets.tls.write(REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
        said = packets.said()
        client.sendall(said[:-1])
        until(lambda: any(type(each) is module.Connection for each in list(server.crowd.all)))
        client.sendall(said[-1:])
        assert packets.read(client).endswith(b"\r\n\r\nsmall")


def test_who_says_goodbye_with_it_gets_no_answer(server: Running) -> None:
    assert server.tls is not None
    with server.connect_plainly() as client:
        packets = Packets(server.tls)
        packets.shake_hands(client)
        packets.tls.write(REQUEST)
        with suppress(ssl.SSLWantReadError):
            packets.tls.unwrap()
        client.sendall(packets.said())
        assert ends(client)
    until(lambda: not server.crowd.all)
    assert server.ask() == b"small"


def test_nor_does_who_is_not_admitted(pki: PKI) -> None:
    allowed = frozenset({"somebody.else"})
    with running(pki, ClientAuth.REQUIRE_AND_VERIFY, allowed) as server:
        assert server.tls is not None
        server.tls.load_cert_chain(pki.path("client-dns.pem"), pki.path("client-dns.key"))
        with server.connect_plainly() as client:
            packets = Packets(server.tls)
            packets.shake_hands(client)
            packets.tls.write(REQUEST)
            client.sendall(packets.said())
            assert ends(client)
        until(lambda: not server.crowd.all)
        assert server.asked == []


def test_the_application_knows_that_it_is_https(server: Running) -> None:
    assert server.ask("/scheme") == b"https"


def test_of_too_many_the_oldest_go_and_who_comes_is_served(
    server: Running, clients: ExitStack
) -> None:
    server.crowd.most_waiting = 3
    come = silent(server, clients, 6)
    for client in come[:3]:
        assert ends(client)
    assert server.ask() == b"small"
    assert ends(come[3])
    for client in come[4:]:
        assert shakes_hands(server, client)


def test_they_wait_in_one_line_with_who_has_shaken_hands(
    server: Running, clients: ExitStack
) -> None:
    server.crowd.most_waiting = 3
    early = silent(server, clients, 1)
    idle = clients.enter_context(server.connect())
    idle.sendall(REQUEST)
    assert read(idle) == b"small"
    until(lambda: len(server.crowd.waiting) == 2)
    late = silent(server, clients, 2)
    assert ends(early[0])
    silent(server, clients, 1)
    assert ends(idle)
    assert len(server.crowd.waiting) == 3
    assert shakes_hands(server, late[0])


def test_those_who_come_at_once_are_as_many_as_may_wait(
    server: Running, clients: ExitStack
) -> None:
    """Some of them are cut off in the moment they come, and no handshake is begun with them."""
    gc.collect()
    server.crowd.most_waiting = 2
    asking = clients.enter_context(server.connect())
    asking.sendall(REQUEST.replace(b"small", b"blocking"))
    until(lambda: "/blocking" in server.asked)
    come = [clients.enter_context(server.connect_plainly()) for _ in range(6)]
    server.release.set()
    assert read(asking) == b"small"
    for client in come[:4]:
        assert ends(client)
    assert spoken() <= 3
    assert shakes_hands(server, come[-1])


def test_those_under_way_end_with_the_server_before_an_answer_does(
    server: Running, clients: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 60)
    asking = clients.enter_context(server.connect())
    asking.sendall(REQUEST.replace(b"small", b"held"))
    until(lambda: server.under_way == ["/held"])
    come = silent(server, clients, 3)
    come[1].sendall(BEGUN)
    server.stop()
    for client in come:
        assert ends(client)
    assert server.under_way == ["/held"]
    server.release.set()
    assert read(asking) == b"small"


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", None])
def test_nothing_is_left_of_it_to_be_collected(
    server: Running, said: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio's buffers are large, and garbage is not collected for being large."""
    if said is not None:
        monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.1)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            if said is None:
                assert server.ask() == b"small"
                continue
            with server.connect_plainly() as client:
                client.sendall(said)
                assert ends(client)
        until(lambda: not server.crowd.all)
        until(lambda: spoken() == 0)
    finally:
        gc.enable()
