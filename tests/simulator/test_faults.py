"""Each fault as it looks from the wire."""

from __future__ import annotations

import email.utils
import gzip
import http.client
import json
import math
import socket
import struct
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import (
    Body,
    Bytes,
    Chunked,
    ClockOffset,
    Cut,
    Delay,
    Drip,
    HangUp,
    Large,
    LongHead,
    SimulatorServer,
    Stall,
    Status,
    Transformed,
    TruncatedGzip,
    fault_answers,
    patched,
)

from .client import Client, Reply, is_silent, receive, receive_all, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator import Fault

EQUITIES, FOREX = 21048731, 21790216
READ = f"live/portfolio/read?projectId={EQUITIES}"
OK = {"success": True}


@pytest.fixture
def befallen(server: SimulatorServer, client: Client) -> Callable[[Fault], Reply]:
    """The answer to a portfolio that a fault befalls once."""

    def ask(fault: Fault) -> Reply:
        server.faults.add(fault, times=1)
        return client.get(READ)

    return ask


class TestWhichRequests:
    def test_all_until_removed(self, server: SimulatorServer, client: Client) -> None:
        handle = server.faults.add(Status(503))
        assert [client.get("authenticate").status for _ in range(3)] == [503] * 3
        server.faults.remove(handle)
        server.faults.remove(handle)
        assert client.get("authenticate").json() == OK

    def test_so_many_times_after_so_many(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Status(500), times=2, after=1)
        assert [client.get("authenticate").status for _ in range(5)] == [200, 500, 500, 200, 200]
        assert len(server.faults) == 0

    def test_of_an_endpoint_and_a_project(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Status(500), endpoint="live/portfolio/read", project_id=EQUITIES)
        assert client.get(READ).status == 500
        assert client.get(f"live/portfolio/read?projectId={FOREX}").status == 200
        assert client.get(f"live/read?projectId={EQUITIES}").status == 200
        server.faults.clear()
        assert client.get(READ).status == 200

    def test_of_deployments_that_ended(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Status(500), status="Stopped")
        assert client.get("live/list?status=Stopped").status == 500
        assert client.get("live/list?status=Running").status == 200

    def test_one_that_answers_spares_the_next(
        self, server: SimulatorServer, client: Client
    ) -> None:
        server.faults.add(ClockOffset(100.0), times=1)
        server.faults.add(Status(500), times=1)
        server.faults.add(Status(404), times=1)
        assert [client.get("authenticate").status for _ in range(3)] == [500, 404, 200]

    def test_removed_while_an_earlier_one_acts(
        self, server: SimulatorServer, client: Client
    ) -> None:
        class Remover:
            def act(self, exchange: Any) -> None:
                server.faults.remove(handle)
                exchange.proceed()

        server.faults.add(Remover())
        handle = server.faults.add(Status(500))
        assert client.get("authenticate").status == 200

    def test_faults_come_before_the_signature_is_judged(
        self, server: SimulatorServer, client: Client
    ) -> None:
        server.faults.add(Status(502), times=1)
        assert client.get("authenticate", {}).status == 502
        assert server.requests[-1].authorised is False


class TestStatus:
    @pytest.mark.parametrize("status", [301, 400, 403, 404, 500, 502, 503, 504, 599])
    def test_a_page_of_html(self, befallen: Callable[[Fault], Reply], status: int) -> None:
        reply = befallen(Status(status))
        assert reply.status == status
        assert reply.headers["Content-Type"].startswith("text/html")
        assert str(status).encode() in reply.body

    def test_no_content(self, befallen: Callable[[Fault], Reply], client: Client) -> None:
        reply = befallen(Status(204))
        assert (reply.status, reply.body, reply.headers["Content-Length"]) == (204, b"", None)
        assert client.get("authenticate").json() == OK

    def test_another_body(self, befallen: Callable[[Fault], Reply]) -> None:
        assert befallen(Status(500, body=b"oh")).body == b"oh"

    @pytest.mark.parametrize("status", [301, 302, 307])
    def test_redirect(self, befallen: Callable[[Fault], Reply], status: int) -> None:
        reply = befallen(fault_answers.redirect("http://other.invalid/", status))
        assert (reply.status, reply.headers["Location"]) == (status, "http://other.invalid/")

    def test_unauthorized(self, befallen: Callable[[Fault], Reply]) -> None:
        with_header = befallen(fault_answers.unauthorized())
        assert with_header.status == 401
        assert with_header.headers["WWW-Authenticate"] == 'Basic realm="QuantConnect"'
        without = befallen(fault_answers.unauthorized(challenge=False))
        assert (without.status, without.headers["WWW-Authenticate"]) == (401, None)

    @pytest.mark.parametrize("value", ["7", "Wed, 21 Oct 2026 07:28:00 GMT", "soon", None])
    def test_too_many_requests(self, befallen: Callable[[Fault], Reply], value: str | None) -> None:
        reply = befallen(fault_answers.too_many_requests(value))
        assert (reply.status, reply.headers["Retry-After"]) == (429, value)


