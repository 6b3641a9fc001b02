from __future__ import annotations

import email.utils
import gzip
import http.client
import json
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest

import exporter.simulator
from tests.support import Delay, RequestLog, SimulatorServer, Stall
from tests.web_config.pki import PKI

from .client import Client, receive_all, signed

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator import World

EQUITIES = 21048731


def test_where_it_is(server: SimulatorServer) -> None:
    assert server.base_url == f"http://127.0.0.1:{server.port}/api/v2"


def test_connections_are_kept(server: SimulatorServer, client: Client) -> None:
    client.get("authenticate")
    kept = client.connection.sock
    for _ in range(3):
        client.portfolio(EQUITIES)
    assert client.connection.sock is kept
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "path", ["/api/v2//authenticate", "//api///v2/authenticate", "/api/v2/authenticate/"]
)
def test_slashes_too_many_are_forgiven(client: Client, path: str) -> None:
    assert client.request("GET", path).json() == {"success": True}


def test_a_server_that_nobody_interferes_with(world: World) -> None:
    with exporter.simulator.SimulatorServer(world) as server:
        client = Client(server.port)
        assert client.get("authenticate").json() == {"success": True}
        client.close()


def test_unknown_paths(client: Client) -> None:
    inside = client.get("live/orders/write")
    assert inside.status == 200
    assert inside.json() == {
        "errors": ["Invalid API endpoint: live/orders/write"],
        "success": False,
    }
    outside = client.request("GET", "/")
    assert (outside.status, outside.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert client.request("GET", "/api/v3/authenticate").status == 404


def test_there_is_nothing_to_change_the_account_with(client: Client) -> None:
    for endpoint in ("live/create", "live/update/stop", "live/update/liquidate", "projects/delete"):
        assert client.post(endpoint, {"projectId": EQUITIES}).json()["success"] is False
    assert client.request("DELETE", "/api/v2/live/list").status == 501


def test_gzip_for_who_takes_it(client: Client, world: World) -> None:
    world.freeze()
    path = f"live/portfolio/read?projectId={EQUITIES}"
    plain = client.get(path)
    packed = client.get(path, {**signed(), "Accept-Encoding": "gzip, deflate"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body)
    short = client.get("authenticate", {**signed(), "Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in short.headers


def test_the_date_is_now(server: SimulatorServer, client: Client) -> None:
    def date() -> float:
        header = client.get("authenticate").headers["Date"]
        return email.utils.parsedate_to_datetime(header).timestamp()

    assert abs(date() - time.time()) < 60
    server.date_offset = 3 * 3600.0
    reply = client.get("authenticate")
    assert reply.json()["errorCode"] == 10002
    assert abs(date() - time.time() - 3 * 3600) < 60


@pytest.mark.parametrize("body", [b"{not json", b"[1]", b"\xff\xfe", b'{"projectId": [1]}'])
def test_a_body_that_is_nothing(client: Client, body: bytes) -> None:
    reply = client.request("POST", "/api/v2/live/read", body)
    assert reply.json() == {"errors": ["Invalid argument"], "success": False}


@pytest.mark.parametrize("length", ["x", "-1", ""])
def test_a_length_that_is_none(client: Client, length: str) -> None:
    reply = client.request("POST", "/api/v2/authenticate", b"", {"Content-Length": length})
    assert reply.status == 400


def test_a_client_that_goes_within_its_request_has_asked_nothing(server: SimulatorServer) -> None:
    head = b"POST /api/v2/live/list HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + b'{"status":')
        connection.shutdown(socket.SHUT_WR)
        assert receive_all(connection) == b""
    assert len(server.requests) == 0


def test_what_was_asked(server: SimulatorServer, client: Client) -> None:
    before = time.monotonic()
    client.get(f"live/read?projectId={EQUITIES}", {**signed(), "User-Agent": "test/1"})
    client.post("live/list", {"status": "Running"}, signed("wrong"))
    client.get("live/read?projectId=x")
    read, listed, odd = server.requests
    assert (read.method, read.endpoint, read.project_id) == ("GET", "live/read", EQUITIES)
    assert (read.authorised, read.user_agent, read.address) == (True, "test/1", "127.0.0.1")
    assert (listed.method, listed.status, listed.authorised) == ("POST", "Running", False)
    assert odd.project_id is None
    assert before <= read.monotonic <= listed.monotonic <= time.monotonic()
    assert abs(read.time - time.time()) < 60
    assert server.requests.of("live/list") == [listed]
    assert server.requests.of(project_id=EQUITIES) == [read]
    assert server.requests.wait_for(1, "live/list", timeout=0.0) == [listed]
    server.requests.clear()
    assert len(server.requests) == 0


def test_waiting_for_requests_that_do_not_come() -> None:
    with pytest.raises(TimeoutError, match=r"0 of 1 requests to live/list came in 0\.01 s"):
        RequestLog().wait_for(1, "live/list", timeout=0.01)


def test_waiting_for_requests_that_come(server: SimulatorServer) -> None:
    def ask() -> None:
        client = Client(server.port)
        client.get("authenticate")
        client.close()

    thread = threading.Thread(target=ask)
    thread.start()
    assert len(server.requests.wait_for(1)) == 1
    thread.join()


def test_many_at_once(server: SimulatorServer) -> None:
    answers: list[object] = []

    def ask() -> None:
        client = Client(server.port)
        answers.extend(client.portfolio(EQUITIES)["success"] for _ in range(5))
        client.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 100


def test_half_a_request_and_a_client_that_leaves(server: SimulatorServer, client: Client) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /api/v2/auth")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert b"400" in receive_all(connection)
    assert client.get("authenticate").json() == {"success": True}


def test_an_error_of_its_own_is_logged(
    server: SimulatorServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def act(self, exchange: object) -> None:
            raise RuntimeError(str(exchange))

    server.faults.add(Broken())
    client = Client(server.port)
    with pytest.raises(http.client.RemoteDisconnected):
        client.get("authenticate")
    client.close()
    deadline = time.monotonic() + 60
    while not caplog.records and time.monotonic() < deadline:
        time.sleep(0.001)
    assert "request failed" in caplog.text


@pytest.mark.parametrize("fault", [Delay(3600.0), Stall()])
def test_closing_is_prompt_whatever_waits(world: World, fault: Delay | Stall) -> None:
    server = SimulatorServer(world)
    server.start()
    idle = Client(server.port)
    idle.get("authenticate")
    server.faults.add(fault)
    connection = Client(server.port).raw()
    server.requests.wait_for(2)
    begun = time.monotonic()
    server.close()
    assert time.monotonic() - begun < 60
    receive_all(connection)
    connection.close()
    with pytest.raises((http.client.HTTPException, OSError)):
        idle.get("authenticate")
    idle.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_one_that_was_never_started_closes(world: World) -> None:
    SimulatorServer(world).close()


def test_a_port_that_is_taken(server: SimulatorServer, world: World) -> None:
    with pytest.raises(OSError, match="in use"):
        SimulatorServer(world, port=server.port)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 signed by itself, and its key."""
    PKI(tmp_path).self_signed("simulator", subject="simulator", san="IP:127.0.0.1")
    return tmp_path / "simulator.pem", tmp_path / "simulator.key"


def test_tls(world: World, certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    with SimulatorServer(world, ssl_context=context) as server:
        assert server.base_url.startswith("https://127.0.0.1:")
        silent = socket.create_connection(("127.0.0.1", server.port))
        with pytest.raises(ssl.SSLCertVerificationError):
            http.client.HTTPSConnection("127.0.0.1", server.port).request("GET", "/")
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=trusting)
        connection.request("GET", "/api/v2/authenticate", headers=signed())
        assert json.loads(connection.getresponse().read()) == {"success": True}
        connection.close()
    silent.close()
