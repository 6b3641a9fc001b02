"""Faults of one answer of live/portfolio/read, each of which costs that read and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.poller.record import READ_FAILED, READ_SUCCEEDS
from exporter.quantconnect.errors import Reason
from tests.faults.entry import Failing
from tests.faults.scene import PORTFOLIO, TOKEN, VICTIM
from tests.faults.told import Published, Told, failures, unread
from tests.support import (
    Body,
    Bytes,
    Chunked,
    Cut,
    Drip,
    HangUp,
    Large,
    LongHead,
    Stall,
    Status,
    Transformed,
    TruncatedGzip,
    patched,
)
from tests.support import fault_answers as say

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator import Fault
    from exporter.simulator.exchange import Exchange
    from tests.faults.scene import Scene

_JSON = (("Content-Type", "application/json"),)
_TIMEOUT = 0.9


def _always(fault: Fault) -> Callable[[Scene], Fault]:
    return lambda _: fault


def _status(status: int, reason: Reason, error: str = "") -> Failing:
    # QuantConnect's own errors are pages too; only others make think of a proxy.
    page = "an HTML page" + " (a proxy or a login page in the way?)" * (status < 500)
    said = error or f"HTTP {status} with {page}"
    return Failing(f"status {status}", _always(Status(status)), reason, said)


def _redirect(title: str, location: Callable[[Scene], str], status: int = 302) -> Failing:
    return Failing(
        title,
        lambda scene: say.redirect(location(scene), status),
        Reason.MALFORMED,
        f"HTTP {status}: redirects are not followed; is base_url right, is a proxy in the way?",
    )


def _raw(title: str, body: bytes, error: str) -> Failing:
    return Failing(title, _always(Body(body)), Reason.MALFORMED, error)


def _portfolio(
    title: str,
    change: Callable[[dict[str, object]], object],
    error: str,
    reason: Reason = Reason.MALFORMED,
) -> Failing:
    """The normal answer after ``change`` had its portfolio."""

    def apply(answer: dict[str, object]) -> None:
        portfolio = answer["portfolio"]
        assert isinstance(portfolio, dict)
        change(portfolio)

    return Failing(title, _always(patched(apply)), reason, error)


@dataclass(frozen=True)
class _Echo:
    """An error that repeats the credentials of the request."""

    scene: Scene

    def act(self, exchange: Exchange) -> None:
        """Send it."""
        said = f"Unknown header {self.scene.authentication.last}, token {TOKEN}"
        say.failure(said).act(exchange)


STATUSES = (
    _status(204, Reason.MALFORMED, "expected a JSON object, got an empty body"),
    _redirect(
        "status 301 to another host: the credentials do not follow",
        lambda scene: f"{scene.elsewhere()}/live/portfolio/read",
        301,
    ),
    _redirect(
        "status 302 to itself, a loop", lambda scene: f"{scene.server.base_url}/live/portfolio/read"
    ),
    _redirect("status 307 to a login page", lambda _: "https://127.0.0.1:9/login", 307),
    _status(400, Reason.HTTP_4XX),
    _status(403, Reason.HTTP_4XX),
    _status(404, Reason.HTTP_4XX),
    _status(418, Reason.HTTP_4XX),
    _status(500, Reason.HTTP_5XX),
    _status(502, Reason.HTTP_5XX),
    _status(503, Reason.HTTP_5XX),
    _status(504, Reason.HTTP_5XX),
    _status(599, Reason.HTTP_5XX),
    Failing(
        "status 500 with a JSON error",
        _always(Status(500, _JSON, b'{"success":false,"errors":["down"]}')),
        Reason.HTTP_5XX,
        "QuantConnect answered: down",
    ),
    Failing(
        "status 500 that says success",
        _always(Status(500, _JSON, b'{"success":true}')),
        Reason.HTTP_5XX,
        "QuantConnect answered HTTP 500 without success and gave no error",
    ),
)

BODIES = (
    Failing(
        "HTML with status 200",
        _always(say.html()),
        Reason.MALFORMED,
        "expected a JSON object, got an HTML page (a proxy or a login page in the way?)",
    ),
    Failing(
        "an empty body with status 200",
        _always(say.empty()),
        Reason.MALFORMED,
        "expected a JSON object, got an empty body",
    ),
    _raw(
        "an array in place of an object",
        b"[1,2,3]",
        "expected a JSON object, got an array",
    ),
    _raw("null", b"null", "expected a JSON object, got null"),
    _raw(
        "half a JSON document",
        b'{"success":true,"portfolio":{"hold',
        "expected a JSON object, got invalid JSON",
    ),
    _raw(
        "JSON with something behind it",
        b'{"success":true}{"success":true}',
        "expected a JSON object, got invalid JSON",
    ),
    _raw(
        "a picture",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "expected a JSON object, got invalid JSON",
    ),
    Failing(
        "invalid UTF-8",
        _always(Transformed(lambda body: body.replace(b"SPY", b"\xff\xfe"))),
        Reason.MALFORMED,
        "expected a JSON object, got invalid JSON",
    ),
    Failing(
        "a hundred thousand lists in lists",
        _always(say.deep_json()),
        Reason.MALFORMED,
        "expected a JSON object, got invalid JSON",
    ),
    Failing(
        "gzip that stops in the middle",
        _always(TruncatedGzip()),
        Reason.MALFORMED,
        "expected a JSON object, got invalid JSON",
    ),
    Failing(
        "gzip that is none",
        _always(Body(b"{}", headers=(("Content-Encoding", "gzip"),))),
        Reason.MALFORMED,
        "the body could not be decompressed: …",
    ),
    Failing(
        "a compression that nobody asked for",
        _always(Body(b"\x0b\x02\x80{}\x03", headers=(("Content-Encoding", "br"),))),
        Reason.MALFORMED,
        "expected a JSON object, got invalid JSON",
    ),
    Failing(
        "a gzip bomb: 200 MB in 200 kB",
        lambda _: say.gzip_bomb(),  # which takes a second to make
        Reason.TOO_LARGE,
        "the answer is larger than 16777216 bytes, the most that is read",
    ),
    Failing(
        "a body of 100 MB",
        _always(Large()),
        Reason.TOO_LARGE,
        "the answer is larger than 16777216 bytes, the most that is read",
    ),
    Failing(
        "a body that never ends",
        _always(Large(None)),
        Reason.TOO_LARGE,
        "the answer is larger than 16777216 bytes, the most that is read",
    ),
    Failing(
        "a chunked body without its last chunk",
        _always(Chunked(100, broken=True)),
        Reason.CONNECTION,
        "the connection failed: …",
    ),
    Failing(
        "chunks of no size",
        _always(
            Bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
        ),
        Reason.CONNECTION,
        "the connection failed: …",
    ),
)

ENVELOPES = (
    Failing(
        "success false with errors",
        _always(say.failure("one", "two")),
        Reason.API_ERROR,
        "QuantConnect answered: one; two",
    ),
    Failing(
        "success false with messages",
        _always(say.failure(messages=["three"])),
        Reason.API_ERROR,
        "QuantConnect answered: three",
    ),
    Failing(
        "success false with Message",
        _always(say.failure(message="four")),
        Reason.API_ERROR,
        "QuantConnect answered: four",
    ),
    Failing(
        "success false with a code alone",
        _always(say.failure(code=77)),
        Reason.API_ERROR,
        "QuantConnect answered HTTP 200 without success and gave no error",
    ),
    Failing(
        "errors that are no texts",
        _always(Body(b'{"success":false,"errors":[{"a":1},7,null]}')),
        Reason.API_ERROR,
        'QuantConnect answered: {"a": 1}; 7',
    ),
    Failing(
        "success as a text",
        _always(Body(b'{"success":"true","portfolio":{}}')),
        Reason.API_ERROR,
        "QuantConnect answered HTTP 200 without success and gave no error",
    ),
    Failing(
        "success null",
        _always(Body(b'{"success":null,"portfolio":{}}')),
        Reason.API_ERROR,
        "QuantConnect answered HTTP 200 without success and gave no error",
    ),
    Failing(
        "an error over several lines, with markup and control characters",
        _always(say.failure("<b>a</b>\n# HELP x\r\n\x1b[31mred\x00")),
        Reason.API_ERROR,
        "QuantConnect answered: <b>a</b> # HELP x �[31mred�",
    ),
    Failing(
        "an error of 100 kB",
        _always(say.failure("long " * 20_000)),
        Reason.API_ERROR,
        "QuantConnect answered: long long…",
    ),
    Failing(
        "an error that repeats the token and the signature",
        _Echo,
        Reason.API_ERROR,
        "QuantConnect answered: Unknown header <secret>, token <secret>",
    ),
    Failing(
        "a project that is not found",
        _always(say.failure("Project not found")),
        Reason.API_ERROR,
        "QuantConnect answered: Project not found",
    ),
)

PORTFOLIOS = (
    Failing(
        "success without a portfolio",
        _always(say.no_portfolio()),
        Reason.NOT_READY,
        "live/portfolio/read: there is no portfolio yet",
    ),
    Failing(
        "a portfolio that is null",
        _always(say.null_portfolio()),
        Reason.NOT_READY,
        "live/portfolio/read: there is no portfolio yet",
    ),
    _raw(
        "a portfolio that is a number",
        b'{"success":true,"portfolio":7}',
        "live/portfolio/read: portfolio: found number 7, expected an object",
    ),
    _raw(
        "a portfolio that is a list",
        b'{"success":true,"portfolio":[7]}',
        "live/portfolio/read: portfolio: found array of 1, expected an object",
    ),
    _portfolio(
        "a portfolio without holdings",
        lambda portfolio: portfolio.pop("holdings"),
        "live/portfolio/read: portfolio has no holdings, expected an object",
    ),
    _portfolio(
        "a portfolio without cash",
        lambda portfolio: portfolio.pop("cash"),
        "live/portfolio/read: portfolio has no cash, expected an object",
    ),
    _portfolio(
        "holdings that are a text",
        lambda portfolio: portfolio.update(holdings="none"),
        'live/portfolio/read: portfolio.holdings: found string "none", expected an object',
    ),
    _portfolio(
        "holdings whose fields have other names",
        lambda portfolio: portfolio.update(holdings={"SPY R735QTJ8XC9X": {"units": 5}}),
        "live/portfolio/read: portfolio.holdings: no holding can be read,"
        ' holdings["SPY R735QTJ8XC9X"]: found the name "units", expected a known one; missing:'
        " quantity, averagePrice, marketPrice, conversionRate, marketValue, unrealizedPnl,"
        " unrealizedPnLPercent",
    ),
    _portfolio(
        "holdings that are numbers",
        lambda portfolio: portfolio.update(holdings={"SPY R735QTJ8XC9X": 5}),
        "live/portfolio/read: portfolio.holdings: no holding can be read,"
        ' holdings["SPY R735QTJ8XC9X"]: found number 5, expected an object of known fields',
    ),
    _portfolio(
        "cash of which nothing can be read",
        lambda portfolio: portfolio.update(cash={"USD": 5}),
        "live/portfolio/read: portfolio.cash: no currency can be read,"
        ' cash["USD"]: found number 5, expected an object',
    ),
    Failing(
        "a portfolio without positions, and errors beside success",
        _always(
            Body(b'{"success":true,"portfolio":{"holdings":[],"cash":[]},"errors":["partial"]}')
        ),
        Reason.API_ERROR,
        'live/portfolio/read: no open position next to errors: string "partial"',
    ),
    _portfolio(
        "more positions than max_holdings_per_project",
        lambda portfolio: portfolio.update(
            holdings={f"S{number} R735QTJ8XC9X": {"q": 1} for number in range(10_001)}
        ),
        "live/portfolio/read: 10001 open positions, at most 10000 expected",
        Reason.TOO_LARGE,
    ),
)

CONNECTIONS = (
    Failing(
        "the connection is closed without an answer",
        _always(HangUp()),
        Reason.CONNECTION,
        "the connection failed: Remote end closed connection without response",
    ),
    Failing(
        "the connection is reset",
        _always(HangUp(reset=True)),
        Reason.CONNECTION,
        "the connection failed: Connection reset by peer",
    ),
    Failing(
        "closed in the middle of the body",
        _always(Cut()),
        Reason.CONNECTION,
        "the connection failed: the answer ended too soon",
    ),
    Failing(
        "reset in the middle of the body",
        _always(Cut(reset=True)),
        Reason.CONNECTION,
        "the connection failed: Connection reset by peer",
    ),
    Failing(
        "something that is no HTTP",
        _always(Bytes(b"\x15\x03\x01\x00\x02\x02\x28")),
        Reason.CONNECTION,
        "the connection failed: …",
    ),
    Failing(
        "a status line that is none",
        _always(Bytes(b"HTTP/1.1 banana\r\n\r\n")),
        Reason.CONNECTION,
        "the connection failed: …",
    ),
    Failing(
        "half a head",
        _always(Bytes(b"HTTP/1.1 200 OK\r\nContent-Le")),
        Reason.MALFORMED,
        "expected a JSON object, got an empty body",
    ),
    Failing(
        "a header of a megabyte",
        _always(LongHead()),
        Reason.CONNECTION,
        "the connection failed: got more than 65536 bytes when reading header line",
    ),
    Failing(
        "no answer at all",
        _always(Stall(sent=None)),
        Reason.TIMEOUT,
        "no complete answer within 0.9 seconds",
        _TIMEOUT,
    ),
    Failing(
        "silence after the head",
        _always(Stall(sent=0)),
        Reason.TIMEOUT,
        "no complete answer within 0.9 seconds",
        _TIMEOUT,
    ),
    Failing(
        "silence in the middle of the body",
        _always(Stall(sent=20)),
        Reason.TIMEOUT,
        "no complete answer within 0.9 seconds",
        _TIMEOUT,
    ),
    Failing(
        "a body that drips, a byte a second",
        _always(Drip(10.0)),
        Reason.TIMEOUT,
        "no complete answer within 0.9 seconds",
        _TIMEOUT,
    ),
    Failing(
        "a head that drips",
        _always(Drip(10.0, head_too=True)),
        Reason.TIMEOUT,
        "no complete answer within 0.9 seconds",
        _TIMEOUT,
    ),
)

SECTIONS = {
    "HTTP statuses": STATUSES,
    "Bodies": BODIES,
    "QuantConnect says no": ENVELOPES,
    "Portfolios that are none": PORTFOLIOS,
    "Connections": CONNECTIONS,
}


def costs_a_read(entry: Failing) -> Told:
    """What each of these comes to: the head of their part of the page."""
    return Told(
        entry.title,
        published=Published.UNTIL_OLD,
        logged={READ_FAILED: 1, READ_SUCCEEDS: 1},
        counted=(failures(entry.reason.value, PORTFOLIO), unread("portfolio", VICTIM)),
        recovers="by itself",
    )


FAILING = tuple(entry for section in SECTIONS.values() for entry in section)
