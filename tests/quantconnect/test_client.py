"""Each call: what is sent, what the observer sees, and that no other endpoint can be called."""

from __future__ import annotations

import ast
import inspect
import json
import re
import ssl
from base64 import b64decode
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses

from exporter.quantconnect import client as module
from exporter.quantconnect.client import Endpoint, QuantConnect, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.portfolio import decode_portfolio
from exporter.sources.projects import decode_description
from exporter.sources.statistics import decode_statistics
from exporter.sources.status import decode_deployments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASE = "https://quantconnect.test/api/v2"
TOKEN = "f1ccd9ae0a5c2cd3d40c5ec0b4ac3ea25e0d5ff54ecd2a1f7e5b8bfb0d3a6a8c"
NOW = 1718031600.25


@dataclass
class Witness:
    """An observer that writes down what it is told, durations left out."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)

    def call(self, endpoint: str) -> None:
        self.told.append(("call", endpoint))

    def answered(self, endpoint: str, seconds: float) -> None:
        self.durations.append(seconds)
        self.told.append(("answered", endpoint))

    def skew(self, seconds: float) -> None:
        self.told.append(("skew", seconds))


@dataclass
class Wire:
    """The client, what it sent, and who observes it."""

    client: QuantConnect
    mock: responses.RequestsMock
    witness: Witness

    def answers(self, body: object, **more: Any) -> None:
        raw = body if isinstance(body, bytes | Exception) else json.dumps(body).encode()
        self.mock.add(responses.POST, re.compile(".*"), body=raw, **more)

    @property
    def sent(self) -> list[tuple[str | None, object]]:
        return [
            (call.request.url, json.loads(call.request.body or "null")) for call in self.mock.calls
        ]


@pytest.fixture
def wire() -> Iterator[Wire]:
    witness = Witness()
    client = QuantConnect(
        user_id=123456,
        token=TOKEN,
        base_url=BASE,
        timeout=5,
        connections=2,
        user_agent="quantconnect-exporter/tests",
        observer=witness,
        now=lambda: NOW,
    )
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Wire(client, mock, witness)
    client.close()


def nothing(_answer: Mapping[str, object]) -> None:
    """The answer is of no interest."""


AUTHENTICATE: Request[Any] = Request(Endpoint.AUTHENTICATE, {}, nothing)
OF_FIVE = {"projectId": 5}
REQUESTS: dict[str, Request[Any]] = {
    "authenticate": AUTHENTICATE,
    "status": Request(
        Endpoint.LIVE_LIST, OF_FIVE, lambda answer: decode_deployments(answer, project_id=5)
    ),
    "portfolio": Request(
        Endpoint.LIVE_PORTFOLIO_READ,
        OF_FIVE,
        lambda answer: decode_portfolio(answer, max_holdings=9),
    ),
    "statistics": Request(
        Endpoint.LIVE_READ, OF_FIVE, lambda answer: decode_statistics(answer, custom=())
    ),
    "project": Request(
        Endpoint.PROJECTS_READ, OF_FIVE, lambda answer: decode_description(answer, project_id=5)
    ),
}
EVERYTHING: dict[str, object] = {
    "success": True,
    "live": [],
    "portfolio": {"holdings": {}, "cash": {}},
    "projects": [{"projectId": 5, "name": "Five"}],
    "runtimeStatistics": {},
}


def good(answer: Any) -> Any:
    """The answer, which is no error."""
    assert not isinstance(answer, ApiError)
    return answer


def failure(answer: object) -> ApiError:
    """The error that came instead of an answer."""
    assert isinstance(answer, ApiError)
    return answer


# --- What is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_each_call_is_one_signed_post(wire: Wire, request_: Request[Any]) -> None:
    wire.answers(EVERYTHING)
    wire.client.ask(request_)
    assert wire.sent == [(f"{BASE}/{request_.endpoint.value}", request_.parameters)]
    request = wire.mock.calls[0].request
    digest = sha256(f"{TOKEN}:1718031600".encode()).hexdigest()
    scheme, _, credentials = str(request.headers["Authorization"]).partition(" ")
    assert request.method == "POST"
    assert (scheme, b64decode(credentials)) == ("Basic", f"123456:{digest}".encode())
    assert request.headers["Timestamp"] == "1718031600"
    assert request.headers["User-Agent"] == "quantconnect-exporter/tests"
    assert request.headers["Content-Type"] == "application/json"
    assert TOKEN not in f"{request.url} {request.headers} {request.body!r}"


def test_another_timeout_counts_from_the_next_call(wire: Wire) -> None:
    wire.answers(EVERYTHING)
    wire.client.ask(AUTHENTICATE)
    wire.client.timeout = 0
    assert wire.client.timeout == 0
    late = failure(wire.client.ask(AUTHENTICATE))
    assert "no complete answer within 0 seconds" in late.message
    assert len(wire.sent) == 1


def test_the_next_call_is_signed_with_a_new_token(wire: Wire) -> None:
    wire.answers(EVERYTHING)
    wire.client.ask(AUTHENTICATE)
    wire.client.use_token("another")
    wire.client.ask(AUTHENTICATE)
    digests = [
        b64decode(str(call.request.headers["Authorization"]).split()[1]).decode().split(":")[1]
        for call in wire.mock.calls
    ]
    assert digests == [
        sha256(f"{token}:1718031600".encode()).hexdigest() for token in (TOKEN, "another")
    ]


def test_only_endpoints_that_read_can_be_called(wire: Wire) -> None:
    """Every call goes through one place, which takes an Endpoint."""
    assert [endpoint.value for endpoint in Endpoint] == [
        *("account/read", "authenticate", "live/chart/read", "live/list", "live/logs/read"),
        *("live/orders/read", "live/portfolio/read", "live/read", "live/trades/read"),
        *("projects/nodes/read", "projects/read"),
    ]
    tree = ast.parse(inspect.getsource(module))
    posts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and "_transport.p" in ast.unparse(node)
    ]
    assert [ast.unparse(node) for node in posts] == ["self._transport.post"]
    for other in ("live/create", "live/update/liquidate", "live/read/../create", "LIVE_READ", ""):
        endpoint: Any = other
        with pytest.raises(ValueError, match="is not a valid Endpoint"):
            wire.client.ask(Request(endpoint, {}, nothing))
    assert wire.sent == []
    assert wire.witness.told == []
    public = {name for name, _ in inspect.getmembers(QuantConnect) if not name.startswith("_")}
    assert public == {"ask", "use_token", "close", "timeout"}


# --- What comes back ------------------------------------------------------------------------------


def test_the_decoded_answer(wire: Wire) -> None:
    wire.answers({**EVERYTHING, "live": [{"projectId": 5, "deployId": "L-1", "status": "x"}]})
    assert good(wire.client.ask(REQUESTS["status"])).deployments[0].deploy_id == "L-1"
    assert good(wire.client.ask(REQUESTS["project"])).name == "Five"


def test_an_answer_that_the_decoder_refuses_is_an_error_without_the_token(wire: Wire) -> None:
    def refuse(answer: Mapping[str, object]) -> None:
        raise ApiError(Reason.NOT_READY, f"status {answer['status']}, token {TOKEN}")

    wire.answers({"success": True, "status": "loading"})
    refused = failure(wire.client.ask(Request(Endpoint.LIVE_READ, OF_FIVE, refuse)))
    assert (refused.reason, refused.message) == (
        Reason.NOT_READY,
        "status loading, token <secret>",
    )


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_refusal(wire: Wire, request_: Request[Any]) -> None:
    wire.answers(b"<html>", status=503, headers={"Retry-After": "7"})
    refused = failure(wire.client.ask(request_))
    assert (refused.reason, refused.retry_after) == (Reason.HTTP_5XX, 7.0)
    assert wire.witness.told == [("call", request_.endpoint), ("answered", request_.endpoint)]
    assert len(wire.mock.calls) == 1, "only the poller asks again"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("portfolio", Reason.NOT_READY),
        ("status", Reason.MALFORMED),
        ("project", Reason.MALFORMED),
    ],
)
def test_success_with_nothing_in_it(wire: Wire, name: str, reason: Reason) -> None:
    wire.answers({"success": True})
    assert failure(wire.client.ask(REQUESTS[name])).reason is reason
    assert good(wire.client.ask(REQUESTS["statistics"])).runtime == {}


# --- What is observed -----------------------------------------------------------------------------


def test_a_call_that_goes_well(wire: Wire) -> None:
    wire.answers(EVERYTHING, headers={"Date": formatdate(NOW - 3.25, usegmt=True)})
    wire.client.ask(AUTHENTICATE)
    assert wire.witness.told == [
        ("call", "authenticate"),
        ("skew", 3.25),
        ("answered", "authenticate"),
    ]
    assert 0 <= wire.witness.durations[0] < 5


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.ConnectionError("refused"), "connection"),
        (TimeoutError("slow"), "timeout"),
        (ssl.SSLError("bad record"), "tls"),
    ],
)
def test_no_answer(wire: Wire, error: Exception, reason: str) -> None:
    wire.answers(error)
    assert failure(wire.client.ask(AUTHENTICATE)).reason == reason
    assert wire.witness.told == [("call", "authenticate"), ("answered", "authenticate")]


def test_a_fault_of_our_own_is_no_error_of_the_call(wire: Wire) -> None:
    wire.answers(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        wire.client.ask(AUTHENTICATE)
    assert wire.witness.told == [("call", "authenticate"), ("answered", "authenticate")]


def test_secrets_that_an_answer_repeats_are_not_repeated(wire: Wire) -> None:
    def echo(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        said = f"{'x' * 250} {TOKEN} {request.headers['Authorization']}"
        return 200, {}, json.dumps({"success": False, "errors": [said, TOKEN]}).encode()

    wire.mock.add_callback(responses.POST, f"{BASE}/authenticate", callback=echo)
    refused = failure(wire.client.ask(AUTHENTICATE))
    assert refused.message == f"QuantConnect answered: {'x' * 250} <secret> <secret>; <secret>"
    assert TOKEN not in repr(refused)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_token_in_any_field_is_not_repeated(wire: Wire, name: str) -> None:
    """A server that puts it where numbers, names and objects are expected."""
    messages: list[str] = []
    for key in EVERYTHING:
        wire.mock.reset()
        wire.answers({**EVERYTHING, key: TOKEN})
        answer = wire.client.ask(REQUESTS[name])
        if isinstance(answer, ApiError):
            messages.append(answer.message)
    assert messages or name == "authenticate"
    assert TOKEN[:20] not in "".join(messages)
