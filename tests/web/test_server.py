"""The server's end: signals, and what is in flight when they come."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from exporter.web.app import Application
from exporter.web.limits import Limits
from exporter.web.listen import Address, bind
from exporter.web.server import NO_CONNECTION, Server

from .serving import SAMPLE, Answer, Serving, poll, serving, serving_site

if TYPE_CHECKING:
    from collections.abc import Callable


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
        assert store.waiting.acquire(timeout=60)
        os.kill(os.getpid(), number)
        # Not by the port: another process may listen on it at once.
        poll(lambda: listener.fileno() == -1)
        store.open.set()
        asking.join(20)

    helper = threading.Thread(target=meanwhile)
    helper.start()
    Server(Application(site, max_requests=40), [listener]).run(on_hangup=lambda: None)
    helper.join(20)
    listener.close()
    assert [answer.status for answer in answers] == [200]
    assert SAMPLE in answers[0].text


def test_sighup_calls_and_goes_on() -> None:
    site, _, _, _ = serving_site()
    listener = bind(Address("127.0.0.1", 0))
    server = Server(Application(site, max_requests=40), [listener])
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


class Exhausted(socket.socket):
    """A listening socket that fails as often as it is given errors."""

    errors: list[OSError]

    def accept(self) -> tuple[socket.socket, object]:
        if self.errors:
            raise self.errors.pop(0)
        return super().accept()


def test_a_connection_is_accepted_once_there_are_files_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site, store, _, _ = serving_site()
    with bind(Address("127.0.0.1", 0)) as bound, Exhausted(fileno=bound.detach()) as listener:
        listener.errors = [OSError(errno.EMFILE, "Too many open files")] * 3
        listener.errors += [ConnectionAbortedError(errno.ECONNABORTED, "Gone")]
        server = Server(
            Application(site, max_requests=40), [listener], limits=Limits(pause_seconds=0.01)
        )
        serves = threading.Thread(target=server.run_in_thread)
        serves.start()
        client = Serving(listener.getsockname()[1], store, site.telemetry)
        assert client.ask("/-/healthy").status == 200
        server.stop()
        serves.join(20)
    assert [record.getMessage() for record in caplog.records] == [NO_CONNECTION]
    assert vars(caplog.records[0])["fields"] == {"error": "Too many open files"}


def test_a_client_that_comes_while_it_ends_does_not_hold_it_up() -> None:
    """As one does whose connection is accepted with the signal, and who then keeps it open."""
    site, store, _, _ = serving_site()
    store.open.clear()
    with bind(Address("127.0.0.1", 0)) as listener:
        server = Server(Application(site, max_requests=40), [listener])
        serves = threading.Thread(target=server.run_in_thread)
        serves.start()
        client = Serving(listener.getsockname()[1], store, site.telemetry)
        asking = threading.Thread(target=client.ask, args=("/metrics",))
        asking.start()
        assert store.waiting.acquire(timeout=60)
        # The event loop has the next client and the stop to see in one turn.
        with socket.create_connection(listener.getsockname(), timeout=20) as late:
            server.stop()
            assert late.recv(1) == b""
        store.open.set()
        asking.join(20)
        serves.join(20)
        assert not serves.is_alive()


def test_a_stop_before_the_start_and_after_the_end() -> None:
    site, _, _, _ = serving_site()
    server = Server(Application(site, max_requests=40), [bind(Address("127.0.0.1", 0))])
    server.stop()
    server.run_in_thread()
    server.stop()
