"""The server's end: signals, and what is in flight when they come."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse

from exporter.web.app import application
from exporter.web.listen import Address, bind
from exporter.web.server import Server

from .serving import SAMPLE, Answer, Serving, poll, serving, serving_site

if TYPE_CHECKING:
    from collections.abc import Callable


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_once_what_is_in_flight_is_answered(number: signal.Signals) -> None:
    site, store, _, _ = serving_site()
    listener = bind(Address("127.0.0.1", 0))
    port = listener.getsockname()[1]
    answers: list[Answer] = []

    def meanwhile() -> None:
        client = Serving(port, store, site.telemetry)
        store.open.clear()
        asking = threading.Thread(target=lambda: answers.append(client.ask("/metrics")))
        asking.start()
        assert store.waiting.acquire(timeout=20)
        os.kill(os.getpid(), number)
        poll(lambda: refused(port))
        store.open.set()
        asking.join(20)

    helper = threading.Thread(target=meanwhile)
    helper.start()
    Server(application(site, max_requests=40), [listener]).run(on_hangup=lambda: None)
    helper.join(20)
    listener.close()
    assert [answer.status for answer in answers] == [200]
    assert SAMPLE in answers[0].text


def test_sighup_calls_and_goes_on() -> None:
    site, _, _, _ = serving_site()
    listener = bind(Address("127.0.0.1", 0))
    server = Server(application(site, max_requests=40), [listener])
    called = threading.Event()

    def meanwhile(ask: Callable[[str], Answer]) -> None:
        poll(lambda: ask("/-/healthy").status == 200)
        os.kill(os.getpid(), signal.SIGHUP)
        assert called.wait(20)
        assert ask("/-/healthy").status == 200
        server.stop()

    client = Serving(listener.getsockname()[1], site.store, site.telemetry)  # type: ignore[arg-type]
    helper = threading.Thread(target=meanwhile, args=(client.ask,))
    helper.start()
    server.run(on_hangup=called.set)
    helper.join(20)
    listener.close()
    assert called.is_set()


def test_silent_and_broken_clients_hold_up_nobody() -> None:
    with serving() as server:
        half_open = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
        for number, client in enumerate(half_open):
            client.sendall(
                b"GET /metrics HT" if number % 2 else b"\x16\x03\x01\0\0 nonsense\r\n\r\n"
            )
        assert server.ask("/metrics").status == 200
        for client in half_open:
            client.close()
        assert server.ask("/metrics").status == 200


def test_a_socket_that_is_closed_while_it_waits_to_listen_again_is_no_news() -> None:
    told: list[object] = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: told.append(context))
    with contextlib.closing(loop), bind(Address("127.0.0.1", 0)) as listening:
        server = Server(PlainTextResponse("never served"), [listening])
        server.stop()
        late = "Exception in callback BaseSelectorEventLoop._start_serving()"
        server._unhandled(loop, {"message": late, "exception": ValueError("closed")})
    assert told == []


def test_any_other_fault_that_asyncio_catches_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop), bind(Address("127.0.0.1", 0)) as listening:
        server = Server(PlainTextResponse("never served"), [listening])
        server._unhandled(loop, {"message": "A task failed", "exception": ValueError("odd")})
    assert [record.getMessage() for record in caplog.records] == ["A task failed"]


def test_that_no_file_is_left_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop), bind(Address("127.0.0.1", 0)) as listening:
        server = Server(PlainTextResponse("never served"), [listening])
        for _ in range(3):
            error = OSError(errno.EMFILE, "Too many open files")
            server._unhandled(loop, {"message": "socket.accept() failed", "exception": error})
    assert [record.getMessage() for record in caplog.records] == ["No connection can be accepted"]


def test_who_comes_while_it_ends_does_not_hold_it_up() -> None:
    """As one does whose connection is accepted with the signal, and who then keeps it open."""
    site, _, _, _ = serving_site()
    with bind(Address("127.0.0.1", 0)) as listener:
        server = Server(application(site, max_requests=40), [listener])
        server._crowd.ending = True
        serves = threading.Thread(target=server.run_in_thread)
        serves.start()
        with socket.create_connection(listener.getsockname(), timeout=20) as client:
            assert client.recv(1) == b""
        server.stop()
        serves.join(5)
        assert not serves.is_alive()
