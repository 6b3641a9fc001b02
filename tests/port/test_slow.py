"""Deadlines and bounds of one connection, on a server with a big answer and little patience."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import suppress
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import pytest

from exporter.web.limits import Limits

from .server import BIG, BODY, HEAD, ends, read, running, until

if TYPE_CHECKING:
    from .server import Running, Serving

SMALL = HEAD.replace(b"/", b"/small", 1) + b"\r\n"


@pytest.mark.parametrize("said", [b"", b"G", HEAD, HEAD + b"X: y", b"\r", b"\r\n", b"\r\nG"])
def test_a_head_that_never_ends(serving: Serving, said: bytes) -> None:
    with serving(limits=Limits(head_seconds=0.3)) as server, server.connect() as client:
        client.sendall(said)
        assert ends(client)


def test_a_head_that_drips(serving: Serving) -> None:
    with (
        serving(limits=Limits(head_seconds=0.5)) as server,
        server.connect() as client,
        suppress(OSError),
    ):
        client.sendall(HEAD + b"X: ")
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            client.sendall(b"y")
            time.sleep(0.02)
        pytest.fail("it may drip for ever")


def test_a_second_head_that_never_ends(serving: Serving) -> None:
    with serving(limits=Limits(head_seconds=0.3)) as server, server.connect() as client:
        client.sendall(SMALL)
        assert read(client) == b"small"
        client.sendall(b"GET /small")
        assert ends(client)


def test_an_idle_connection_is_closed(serving: Serving) -> None:
    with serving(limits=Limits(idle_seconds=2)) as server, server.connect() as client:
        client.sendall(SMALL)
        assert read(client) == b"small"
        assert client.recv(1) == b""


def test_a_head_in_time_and_an_answer_that_takes_longer(serving: Serving) -> None:
    with serving(limits=Limits(head_seconds=0.1)) as server, server.connect() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(client) == b"small"


def test_a_second_head_has_its_own_deadline(serving: Serving) -> None:
    """Not that of the idle time before it."""
    limits = Limits(head_seconds=30, idle_seconds=0.3)
    with serving(limits=limits) as server, server.connect() as client:
        client.sendall(SMALL)
        assert read(client) == b"small"
        client.sendall(SMALL[:10])
        time.sleep(2.5)
        client.sendall(SMALL[10:])
        assert read(client) == b"small"


@pytest.mark.parametrize("end", [b"\r\n", b"Connection: close\r\n\r\n"])
def test_a_slow_reader_gets_all_of_it(server: Running, end: bytes) -> None:
    with server.connect(patient=False) as client:
        client.sendall(HEAD + end)
        response = HTTPResponse(client)
        response.begin()
        until(lambda: server.clients.unsent_bytes > BIG // 2)
        # The application is done with it, and no other client is kept waiting.
        until(lambda: not server.under_way)
        assert server.ask() == b"small"
        assert response.read() == BODY
        until(lambda: not server.clients.unsent_bytes)
        if b"close" in end:
            assert ends(client)
        else:
            client.sendall(SMALL)
            assert read(client) == b"small"


@pytest.mark.parametrize("end", [b"\r\n", b"Connection: close\r\n\r\n"])
def test_what_a_client_has_not_read_is_counted_and_given_up_for_another(
    serving: Serving, end: bytes
) -> None:
    with (
        serving(limits=Limits(unsent_bytes=BIG)) as server,
        server.connect(patient=False) as client,
    ):
        client.sendall(HEAD + end)
        received = 0
        while received < BIG // 3:
            received += len(client.recv(65536))
        until(lambda: not server.under_way)
        until(lambda: BIG // 4 < server.clients.unsent_bytes < BIG - received)
        assert server.ask() == b"small"
        with server.connect(patient=False) as another:
            another.sendall(HEAD + end)
            with suppress(OSError):
                while part := client.recv(1 << 20):
                    received += len(part)
            assert received < BIG


@pytest.mark.parametrize("end", [b"\r\n", b"Connection: close\r\n\r\n"])
def test_a_client_that_reads_nothing_is_given_up(serving: Serving, end: bytes) -> None:
    with (
        serving(limits=Limits(send_seconds=0.5)) as server,
        server.connect(patient=False) as client,
    ):
        client.sendall(HEAD + end)
        until(lambda: bool(server.clients.unsent_bytes))
        until(lambda: not server.clients.unsent_bytes)
        with suppress(OSError):
            received = 0
            while part := client.recv(1 << 20):
                received += len(part)
            assert received < BIG


def test_a_request_before_the_last_answer_is_read_is_not_answered(server: Running) -> None:
    with server.connect(patient=False) as client:
        client.sendall(HEAD + b"\r\n")
        until(lambda: bool(server.clients.unsent_bytes))
        client.sendall(SMALL)
        response = HTTPResponse(client)
        response.begin()
        assert response.read() == BODY
        assert ends(client)
    assert server.asked == ["/"]


def test_nor_is_one_before_the_last_answer_is_made(server: Running) -> None:
    with server.connect() as client:
        client.sendall(SMALL.replace(b"small", b"held"))
        until(lambda: bool(server.under_way))
        client.sendall(SMALL)
        time.sleep(0.1)  # for it to arrive before the answer is made
        server.release.set()
        response = HTTPResponse(client)
        response.begin()
        assert response.headers["connection"] == "close"
        assert response.read() == b"small"
        assert ends(client)
    assert server.asked == ["/held"]


def test_what_is_unread_in_all_is_bounded(serving: Serving) -> None:
    with serving(limits=Limits(unsent_bytes=int(2.5 * BIG))) as server:
        clients = [server.connect(patient=False) for _ in range(6)]
        for number, client in enumerate(clients, 1):
            client.sendall(HEAD + b"\r\n")
            client.recv(1)
            until(lambda: len(server.asked) == number)  # noqa: B023
            until(lambda: server.clients.unsent_bytes <= 2.5 * BIG)
        # The newest stay, and can read all of it.
        until(lambda: server.clients.unsent_bytes > BIG)
        assert ends(clients[0])
        received = 1
        clients[-1].settimeout(5)
        with suppress(TimeoutError):
            while part := clients[-1].recv(1 << 20):
                received += len(part)
        assert received > BIG
        for client in clients:
            client.close()


def test_one_answer_may_be_larger_than_the_bound(serving: Serving) -> None:
    with serving(limits=Limits(unsent_bytes=1000)) as server:
        assert len(server.ask("/")) == BIG


def test_of_too_many_idle_ones_the_oldest_are_closed(serving: Serving) -> None:
    with serving(limits=Limits(idle_connections=3)) as server:
        clients = []
        for _ in range(6):
            clients.append(server.connect())
            clients[-1].sendall(SMALL)
            assert read(clients[-1]) == b"small"
            until(lambda: server.clients.idle == min(3, len(clients)))
        for client in clients[:3]:
            assert client.recv(1) == b""
        for client in clients[3:]:
            client.sendall(SMALL)
            assert read(client) == b"small"
        for client in clients:
            client.close()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
        b"POST /held HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_client_that_does_not_close_its_side_is_gone_soon(
    serving: Serving, request_: bytes
) -> None:
    with serving(limits=Limits(goodbye_seconds=0.3)) as server, server.connect() as client:
        client.sendall(request_)
        assert client.recv(1) == b"H"
        until(lambda: not server.clients.idle)
        # Beneath TLS, so that it goes on saying nothing.
        with socket.socket(fileno=client.detach()) as beneath:
            assert ends(beneath)


def test_an_answer_is_not_lost_to_what_was_sent_behind_its_request(server: Running) -> None:
    """A socket that is closed with bytes unread is reset, and the client may lose the answer."""
    with server.connect() as client:
        client.sendall(b"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n")
        with suppress(OSError):
            client.sendall(bytes(500_000))
        time.sleep(0.1)
        assert read(client) == b"small"


def patient(**given: float) -> Limits:
    """Limits of a server that waits longer than any test for a client when it ends."""
    return Limits(drain_seconds=600, **given)  # type: ignore[arg-type]


def test_an_idle_client_that_answers_no_goodbye_does_not_hold_up_the_end(serving: Serving) -> None:
    with (
        serving(limits=patient(goodbye_seconds=600)) as server,
        server.connect() as client,
        server.connect() as silent,
    ):
        client.sendall(SMALL)
        assert read(client) == b"small"
        until(lambda: server.clients.idle == 2)
        server.stop()
        until(lambda: not server.clients.idle)
        for each in (client, silent):
            assert each.recv(1) == b""  # a proper end, over TLS too


def test_nor_does_one_that_is_answered_meanwhile(serving: Serving) -> None:
    with serving(limits=patient(goodbye_seconds=0.3)) as server, server.connect() as client:
        client.sendall(SMALL.replace(b"small", b"held"))
        until(lambda: bool(server.under_way))
        server.stop()
        server.release.set()
        assert read(client) == b"small"
        with socket.socket(fileno=client.detach()) as beneath:
            assert ends(beneath)


def test_nonsense_in_the_middle_of_a_request(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    chunked = b"POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for path in (b"/slow", b"/small"):
        with server.connect() as client:
            client.sendall(chunked.replace(b"/slow", path) + b"zz\r\n")
            received = b""
            with suppress(OSError):
                while part := client.recv(65536):
                    received += part
            assert received.count(b"HTTP/1.1") == 1
            assert received.startswith(b"HTTP/1.1 400 ")
    with server.connect() as client:
        client.sendall(chunked.replace(b"POST", b"HEAD") + b"zz\r\n")
        assert ends(client)
    with server.connect() as client:
        client.sendall(chunked)
        until(lambda: bool(server.under_way))
        client.sendall(b"zz\r\n")
        assert ends(client)
    until(lambda: not server.under_way)
    assert not caplog.records


def test_nonsense_after_the_answer_has_begun(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    chunked = b"POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.connect() as client:
        client.sendall(chunked)
        read(client)
        with suppress(OSError):
            client.sendall(b"zz\r\n")
        assert ends(client)
    assert not caplog.records


def test_a_client_that_is_gone_before_its_answer(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with server.connect() as client:
        client.sendall(SMALL.replace(b"small", b"held"))
        until(lambda: bool(server.under_way))
    server.release.set()
    until(lambda: not server.under_way)
    with server.connect(patient=False) as client:
        client.sendall(HEAD + b"\r\n")
        until(lambda: bool(server.clients.unsent_bytes))
    until(lambda: not server.clients.unsent_bytes)
    assert server.ask() == b"small"
    assert not caplog.records


def test_the_server_ends_though_an_answer_is_not_read() -> None:
    began = time.monotonic()
    with running(limits=Limits(drain_seconds=1)) as server:
        client = server.connect(patient=False)
        client.sendall(HEAD + b"\r\n")
        until(lambda: bool(server.clients.unsent_bytes))
        idle = server.connect()
        silent = server.connect()
        idle.sendall(SMALL)
        read(idle)
    assert time.monotonic() - began < 60  # nobody else ends it
    for each in (client, idle, silent):
        each.close()


@pytest.mark.parametrize(
    ("files", "plain", "tls"),
    [
        ((1024, 1024), 512, 512),
        ((64, 64), 32, 32),
        ((-1, -1), 4096, 512),
        ((10**6, 10**6), 4096, 512),
    ],
)
def test_how_many_may_be_idle_follows_from_the_files_that_may_be_open(
    files: tuple[int, int], plain: int, tls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: files)
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: asked.append(limit))
    assert Limits.of_this_process(tls=False).idle_connections == plain
    assert Limits.of_this_process(tls=True).idle_connections == tls
    assert asked == [(resource.RLIMIT_NOFILE, (files[1], files[1]))] * 2


def test_without_leave_to_ask_for_files_those_there_are_must_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert Limits.of_this_process(tls=False).idle_connections == 50
