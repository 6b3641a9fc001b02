from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest

from exporter.simulator.authentication import Authentication

from .client import Client, signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator import World
    from tests.support import SimulatorServer

INVALID_HASH = {
    "errorCode": 10002,
    "errors": [
        (
            "The API token hash is not valid. This could be due to an old hash, invalid API token, "
            "or an invalid timestamp."
        )
    ],
    "success": False,
}
INVALID_USER = {"errors": ["UserID not valid"], "success": False}
INVALID_TIMESTAMP = {
    "errors": ["Invalid timestamp, value received: 0"],
    "success": False,
}
LOCKED_OUT = {"errors": ["too many failed attempts for this user or ip"], "success": False}
OK = {"success": True}


def basic(credentials: bytes, timestamp: int | str | None = None) -> dict[str, str]:
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    encoded = base64.b64encode(credentials).decode()
    return {"Authorization": f"Basic {encoded}", "Timestamp": stamp}


# Signed when the test runs, not when it is collected: a run may take longer than what is left of
# a signature's life.
@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        (signed, OK),
        (lambda: signed("wrong"), INVALID_HASH),
        (lambda: signed(user_id=2), INVALID_USER),
        (lambda: signed(user_id="x"), INVALID_USER),
        (lambda: signed(timestamp=int(time.time()) - 7300), INVALID_HASH),
        (lambda: signed(timestamp=int(time.time()) + 7400), INVALID_HASH),
        (lambda: signed(timestamp=int(time.time()) - 7000), OK),
        (lambda: {**signed(), "Timestamp": "0"}, INVALID_TIMESTAMP),
        (lambda: {**signed(), "Timestamp": "1.5"}, INVALID_TIMESTAMP),
        (lambda: {**signed(), "Timestamp": "-1"}, INVALID_TIMESTAMP),
        (lambda: {"Authorization": signed()["Authorization"]}, INVALID_TIMESTAMP),
        (lambda: {"Timestamp": signed()["Timestamp"]}, INVALID_USER),
        (lambda: {**signed(), "Authorization": "Bearer abc"}, INVALID_USER),
        (lambda: {**signed(), "Authorization": "Basic %%%"}, INVALID_USER),
        (lambda: basic(b"\xff\xfe:x"), INVALID_USER),
        (lambda: basic(b"1:" + "\u00e9".encode()), INVALID_HASH),
        (lambda: basic(b"1"), INVALID_HASH),
    ],
)
def test_answers_to_signatures(
    server: SimulatorServer, headers: Callable[[], dict[str, str]], answer: object
) -> None:
    client = Client(server.port)
    reply = client.get("authenticate", headers())
    assert (reply.status, reply.json()) == (200, answer)
    assert server.requests[-1].authorised is (answer == OK)
    client.close()


def test_a_changed_token(client: Client, world: World) -> None:
    world.token = "new"
    assert client.get("authenticate").json() == INVALID_HASH
    assert client.get("authenticate", signed("new")).json() == OK


def test_no_endpoint_answers_without_a_signature(client: Client) -> None:
    for endpoint in ("live/portfolio/read", "live/read", "live/list", "projects/read", "other"):
        assert client.post(endpoint, {"projectId": 21048731}, {}).json() == INVALID_TIMESTAMP


def test_repeated_failures_lock_out_user_and_address(server: SimulatorServer) -> None:
    client = Client(server.port)
    for _ in range(10):
        assert client.get("authenticate", signed("wrong")).json() == INVALID_HASH
    assert client.get("authenticate").json() == LOCKED_OUT
    server.authentication.forgive()
    assert client.get("authenticate").json() == OK
    client.close()


def test_a_success_is_a_new_beginning(server: SimulatorServer) -> None:
    client = Client(server.port)
    for _ in range(3):
        for _ in range(9):
            assert client.get("authenticate", signed("wrong")).json() == INVALID_HASH
        assert client.get("authenticate").json() == OK
    client.close()


def refused(gate: Authentication, token: str, *, address: str, now: float) -> object:
    headers = signed(token, timestamp=int(now))
    return gate.refusal(headers, address, user_id=1, token="demo", now=now)


def test_a_lockout_is_of_the_user_and_of_the_address_and_ends() -> None:
    gate = Authentication(lockout_after=2, lockout_seconds=60.0)
    assert refused(gate, "x", address="a", now=1000.0) == INVALID_HASH
    assert refused(gate, "x", address="a", now=1001.0) == INVALID_HASH
    assert refused(gate, "demo", address="a", now=1060.0) == LOCKED_OUT
    assert refused(gate, "demo", address="b", now=1060.0) == LOCKED_OUT
    stranger = gate.refusal(
        signed(user_id=9, timestamp=1060), "a", user_id=1, token="demo", now=1060.0
    )
    assert stranger == LOCKED_OUT
    assert refused(gate, "demo", address="a", now=1061.0) is None


def test_nobody_is_locked_out_where_nobody_shall_be() -> None:
    gate = Authentication(lockout_after=0)
    for _ in range(100):
        assert refused(gate, "x", address="a", now=1000.0) == INVALID_HASH
    assert refused(gate, "demo", address="a", now=1000.0) is None
