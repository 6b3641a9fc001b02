"""Deadlines and bounds of one connection, on a server with a big answer and little patience."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import suppress
from http.client import HTTPResponse

import pytest

from exporter.web import connection as module
from exporter.web import limits
from exporter.web import server as server_module

from .server import BIG, BODY, HEAD, Running, ends, read, running, until


def hurry(monkeypatch: pytest.MonkeyPatch, *, head: float = 30, reading: float = 60) -> None:
    monkeypatch.setattr(module, "HEAD_SECONDS", head)
    monkeypatch.setattr(module, "READ_SECONDS", reading)


@pytest.mark.parametrize("said", [b"", b"G", HEAD, HEAD + b"X: y"])
def test_a_head_that_never_ends(
    server: Running, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, head=0.3)
    with server.connect() as client:
        client.sendall(said)
        assert ends(client)


def test_a_head_that_drips(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, head=0.5)
    with server.connect() as client, suppress(OSError):
        client.sendall(HEAD + b"X: ")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            client.sendall(b"y")
            time.sleep(0.02)
        pytest.fail("it may drip for ever")


def test_a_second_head_that_never_ends(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, head=0.3)
    with server.connect() as client:
        client.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(client) == b"small"
        client.sendall(b"GET /small")
        assert ends(client)


def test_a_head_in_time_and_an_answer_that_takes_longer(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, head=0.1)
    with server.connect() as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(client) == b"small"


def test_who_reads_slowly_gets_all_of_it(server: Running) -> None:
    with server.connect(patient=False) as client:
        client.sendall(HEAD + b"\r\n")
        response = HTTPResponse(client)
        response.begin()
        until(lambda: server.unread > BIG // 2)
        # The application is done with it; nobody is kept waiting.
        until(lambda: not server.under_way)
        assert server.ask() == b"small"
        assert response.read() == BODY
        until(lambda: not server.crowd.unread)
        client.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(client) == b"small"


def test_so_does_who_has_read_what_there_is_before_the_rest_is_there(server: Running) -> None:
    with server.connect(patient=False) as client:
        client.sendall(b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n")
        response = HTTPResponse(client)
        response.begin()
        until(lambda: bool(server.crowd.unread))
        assert response.read(BIG) == BODY
        until(lambda: not server.crowd.unread)
        assert server.under_way == ["/parts"]
        server.release.set()
        assert response.read() == b"small"
        client.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read(client) == b"small"


def test_so_does_who_wants_the_connection_closed(server: Running) -> None:
    with server.connect(patient=False) as client:
        client.sendall(HEAD + b"Connection: close\r\n\r\n")
        response = HTTPResponse(client)
        response.begin()
        until(lambda: server.unread > BIG // 2)
        assert response.read() == BODY
        assert ends(client)


@pytest.mark.parametrize("end", [b"\r\n", b"Connection: close\r\n\r\n"])
def test_what_is_left_by_who_stops_reading_is_counted_and_cut_off(
    server: Running, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.connect(patient=False) as client:
        client.sendall(HEAD + end)
        received = 0
        while received < BIG // 3:
            received += len(client.recv(65536))
        until(lambda: not server.under_way)
        [connection] = server.crowd.unread
        assert connection.unread_bytes > BIG // 4
        until(lambda: connection.unread_bytes < BIG - received)
        assert connection._read_timer is not None
        assert server.ask() == b"small"
        monkeypatch.setattr(module, "UNREAD_BYTES", 1000)
        with server.connect(patient=False) as another:
            another.sendall(HEAD + end)
            with suppress(OSError):
                while part := client.recv(1 << 20):
                    received += len(part)
            assert received < BIG


@pytest.mark.parametrize("end", [b"\r\n", b"Connection: close\r\n\r\n"])
def test_who_reads_nothing_is_cut_off(
    server: Running, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, reading=0.5)
    with server.connect(patient=False) as client:
        client.sendall(HEAD + end)
        until(lambda: bool(server.crowd.unread))
        until(lambda: not server.crowd.unread)
        with suppress(OSError):
            received = 0
            while part := client.recv(1 << 20):
                received += len(part)
            assert received < BIG


def test_who_asks_again_without_reading_is_cut_off(server: Running) -> None:
    with server.connect(patient=False) as client:
        client.sendall(HEAD + b"\r\n")
        until(lambda: bool(server.crowd.unread))
        until(lambda: not server.under_way)
        [connection] = server.crowd.unread
        client.sendall(HEAD + b"\r\n")
        until(connection.transport.is_closing)
        assert not server.under_way


def test_what_lies_unread_in_all_is_bounded(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNREAD_BYTES", 2.5 * BIG)
    clients = [server.connect(patient=False) for _ in range(6)]
    for client in clients:
        client.sendall(HEAD + b"\r\n")
        client.recv(1)
        until(lambda: not server.under_way)
        assert server.unread <= 2.5 * BIG
    # The latest stay, and can read all of it.
    assert len(server.crowd.unread) == 2
    assert ends(clients[0])
    received = 1
    clients[-1].settimeout(2)
    with suppress(TimeoutError):
        while part := clients[-1].recv(1 << 20):
            received += len(part)
    assert received > BIG
    for client in clients:
        client.close()


def test_one_answer_may_be_larger_than_the_bound(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "UNREAD_BYTES", 1000)
    assert len(server.ask("/")) == BIG


def test_of_too_many_who_wait_the_oldest_go(server: Running) -> None:
    assert server.ask() == b"small"
    until(lambda: not server.crowd.waiting)
    server.crowd.most_waiting = 3
    clients = [server.connect() for _ in range(6)]
    for client in clients[:3]:
        assert ends(client)
    for client in clients[3:]:
        client.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
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
def test_so_do_those_who_do_not_answer_a_goodbye(server: Running, request_: bytes) -> None:
    """Over TLS a connection that is closed stays until the client has said goodbye too."""
    server.crowd.most_waiting = 3
    clients: list[socket.socket] = []
    for _ in range(6):
        clients.append(server.connect())
        clients[-1].sendall(request_)
        assert clients[-1].recv(1) == b"H"
        there = 0 if server.tls is None else min(3, len(clients))
        until(lambda: len(server.crowd.all) == len(server.crowd.waiting) == there)  # noqa: B023
    for number, client in enumerate(clients):
        # Beneath TLS, so that it goes on saying nothing.
        with socket.socket(fileno=client.detach()) as beneath:
            if number < 3 or server.tls is None:
                assert ends(beneath)


@pytest.fixture
def patient_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that waits longer than any test for whoever is there when it ends."""
    monkeypatch.setattr(server_module, "_DRAIN_SECONDS", 600)


