"""Faults in what is said: statuses, bodies and the JSON in them."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.simulator.authentication import INVALID_HASH, LOCKED_OUT
from exporter.simulator.exchange import Answer, sized

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.exchange import Exchange

HTML = (("Content-Type", "text/html; charset=utf-8"),)


@dataclass(frozen=True, slots=True)
class Status:
    """A status with a page of HTML, as a proxy sends it, or another ``body``."""

    status: int
    headers: tuple[tuple[str, str], ...] = HTML
    body: bytes | None = None

    def act(self, exchange: Exchange) -> None:
        """Send it."""
        body = self.body
        if body is None:
            body = b"" if self.status in (204, 304) else _page(self.status)
        exchange.send(Answer(self.status, self.headers, body))


def redirect(location: str, status: int = 302) -> Status:
    """To ``location``, a whole URL."""
    return Status(status, (*HTML, ("Location", location)))


def unauthorized(*, challenge: bool = True) -> Status:
    """The 401 that the API's pages document, with or without its ``WWW-Authenticate``."""
    header = (("WWW-Authenticate", 'Basic realm="QuantConnect"'),) if challenge else ()
    return Status(401, (("Content-Type", "application/json"), *header), b'{"success":false}')


def too_many_requests(retry_after: str | None = None) -> Status:
    """429, with ``Retry-After`` as given: seconds, a date, nonsense, or not at all."""
    header = () if retry_after is None else (("Retry-After", retry_after),)
    return Status(429, (*HTML, *header))


@dataclass(frozen=True, slots=True)
class Body:
    """These bytes instead of the answer, not compressed."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def act(self, exchange: Exchange) -> None:
        """Send them."""
        headers = (("Content-Type", self.content_type), *self.headers)
        answer = sized(Answer(self.status, headers, self.body))
        exchange.connection.sendall(exchange.head(answer) + answer.body)


def html() -> Body:
    """A page of HTML with status 200, as a load balancer's error."""
    return Body(_page(200), "text/html; charset=utf-8")


def empty() -> Body:
    """Status 200 and nothing."""
    return Body(b"")


def deep_json(depth: int = 100_000) -> Body:
    """A portfolio of ``depth`` lists in lists."""
    return Body(b'{"success":true,"portfolio":' + b"[" * depth + b"]" * depth + b"}")


def gzip_bomb(size: int = 200_000_000) -> Body:
    """Spaces, ``size`` of them, in a gzip a thousandth as large."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * 1_000_000
    pieces = [compressor.compress(piece) for _ in range(size // len(piece))]
    body = b"".join([*pieces, compressor.compress(b" " * (size % len(piece))), compressor.flush()])
    return Body(body, headers=(("Content-Encoding", "gzip"),))


@dataclass(frozen=True, slots=True)
class Transformed:
    """The normal answer with its body put through ``change``."""

    change: Callable[[bytes], bytes]

    def act(self, exchange: Exchange) -> None:
        """Send what ``change`` makes."""
        answer = exchange.answer()
        exchange.send(replace(answer, body=self.change(answer.body)))


def patched(change: Callable[[dict[str, object]], object]) -> Transformed:
    """The normal answer after ``change`` had its JSON: it alters the object in place, or returns
    another to send. NaN and infinities are written as Python does."""

    def apply(body: bytes) -> bytes:
        answer = json.loads(body)
        changed = change(answer)
        return json.dumps(answer if changed is None else changed).encode()

    return Transformed(apply)


def byte_order_mark() -> Transformed:
    """A UTF-8 byte-order mark before the answer."""
    return Transformed(lambda body: b"\xef\xbb\xbf" + body)


def invalid_utf8() -> Transformed:
    """A byte that UTF-8 doesn't have, inside a string."""
    return Transformed(lambda body: body.replace(b'"success"', b'"\xff":0,"success"', 1))


def not_a_number(value: str = "NaN") -> Transformed:
    """An extra field, and each ``q`` and ``amount``, become ``NaN``, ``Infinity`` or ``-Infinity``,
    which JSON doesn't have."""
    number = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}[value]

    def spoil(node: object) -> None:
        if isinstance(node, dict):
            for name, child in node.items():
                spoil(child)
                if name in ("q", "quantity", "Quantity", "amount", "Amount", "equity"):
                    node[name] = number

    def change(answer: dict[str, object]) -> None:
        spoil(answer)
        answer["extra"] = number

    return patched(change)


def duplicate_keys() -> Transformed:
    """The whole answer once more in itself, with ``success`` false first and true last."""
    return Transformed(lambda body: b'{"success":false,"portfolio":{},' + body[1:])


def failure(
    *errors: str,
    messages: list[str] | None = None,
    message: str | None = None,
    code: int | None = None,
) -> Body:
    """``success`` false in any of the shapes seen: ``errors``, ``messages``, ``Message``, with
    ``errorCode`` or none of them."""
    answer: dict[str, object] = {"success": False}
    if errors:
        answer["errors"] = list(errors)
    if messages is not None:
        answer["messages"] = messages
    if message is not None:
        answer["Message"] = message
    if code is not None:
        answer["errorCode"] = code
    return Body(json.dumps(answer).encode())


def invalid_hash() -> Body:
    """What an old or wrong signature is told."""
    return failure(INVALID_HASH, code=10002)


def locked_out() -> Body:
    """What who failed too often is told."""
    return failure(LOCKED_OUT)


def no_portfolio() -> Body:
    """Success and nothing else: not ready."""
    return Body(b'{"success":true}')


def null_portfolio() -> Body:
    """Success with null for a portfolio."""
    return Body(b'{"portfolio":null,"success":true}')


def loading(progress: float = 0.25) -> Body:
    """Orders, trades or a chart that QuantConnect has not loaded yet."""
    answer = {"progress": progress, "status": "loading", "success": True}
    return Body(json.dumps(answer, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class TruncatedGzip:
    """The normal answer in gzip, its end missing; the length sent is what there is."""

    keep: float = 0.5

    def act(self, exchange: Exchange) -> None:
        """Send that part."""
        answer = exchange.answer()
        body = gzip.compress(answer.body, mtime=0)
        body = body[: int(len(body) * self.keep)]
        answer = sized(replace(answer, body=body).with_header("Content-Encoding", "gzip"))
        exchange.connection.sendall(exchange.head(answer) + answer.body)


def _page(status: int) -> bytes:
    return f"<html><head><title>{status}</title></head><body>{status}</body></html>".encode()
