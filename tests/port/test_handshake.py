"""Clients of a TLS port that do not get as far as a request, and what they cost the others."""

from __future__ import annotations

import gc
import socket
import ssl
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from exporter.web.config.settings import ClientAuth
from exporter.web.handshake import HANDSHAKE_REFUSED
from exporter.web.limits import Limits, Throttle
from exporter.web.stream import TLSStream

from .server import HEAD, ends, read, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web_config.pki import PKI

    from .server import Running

REQUEST = HEAD.replace(b"/", b"/small", 1) + b"\r\n"
# A record of 16 KiB has begun.
BEGUN = b"\x16\x03\x01\x40\x00\x01"


@pytest.fixture(autouse=True)
def _only_refusals_are_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("DEBUG", "asyncio")
    caplog.set_level("DEBUG", "exporter")
    yield
    # What the event loop is made of, it says itself.
    said = {each.msg for each in caplog.get_records("call") if "Using selector" not in each.msg}
    assert said <= {HANDSHAKE_REFUSED}


def reasons(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    """Why handshakes were refused, as the log says at a level."""
    return [
        vars(record)["fields"]["reason"]
        for record in caplog.records
        if record.msg == HANDSHAKE_REFUSED and record.levelname == level
    ]


@pytest.fixture
def server(pki: PKI) -> Iterator[Running]:
    """A server with TLS."""
    with running(pki) as running_:
        yield running_


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def silent(
    server: Running, clients: ExitStack, count: int, *, most: int = 9
) -> list[socket.socket]:
    """So many who say nothing; each is there before the next one comes."""
    come: list[socket.socket] = []
    for _ in range(count):
        there = min(most, server.clients.idle + 1)
        come.append(clients.enter_context(server.connect_plainly()))
        until(lambda: server.clients.idle == there)  # noqa: B023
        time.sleep(0.02)  # for the oldest to be closed where there are too many
    return come


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
def test_one_that_never_ends(pki: PKI, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with running(pki, limits=Limits(handshake_seconds=0.3)) as server:
        with server.connect_plainly() as client:
            client.sendall(said)
            assert ends(client)
        until(lambda: not server.clients.idle)
    assert reasons(caplog, "WARNING") == ["too slow"]
    assert len(server.refused) == 1


def test_one_that_drips(pki: PKI) -> None:
    with (
        running(pki, limits=Limits(handshake_seconds=0.5)) as server,
        server.connect_plainly() as client,
        suppress(OSError),
    ):
        client.sendall(BEGUN)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            client.sendall(b"x")
            time.sleep(0.02)
        pytest.fail("it may drip for ever")


def test_the_deadline_ends_with_the_handshake(pki: PKI) -> None:
    with (
        running(pki, limits=Limits(handshake_seconds=1, head_seconds=30)) as server,
        server.connect() as client,
        server.connect_plainly() as later,
    ):
        assert ends(later)
        client.sendall(REQUEST)
        assert read(client) == b"small"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"\x15\x03\x01\x00\x02\x02\x28", "unexpected message"),
        (b"\0" * 99, "wrong version number"),
    ],
)
def test_what_is_no_tls_ends_the_connection(
    server: Running, said: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect_plainly() as client:
        client.sendall(said)
        assert ends(client)
    assert server.ask() == b"small"
    until(lambda: server.clients.idle <= 1)
    assert reasons(caplog, "WARNING") == [reason]
    assert len(server.refused) == 1


@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS", b"get"])
def test_plain_http_is_told_to_use_https(
    server: Running, method: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect_plainly() as client:
        client.sendall(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.makefile("rb").read()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"content-length: {len(body)}\r\n".encode() in head
    assert body == b"This port speaks TLS: use https:// instead of http://.\n"
    assert reasons(caplog, "WARNING") == ["plain HTTP"]
    assert server.asked == []


def test_a_probe_that_only_connects_is_no_refusal(
    server: Running, clients: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    for client in silent(server, clients, 3):
        client.close()
    until(lambda: not server.clients.idle)
    with socket.socket() as reset:
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        reset.connect(("127.0.0.1", server.port))
        until(lambda: server.clients.idle == 1)
    until(lambda: not server.clients.idle)
    assert not reasons(caplog, "WARNING")
    assert not server.refused


def test_a_client_that_goes_before_the_end_is_forgotten(
    server: Running, clients: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    for client in silent(server, clients, 3):
        client.sendall(BEGUN)
        client.close()
    until(lambda: not server.clients.idle)
    assert reasons(caplog, "WARNING") == ["the client closed the connection"]
    assert reasons(caplog, "DEBUG") == ["the client closed the connection"] * 2
    assert len(server.refused) == 3


def ask(client: ssl.SSLContext, plain: socket.socket) -> None:
    """Ask under TLS; 1.3 tells a client that it is refused after its own end of the handshake."""
    with client.wrap_socket(plain, server_hostname="localhost") as over_tls:
        over_tls.sendall(REQUEST)
        over_tls.recv(1)


def refusal(server: Running, client: ssl.SSLContext) -> str:
    """What a client is told of why it may not come in."""
    with server.connect_plainly() as plain, pytest.raises(ssl.SSLError) as caught:
        ask(client, plain)
    return str(caught.value.reason)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("shown", "alert", "reason"),
    [
        (
            "",
            ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "peer did not return a certificate",
        ),
        (
            "client-stranger",
            ("TLSV1_ALERT_UNKNOWN_CA", "TLSV1_ALERT_UNKNOWN_CA"),
            "certificate verify failed: ",
        ),
        (
            "client-expired",
            ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
            "certificate verify failed: certificate has expired",
        ),
    ],
)
def test_a_refused_client_is_told_why(
    pki: PKI,
    shown: str,
    alert: tuple[str, str],
    reason: str,
    version: ssl.TLSVersion,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(pki, ClientAuth.REQUIRE_AND_VERIFY) as server:
        client = server.tls
        assert client is not None
        client.minimum_version = client.maximum_version = version
        if shown:
            client.load_cert_chain(pki.path(f"{shown}.pem"), pki.path(f"{shown}.key"))
        assert refusal(server, client) == alert[version is ssl.TLSVersion.TLSv1_3]
        until(lambda: not server.clients.idle)
    [logged] = reasons(caplog, "WARNING")
    assert logged.startswith(reason)


def test_so_is_one_that_speaks_too_old_a_version(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.deprecated_call():
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    assert refusal(server, client) == "TLSV1_ALERT_PROTOCOL_VERSION"
    until(lambda: not server.clients.idle)
    assert reasons(caplog, "WARNING") == ["unsupported protocol"]


def test_a_client_that_refuses_us_is_counted(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect_plainly() as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    until(lambda: bool(server.refused))
    assert reasons(caplog, "WARNING") == ["tlsv1 alert unknown ca"]


def test_each_reason_is_a_warning_once_a_minute(pki: PKI, caplog: pytest.LogCaptureFixture) -> None:
    now = [1000.0]
    throttle = Throttle(lambda: now[0])
    with running(pki, throttle=throttle) as server:
        for seconds in (0, 59.9, 0.1, 1):
            now[0] += seconds
            refused = len(server.refused)
            with server.connect_plainly() as client:
                client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert ends(client)
            until(lambda: len(server.refused) == refused + 1)  # noqa: B023
        with server.connect_plainly() as client:
            client.sendall(b"\0" * 99)
            assert ends(client)
    assert reasons(caplog, "WARNING") == ["plain HTTP"] * 2 + ["wrong version number"]
    assert reasons(caplog, "DEBUG") == ["plain HTTP"] * 2
    fields = vars(caplog.records[-1])["fields"]
    assert fields == {"client": "127.0.0.1", "reason": "wrong version number"}


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
        time.sleep(0.1)  # for the handshake to end before the request does
        client.sendall(said[-1:])
        assert packets.read(client).endswith(b"\r\n\r\nsmall")


def test_a_request_that_comes_with_a_goodbye_is_the_last(server: Running) -> None:
    assert server.tls is not None
    with server.connect_plainly() as client:
        packets = Packets(server.tls)
        packets.shake_hands(client)
        packets.tls.write(REQUEST)
        with suppress(ssl.SSLWantReadError):
            packets.tls.unwrap()
        client.sendall(packets.said())
        assert ends(client)
    until(lambda: not server.clients.idle)
    assert server.ask() == b"small"


def test_a_client_whose_name_is_not_allowed_gets_403(
    pki: PKI, caplog: pytest.LogCaptureFixture
) -> None:
    allowed = frozenset({"somebody.else"})
    with running(pki, ClientAuth.REQUIRE_AND_VERIFY, allowed) as server:
        assert server.tls is not None
        server.tls.load_cert_chain(pki.path("client-dns.pem"), pki.path("client-dns.key"))
        with server.connect_plainly() as client:
            packets = Packets(server.tls)
            packets.shake_hands(client)
            packets.tls.write(REQUEST.replace(b"Host", b"Connection: close\r\nHost"))
            client.sendall(packets.said())
            answer = packets.read(client)
        assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert b"no name in the client's certificate is allowed" in answer
        assert server.asked == []
        assert len(server.refused) == 1
    assert reasons(caplog, "WARNING") == ["no name in the client's certificate is allowed"]


def test_of_too_many_the_oldest_go_and_the_next_is_served(pki: PKI, clients: ExitStack) -> None:
    with running(pki, limits=Limits(idle_connections=3)) as server:
        come = silent(server, clients, 6, most=3)
        for client in come[:3]:
            assert ends(client)
        assert server.ask() == b"small"
        assert ends(come[3])
        for client in come[4:]:
            assert shakes_hands(server, client)


def test_they_wait_in_one_line_with_those_that_have_shaken_hands(
    pki: PKI, clients: ExitStack
) -> None:
    with running(pki, limits=Limits(idle_connections=3)) as server:
        early = silent(server, clients, 1)
        idle = clients.enter_context(server.connect())
        idle.sendall(REQUEST)
        assert read(idle) == b"small"
        until(lambda: server.clients.idle == 2)
        late = silent(server, clients, 2, most=3)
        assert ends(early[0])
        silent(server, clients, 1, most=3)
        assert ends(idle)
        until(lambda: server.clients.idle == 3)
        assert shakes_hands(server, late[0])


def test_those_who_come_at_once_are_as_many_as_may_be_idle(pki: PKI, clients: ExitStack) -> None:
    with running(pki, limits=Limits(idle_connections=2)) as server:
        asking = clients.enter_context(server.connect())
        asking.sendall(REQUEST.replace(b"small", b"blocking"))
        until(lambda: "/blocking" in server.asked)
        come = [clients.enter_context(server.connect_plainly()) for _ in range(6)]
        server.release.set()
        assert read(asking) == b"small"
        for client in come[:4]:
            assert ends(client)
        assert shakes_hands(server, come[-1])


def test_those_under_way_end_with_the_server_before_an_answer_does(
    pki: PKI, clients: ExitStack
) -> None:
    with running(pki, limits=Limits(handshake_seconds=60)) as server:
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


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\n\r\n", BEGUN, None])
def test_nothing_is_left_of_it_to_be_collected(pki: PKI, said: bytes | None) -> None:
    """OpenSSL's buffers are large, and garbage is not collected for being large."""

    def left() -> int:
        return sum(isinstance(each, (ssl.SSLObject, TLSStream)) for each in gc.get_objects())

    seconds = 30 if said is None else 0.1
    with running(pki, limits=Limits(handshake_seconds=seconds)) as server:
        gc.collect()
        before = left()
        gc.disable()
        try:
            for _ in range(3):
                if said is None:
                    assert server.ask() == b"small"
                    continue
                with server.connect_plainly() as client:
                    client.sendall(said)
                    assert ends(client)
            until(lambda: not server.clients.idle)
            until(lambda: left() == before)
        finally:
            gc.enable()