class TestAnswers:
    def test_bytes_of_any_type(self, befallen: Callable[[Fault], Reply]) -> None:
        reply = befallen(Body(b"\x00\x01", "image/png"))
        assert (reply.status, reply.headers["Content-Type"], reply.body) == (
            *(200, "image/png"),
            b"\x00\x01",
        )

    def test_html_with_200(self, befallen: Callable[[Fault], Reply]) -> None:
        reply = befallen(fault_answers.html())
        assert (reply.status, reply.body[:6]) == (200, b"<html>")

    def test_empty(self, befallen: Callable[[Fault], Reply]) -> None:
        reply = befallen(fault_answers.empty())
        assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, "0", b"")

    @pytest.mark.parametrize(
        ("fault", "answer"),
        [
            (fault_answers.failure(), {"success": False}),
            (fault_answers.failure("a", "b"), {"success": False, "errors": ["a", "b"]}),
            (fault_answers.failure(messages=["a"]), {"success": False, "messages": ["a"]}),
            (fault_answers.failure(message="a"), {"success": False, "Message": "a"}),
            (fault_answers.failure(code=10002), {"success": False, "errorCode": 10002}),
            (
                fault_answers.locked_out(),
                {"success": False, "errors": ["too many failed attempts for this user or ip"]},
            ),
            (fault_answers.no_portfolio(), {"success": True}),
            (
                fault_answers.loading(),
                {"progress": 0.25, "status": "loading", "success": True},
            ),
            (fault_answers.null_portfolio(), {"success": True, "portfolio": None}),
        ],
    )
    def test_shapes_of_failure(
        self, befallen: Callable[[Fault], Reply], fault: Fault, answer: object
    ) -> None:
        assert befallen(fault).json() == answer

    def test_invalid_hash(self, befallen: Callable[[Fault], Reply]) -> None:
        assert befallen(fault_answers.invalid_hash()).json()["errorCode"] == 10002

    def test_json_changed_in_place_and_replaced(self, befallen: Callable[[Fault], Reply]) -> None:
        def spoil(answer: dict[str, Any]) -> None:
            answer["portfolio"]["cash"]["USD"]["amount"] = "many"

        changed = befallen(patched(spoil)).json()
        assert changed["portfolio"]["cash"]["USD"]["amount"] == "many"
        assert len(changed["portfolio"]["holdings"]) > 5
        assert befallen(patched(lambda _: ["list"])).json() == ["list"]

    def test_bytes_changed(self, befallen: Callable[[Fault], Reply]) -> None:
        assert befallen(Transformed(lambda body: body[:20])).body == b'{"portfolio":{"holdi'

    def test_byte_order_mark(self, befallen: Callable[[Fault], Reply]) -> None:
        body = befallen(fault_answers.byte_order_mark()).body
        assert body.startswith(b"\xef\xbb\xbf{")
        assert json.loads(body.decode("utf-8-sig"))["success"] is True

    def test_invalid_utf8(self, befallen: Callable[[Fault], Reply]) -> None:
        body = befallen(fault_answers.invalid_utf8()).body
        with pytest.raises(UnicodeDecodeError):
            body.decode()
        assert json.loads(body.decode("latin-1"))["success"] is True

    @pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
    def test_not_a_number(self, befallen: Callable[[Fault], Reply], name: str) -> None:
        reply = befallen(fault_answers.not_a_number(name))
        assert f'"extra": {name}'.encode() in reply.body
        amount = reply.json()["portfolio"]["cash"]["USD"]["amount"]
        assert not math.isfinite(amount)
        for holding in reply.json()["portfolio"]["holdings"].values():
            assert not math.isfinite(holding["q"])
            assert math.isfinite(holding["a"])

    def test_duplicate_keys(self, befallen: Callable[[Fault], Reply]) -> None:
        pairs: list[list[str]] = []

        def note(found: list[tuple[str, object]]) -> None:
            pairs.append([name for name, _ in found])

        json.loads(befallen(fault_answers.duplicate_keys()).body, object_pairs_hook=note)
        assert pairs[-1] == ["success", "portfolio", "portfolio", "success"]

    def test_deep_json(self, befallen: Callable[[Fault], Reply]) -> None:
        body = befallen(fault_answers.deep_json(depth=50_000)).body
        assert body.count(b"[") == body.count(b"]") == 50_000

    def test_gzip_bomb(self, befallen: Callable[[Fault], Reply]) -> None:
        reply = befallen(fault_answers.gzip_bomb(size=20_000_001))
        assert reply.headers["Content-Encoding"] == "gzip"
        assert len(reply.body) < 30_000
        assert len(gzip.decompress(reply.body)) == 20_000_001

    def test_truncated_gzip(self, befallen: Callable[[Fault], Reply]) -> None:
        reply = befallen(TruncatedGzip(keep=0.9))
        assert reply.headers["Content-Encoding"] == "gzip"
        with pytest.raises(EOFError):
            gzip.decompress(reply.body)
        assert zlib.decompressobj(31).decompress(reply.body).startswith(b'{"portfolio"')