@pytest.mark.usefixtures("patient_end")
def test_who_is_idle_and_answers_no_goodbye_does_not_hold_up_the_end(server: Running) -> None:
    with server.connect() as client, server.connect() as silent:
        client.sendall(HEAD.replace(b"/", b"/small", 1) + b"\r\n")
        assert read(client) == b"small"
        until(lambda: len(server.crowd.waiting) == 2)
        server.stop()
        until(lambda: not server.crowd.all)
        # Beneath TLS, which would answer.
        for each in (client, silent):
            with socket.socket(fileno=each.detach()) as beneath:
                assert ends(beneath)


@pytest.mark.usefixtures("patient_end")
def test_nor_does_who_is_answered_meanwhile(server: Running) -> None:
    with server.connect() as client:
        client.sendall(HEAD.replace(b"/", b"/held", 1) + b"\r\n")
        until(lambda: bool(server.under_way))
        server.stop()
        until(lambda: server.crowd.ending)
        server.release.set()
        assert read(client) == b"small"
        until(lambda: not server.crowd.all)
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


def test_the_server_ends_though_an_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.web.server._DRAIN_SECONDS", 1)
    began = time.monotonic()
    with running() as server:
        client = server.connect(patient=False)
        client.sendall(HEAD + b"\r\n")
        until(lambda: bool(server.crowd.unread))
        idle = server.connect()
        silent = server.connect()
        idle.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        read(idle)
    assert time.monotonic() - began < 9
    for each in (client, idle, silent):
        each.close()


@pytest.mark.parametrize(
    ("files", "most"),
    [((1024, 1024), 512), ((64, 64), 32), ((-1, -1), 4096), ((10**6, 10**6), 4096)],
)
def test_how_many_may_wait_follows_from_the_files_that_may_be_open(
    files: tuple[int, int], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: files)
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: asked.append(limit))
    assert limits.most_waiting() == most
    assert asked == [(resource.RLIMIT_NOFILE, (files[1], files[1]))]


def test_without_leave_to_ask_for_files_those_there_are_must_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 200))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert limits.most_waiting() == 50
