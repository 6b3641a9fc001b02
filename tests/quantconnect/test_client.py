"""What is sent for each question, what is told to who observes, and that nothing else can be."""

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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses

from exporter.quantconnect import client as module
from exporter.quantconnect.client import ASKED, Endpoint, QuantConnect
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.model import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE = "https://quantconnect.test/api/v2"
TOKEN = "f1ccd9ae0a5c2cd3d40c5ec0b4ac3ea25e0d5ff54ecd2a1f7e5b8bfb0d3a6a8c"
NOW = 1718031600.25
PORTFOLIO = (Path(__file__).parent / "data" / "portfolio_short.json").read_bytes()


@dataclass
class Witness:
    """An observer that writes down what it is told, durations left out."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)

    def call(self, endpoint: str) -> None:
        self.told.append(("call", endpoint))

    def answered(self, endpoint: str, seconds: float, reason: str | None) -> None:
        self.durations.append(seconds)
        self.told.append(("answered", endpoint, reason))

    def skew(self, seconds: float) -> None:
        self.told.append(("skew", seconds))

    def problem(self, endpoint: str, field: str) -> None:
        self.told.append(("problem", endpoint, field))


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


def portfolio(client: QuantConnect) -> object:
    return client.portfolio(5, max_holdings=100, strike_scale=6)


def statistics(client: QuantConnect) -> object:
    return client.statistics(5, custom=("Orders",))


ASK: dict[str, tuple[Callable[[QuantConnect], object], Endpoint, dict[str, object]]] = {
    "authenticate": (lambda client: client.authenticate(), Endpoint.AUTHENTICATE, {}),
    "running": (lambda client: client.running(), Endpoint.LIVE_LIST, {"status": "Running"}),
    "deployments": (lambda client: client.deployments(), Endpoint.LIVE_LIST, {}),
    "deployments of a project": (
        lambda client: client.deployments(5),
        Endpoint.LIVE_LIST,
        {"projectId": 5},
    ),
    "portfolio": (portfolio, Endpoint.LIVE_PORTFOLIO_READ, {"projectId": 5}),
    "statistics": (statistics, Endpoint.LIVE_READ, {"projectId": 5}),
    "project name": (
        lambda client: client.project_name(5),
        Endpoint.PROJECTS_READ,
        {"projectId": 5},
    ),
}
EVERYTHING: dict[str, object] = {
    "success": True,
    "live": [],
    "portfolio": {"holdings": {}, "cash": {}},
    "projects": [{"projectId": 5, "name": "Five"}],
    "runtimeStatistics": {},
}


# --- What is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ASK)
def test_each_question_is_one_signed_post(wire: Wire, question: str) -> None:
    ask, endpoint, payload = ASK[question]
    wire.answers(EVERYTHING)
    ask(wire.client)
    assert wire.sent == [(f"{BASE}/{endpoint.value}", payload)]
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
    wire.client.authenticate()
    wire.client.timeout = 0
    assert wire.client.timeout == 0
    with pytest.raises(ApiError, match="no complete answer within 0 seconds"):
        wire.client.authenticate()
    assert len(wire.sent) == 1


def test_the_next_call_is_signed_with_a_new_token(wire: Wire) -> None:
    wire.answers(EVERYTHING)
    wire.client.authenticate()
    wire.client.use_token("another")
    wire.client.authenticate()
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
            wire.client.call(endpoint, {})
    assert wire.sent == []
    assert wire.witness.told == []
    public = {name for name, _ in inspect.getmembers(QuantConnect) if not name.startswith("_")}
    assert public == {
        *("authenticate", "running", "deployments", "portfolio", "statistics", "project_name"),
        *("call", "ask", "use_token", "close", "timeout"),
    }


def test_the_methods_ask_what_they_are_said_to(wire: Wire) -> None:
    assert {endpoint for _, endpoint, _ in ASK.values()} == set(ASKED)


@pytest.mark.parametrize("endpoint", Endpoint)
def test_any_endpoint_can_be_called(wire: Wire, endpoint: Endpoint) -> None:
    wire.answers({"success": True, "progress": 0.25})
    answer = wire.client.call(endpoint, {"projectId": 5, "start": 0})
    assert answer == {"success": True, "progress": 0.25}
    assert wire.sent == [(f"{BASE}/{endpoint.value}", {"projectId": 5, "start": 0})]
    assert wire.witness.told == [("call", endpoint), ("answered", endpoint, None)]


def test_what_a_decoder_refuses_is_a_failed_call(wire: Wire) -> None:
    def refuse(answer: dict[str, Any]) -> None:
        raise ApiError(Reason.NOT_READY, f"status {answer['status']}, token {TOKEN}")

    wire.answers({"success": True, "status": "loading"})
    with pytest.raises(ApiError, match="status loading, token <secret>"):
        wire.client.ask(Endpoint.LIVE_ORDERS_READ, {"projectId": 5}, refuse)
    assert wire.witness.told[-1] == ("answered", "live/orders/read", "not_ready")


# --- What comes back ------------------------------------------------------------------------------


def test_a_portfolio(wire: Wire) -> None:
    wire.answers(PORTFOLIO)
    portfolio = wire.client.portfolio(5, max_holdings=100, strike_scale=6)
    assert [(holding.symbol_id, holding.quantity) for holding in portfolio.holdings] == [
        ("SPY R735QTJ8XC9X", 10),
        ("BTCUSD 2XR", 0.5),
        ("EURGBP 8G", -1000),
        ("ES XCZJLC9NOB29", 2),
    ]
    assert [cash.currency for cash in portfolio.cash] == ["USD", "GBP"]


def test_too_many_holdings_are_no_portfolio(wire: Wire) -> None:
    wire.answers(PORTFOLIO)
    with pytest.raises(ApiError) as caught:
        wire.client.portfolio(5, max_holdings=3, strike_scale=6)
    assert caught.value.reason is Reason.TOO_LARGE


def test_deployments(wire: Wire) -> None:
    wire.answers({"success": True, "live": [{"projectId": 5, "deployId": "L-1", "status": "x"}]})
    listing = wire.client.deployments()
    assert listing.deployments == (
        Deployment(
            project_id=5,
            deploy_id="L-1",
            status="Unknown",
            launched=None,
            stopped=None,
            brokerage="",
            environment="",
            equity=None,
            error="",
        ),
    )
    assert [(problem.field, problem.where) for problem in listing.problems] == [
        ("status", "live[projectId=5]")
    ]


def test_what_does_not_run_is_not_running(wire: Wire) -> None:
    """A server that does not heed the filter."""
    rows: list[dict[str, object]] = [
        {"projectId": 1, "deployId": "L-1", "status": "Stopped", "launched": "2026-11-20 10:00:00"},
        {
            "projectId": 1,
            "deployId": "L-0",
            "status": "Running",
            "equity": 1,
            "launched": "2026-11-19 10:00:00",
        },
        {"projectId": 2, "deployId": "L-2", "status": "running", "equity": 1},
        {"projectId": 3, "deployId": "L-3", "status": "Teleporting"},
        {"projectId": 4, "deployId": "L-4"},
        {"projectId": 5, "deployId": "L-5", "status": ["Running"]},
        {
            "projectId": 6,
            "deployId": "L-6",
            "status": "Running",
            "equity": 1,
            "launched": "2026-11-20 10:00:00",
        },
        {
            "projectId": 6,
            "deployId": "L-7",
            "status": "Running",
            "equity": 1,
            "launched": "2026-11-21 10:00:00",
        },
    ]
    wire.answers({"success": True, "live": rows})
    listing = wire.client.running()
    assert [(found.project_id, found.deploy_id) for found in listing.deployments] == [
        (2, "L-2"),
        (6, "L-7"),
    ]
    assert [(problem.where, problem.field) for problem in listing.problems] == [
        ("live[projectId=3]", "status"),
        ("live[projectId=4]", "status"),
        ("live[projectId=5]", "status"),
    ]
    assert len(wire.client.deployments().deployments) == len(rows)


def test_an_unreadable_deployment_is_not_none(wire: Wire) -> None:
    wire.answers({"success": True, "live": [{"projectId": "5"}, {"projectId": 6}]})
    assert [found.project_id for found in wire.client.deployments().deployments] == [6]
    with pytest.raises(ApiError, match="no deployment of project 5 can be read") as caught:
        wire.client.deployments(5)
    assert caught.value.reason is Reason.MALFORMED
    assert wire.witness.told[-1] == ("answered", "live/list", "malformed")


def test_statistics_and_a_name(wire: Wire) -> None:
    wire.answers(
        {
            "success": True,
            "runtimeStatistics": {"Fees": "-$3.44", "Orders": "7", "Other": "8"},
            "projects": [{"projectId": 5, "name": "Live/Five"}],
        }
    )
    statistics = wire.client.statistics(5, custom=("Orders",))
    assert (dict(statistics.runtime), dict(statistics.custom)) == ({"Fees": -3.44}, {"Orders": 7})
    assert wire.client.project_name(5) == "Live/Five"


# --- What is observed -----------------------------------------------------------------------------


def test_a_call_that_goes_well(wire: Wire) -> None:
    wire.answers(EVERYTHING, headers={"Date": formatdate(NOW - 3.25, usegmt=True)})
    wire.client.authenticate()
    assert wire.witness.told == [
        ("call", "authenticate"),
        ("skew", 3.25),
        ("answered", "authenticate", None),
    ]
    assert 0 <= wire.witness.durations[0] < 5


def test_what_is_left_out_of_an_answer(wire: Wire) -> None:
    wire.answers(
        {
            "success": True,
            "portfolio": {
                "holdings": {"SPY R735QTJ8XC9X": {"q": 1, "p": "x"}},
                "cash": {"USD": {"amount": []}},
            },
        }
    )
    portfolio(wire.client)
    assert wire.witness.told == [
        ("call", "live/portfolio/read"),
        ("answered", "live/portfolio/read", None),
        ("problem", "live/portfolio/read", "marketPrice"),
        ("problem", "live/portfolio/read", "amount"),
    ]


@pytest.mark.parametrize("question", ASK)
def test_a_refusal(wire: Wire, question: str) -> None:
    ask, endpoint, _ = ASK[question]
    wire.answers(b"<html>", status=503, headers={"Retry-After": "7"})
    with pytest.raises(ApiError) as caught:
        ask(wire.client)
    assert (caught.value.reason, caught.value.retry_after) == (Reason.HTTP_5XX, 7.0)
    assert wire.witness.told == [("call", endpoint), ("answered", endpoint, "http_5xx")]
    assert len(wire.mock.calls) == 1, "only the poller asks again"


@pytest.mark.parametrize("question", [question for question in ASK if question != "authenticate"])
def test_success_with_nothing_in_it(wire: Wire, question: str) -> None:
    """No portfolio is not ready, no statistics are none; of the others something must be there."""
    ask, endpoint, _ = ASK[question]
    wire.answers({"success": True})
    reason = {
        "live/portfolio/read": Reason.NOT_READY,
        "live/list": Reason.MALFORMED,
        "projects/read": Reason.MALFORMED,
    }.get(endpoint.value)
    if reason is None:
        ask(wire.client)
    else:
        with pytest.raises(ApiError) as caught:
            ask(wire.client)
        assert caught.value.reason is reason
    assert wire.witness.told[-1] == ("answered", endpoint, reason)


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
    with pytest.raises(ApiError):
        wire.client.authenticate()
    assert wire.witness.told == [("call", "authenticate"), ("answered", "authenticate", reason)]


def test_a_fault_of_our_own_is_counted_too(wire: Wire) -> None:
    wire.answers(RuntimeError("a bug"))
    with pytest.raises(RuntimeError):
        wire.client.authenticate()
    assert wire.witness.told == [
        ("call", "authenticate"),
        ("answered", "authenticate", "malformed"),
    ]


def test_secrets_that_an_answer_repeats_are_not_repeated(wire: Wire) -> None:
    def echo(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        said = f"{'x' * 250} {TOKEN} {request.headers['Authorization']}"
        return 200, {}, json.dumps({"success": False, "errors": [said, TOKEN]}).encode()

    wire.mock.add_callback(responses.POST, f"{BASE}/authenticate", callback=echo)
    with pytest.raises(ApiError) as caught:
        wire.client.authenticate()
    assert caught.value.message == f"QuantConnect answered: {'x' * 250} <secret> <secret>; <secret>"
    assert TOKEN not in repr(caught.value)


@pytest.mark.parametrize("question", ASK)
def test_the_token_in_any_field_is_not_repeated(wire: Wire, question: str) -> None:
    """A server that puts it where numbers, names and objects are expected."""
    ask, _, _ = ASK[question]
    messages: list[str] = []
    for key in EVERYTHING:
        wire.mock.reset()
        wire.answers({**EVERYTHING, key: TOKEN})
        try:
            ask(wire.client)
        except ApiError as error:
            messages.append(error.message)
    assert messages or question == "authenticate"
    assert TOKEN[:20] not in "".join(messages)