class TestTransport:
    def test_delay(self, befallen: Callable[[Fault], Reply]) -> None:
        begun = time.monotonic()
        assert befallen(Delay(0.05)).json()["success"] is True
        assert time.monotonic() - begun >= 0.05

    def test_clock_offset(self, befallen: Callable[[Fault], Reply]) -> None:
        date = befallen(ClockOffset(-3 * 3600.0)).headers["Date"]
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time() + 10800) < 60

    @pytest.mark.parametrize("sent", [b"", b'{"s'])
    def test_stall_in_the_body(self, server: SimulatorServer, client: Client, sent: bytes) -> None:
        server.faults.add(Stall(sent=len(sent)))
        connection = client.raw()
        head, _, body = receive(connection, b"\r\n\r\n" + sent).partition(b"\r\n\r\n")
        assert b"Content-Length: 16" in head
        assert body == sent
        assert is_silent(connection)
        connection.close()

    def test_stall_before_anything(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Stall(sent=None))
        connection = client.raw()
        server.requests.wait_for(1)
        assert is_silent(connection)
        connection.close()

    def test_a_stall_that_ends_with_the_connection(
        self, server: SimulatorServer, client: Client
    ) -> None:
        server.faults.add(Stall(sent=3, seconds=0.01))
        connection = client.raw()
        assert receive_all(connection).endswith(b'\r\n\r\n{"s')
        connection.close()

    @pytest.mark.parametrize(("head_too", "dripped"), [(False, 16), (True, 120)])
    def test_drip(
        self, server: SimulatorServer, client: Client, head_too: bool, dripped: int
    ) -> None:
        server.faults.add(Drip(bytes_per_second=500.0, head_too=head_too), times=1)
        begun = time.monotonic()
        assert client.get("authenticate").json() == OK
        assert time.monotonic() - begun >= dripped / 500.0

    @pytest.mark.parametrize("reset", [False, True])
    def test_cut(self, server: SimulatorServer, client: Client, reset: bool) -> None:
        server.faults.add(Cut(keep=0.5, reset=reset), times=1)
        with pytest.raises(ConnectionResetError if reset else http.client.IncompleteRead):
            client.get(READ)
        client.close()
        assert client.get("authenticate").json() == OK

    @pytest.mark.parametrize("reset", [False, True])
    def test_hang_up(self, server: SimulatorServer, client: Client, reset: bool) -> None:
        server.faults.add(HangUp(reset=reset), times=1)
        expected = ConnectionResetError if reset else http.client.RemoteDisconnected
        with pytest.raises(expected) as raised:
            client.get(READ)
        assert isinstance(raised.value, http.client.RemoteDisconnected) is not reset
        client.close()
        assert client.get("authenticate").json() == OK

    @pytest.mark.parametrize("size", [2, 100, 65_536, 200_000])
    def test_large(self, befallen: Callable[[Fault], Reply], size: int) -> None:
        reply = befallen(Large(size))
        assert len(reply.body) == size
        assert reply.json() == {}

    def test_endless(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Large(None), times=1)
        connection = client.raw()
        received = 0
        while received < 3_000_000:
            received += len(connection.recv(1_000_000))
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.close()
        assert client.get("authenticate").json() == OK

    def test_chunks(self, befallen: Callable[[Fault], Reply], client: Client) -> None:
        reply = befallen(Chunked(size=7))
        assert reply.headers["Transfer-Encoding"] == "chunked"
        assert reply.json()["success"] is True
        assert client.get("authenticate").json() == OK

    def test_chunks_without_an_end(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Chunked(broken=True), times=1)
        with pytest.raises(http.client.IncompleteRead):
            client.get(READ)

    def test_no_http(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(Bytes(b"SSH-2.0-OpenSSH\r\n"))
        with pytest.raises(http.client.BadStatusLine):
            client.get(READ)

    def test_a_head_without_end(self, server: SimulatorServer, client: Client) -> None:
        server.faults.add(LongHead(size=100_000), times=1)
        with pytest.raises(http.client.LineTooLong):
            client.get(READ)
        client.close()
        assert client.get("authenticate", signed()).json() == OK
