"""Requests that no scraper sends: what they get, and that what comes behind them gets nothing."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import socket

    from .exporter_process import Exporter

HOST = b"Host: x\r\n"
SMUGGLED = b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def answered(client: socket.socket) -> bytes:
    """The body of the next answer, of 200."""
    response = HTTPResponse(client)
    response.begin()
    assert response.status == 200
    return response.read()


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize(
    ("request_", "allowed"),
    [
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", {400}),
        (b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 200_000 + b"\r\n", {400}),
        (b"GET /-/healthy?" + b"a" * 8000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", {200}),
        (b"A" * 1_000_000, {400}),
        (b"\x00" * 100 + b"\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 600 + b"\r\n\r\n", {400}),
        (b"GET\r\n\r\n", {400}),
        (b"GET /-/healthy\r\n\r\n", {400}),
        (b"GET /-/healthy HTTP/9.9\r\n" + HOST + b"\r\n", {505}),
        (b"GET /-/healthy HTTP/0.9\r\n\r\n", {505}),
        (b"GET /-/healthy HTTP/1.7\r\n" + HOST + b"\r\n", {200}),
        (b"GET /-/healthy HTTP/1.0\r\n\r\n", {200}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}),
        (b"\r\nGET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n", {200}),
        (b"\r\n\r\nGET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + HOST + b"\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X y: 1\r\n\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X : 1\r\n\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b": 1\r\n\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n", {400}),
        (b"GET /-/h\xc3\xa9 HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\n\r\n", {200}),
        (b"G\xc3\x89T / HTTP/1.1\r\n" + HOST + b"\r\n", {400}),
        (b"FROB / HTTP/1.1\r\n" + HOST + b"\r\n", {405}),
        (b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n", {405}),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", {405}),
        (b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\n\r\n", {200}),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else None,
)
def test_odd_requests_get_one_answer(
    exporter: Exporter, request_: bytes, allowed: set[int]
) -> None:
    found = statuses(exporter.say(request_))
    # What is too big may be cut off before the answer could be read.
    assert len(found) <= 1
    assert set(found) <= allowed
    if len(request_) < 10_000:
        assert found


@pytest.mark.parametrize(
    "head",
    [
        CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
        b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 4, 4\r\n\r\nabcd",
        b"Content-Length: +4\r\n\r\nabcd",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 0x4\r\n\r\nabcd",
        b"Content-Length: 4\r\n\r\nabcd",
        b"Content-Length: 1000000000000\r\n\r\nabcd",
        CHUNKED + b"\r\n0\r\n\r\n",
        CHUNKED + b"\r\nzz\r\n",
        CHUNKED + b'\r\n5;ext="\n"\r\nabcde\r\n0\r\n\r\n',
        CHUNKED + b"\r\n0\r\nTrailer: x\r\n\r\n",
        b"Transfer-Encoding: identity\r\n\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        b"X: a\r\n folded\r\n\r\n",
        b"X: a\r\n\tContent-Length: 4\r\n\r\n",
        b"X: a\nContent-Length: 4\n\nabcd",
        b"X: a\n\n",
        b"X: a\rContent-Length: 4\r\n\r\n",
        b"Connection: keep-alive\r\n\r\n",
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"HEAD"])
def test_what_is_smuggled_behind_a_request_is_never_answered(
    exporter: Exporter, head: bytes, method: bytes
) -> None:
    answer = exporter.say(method + b" /-/healthy HTTP/1.1\r\n" + HOST + head + SMUGGLED)
    assert len(statuses(answer)) == 1
    assert b"api_token" not in answer


def test_nor_is_it_when_it_comes_a_moment_later(exporter: Exporter) -> None:
    with exporter.connect() as client:
        client.sendall(b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\n")
        assert answered(client) == b"Healthy\n"
        # The answer was given without the body, and the connection ended with it.
        rest = b""
        try:
            client.sendall(b"abcd" + SMUGGLED)
            rest = client.recv(65536)
        except ConnectionError:
            pass
        assert rest == b""


def test_requests_one_after_the_other_share_a_connection(exporter: Exporter) -> None:
    with exporter.connect() as client:
        for _ in range(20):
            client.sendall(b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n")
            assert answered(client) == b"Healthy\n"
        client.sendall(b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n")
        assert answered(client) == b"Reloaded\n"
        client.sendall(b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n")
        assert answered(client) == b"Healthy\n"


@pytest.mark.parametrize(
    "path",
    [
        "//metrics",
        "/metrics/",
        "/metrics/.",
        "/./metrics",
        "/x/../metrics",
        "/%2e%2e/metrics",
        "/metrics%00",
        "/metrics%0d%0aX:%20y",
        "/metrics;a=b",
        "/METRICS",
        "/metrics%2f",
        "/%2fmetrics",
        "\\metrics",
        "metrics",
        "*",
        "http://x/nowhere",
        "ftp://x/metrics",
        "x:80",
        "/projects/",
        "/projects/%2e%2e",
        "/projects/../config",
        "/projects/..%2fconfig",
        "/projects/-1",
        "/projects/30000001/",
        "/projects/30000001%00",
        "/projects/0x1c9c381",
        "/projects/%d9%a3",
        "/projects/1e3",
        "/projects/" + "9" * 5000,
        "/config/",
        "/-/quit",
        "/-/",
        "/debug/pprof/",
        "/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/static/x",
        "/favicon.ico",
    ],
)
def test_other_paths_are_not_found(exporter: Exporter, path: str) -> None:
    status, head, body = exporter.ask(path)
    assert status in {400, 404}
    assert "X: y" not in head
    assert "location" not in head.lower()
    assert path not in body


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/metrics?", 200),
        ("/metrics?name[]=x&a=%0d%0a", 200),
        ("/%6detrics", 200),
        ("/metrics#x", 404),
        ("http://x/metrics", 200),
        ("http://x:80/config?a=b", 200),
        ("HTTPS://x/%2d/healthy", 200),
        ("http://x", 200),
        ("http://x?a=b", 200),
    ],
)
def test_other_ways_to_write_a_path(exporter: Exporter, path: str, expected: int) -> None:
    status, _, _ = exporter.ask(path)
    assert status == expected


@pytest.mark.parametrize(("origin", "expected"), [("http://y:1", 200), ("http://x", 403)])
def test_the_host_of_an_absolute_target_counts(
    exporter: Exporter, origin: str, expected: int
) -> None:
    """As RFC 9112 wants it; the header says x."""
    status, _, _ = exporter.ask("http://Y:1/-/reload", "POST", f"Origin: {origin}\r\n")
    assert status == expected


@pytest.mark.parametrize(
    "pieces",
    [
        (b"\r\n", b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"\r", b"\nGET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"\r", b"\n", b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"),
        (b"G", b"ET /-/healthy HTTP/1.1\r", b"\nHost: x\r\n\r", b"\n"),
    ],
    ids=repr,
)
def test_a_request_in_pieces(exporter: Exporter, pieces: tuple[bytes, ...]) -> None:
    with exporter.connect() as client:
        for _ in range(2):
            for piece in pieces:
                client.sendall(piece)
                time.sleep(0.02)
            assert answered(client) == b"Healthy\n"


def test_the_date_of_an_answer(exporter: Exporter) -> None:
    _, head, _ = exporter.ask("/-/healthy")
    [date] = re.findall(r"(?m)^date: (.*)\r$", head)
    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 60


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "MOVE")
PATHS = ("/", "/metrics", "/config", "/projects/30000001", "/-/healthy", "/-/ready", "/-/reload")
# What no request of ours may move: the rest is the exporter's own counting.
OURS = re.compile(r"^(?!quantconnect_exporter_http|process_|python_).*", re.MULTILINE)


def test_no_request_changes_anything_but_reload(exporter: Exporter) -> None:
    def state() -> list[str]:
        return [line for line in OURS.findall(exporter.ask("/metrics")[2]) if line]

    before = state()
    assert any(line.startswith("quantconnect_holding_quantity{") for line in before)
    for path in PATHS:
        for method in METHODS:
            status, _, _ = exporter.ask(path, method, "Content-Length: 0\r\n")
            if path == "/-/reload":
                assert status == (200 if method in {"POST", "PUT"} else 405)
            else:
                assert status == (200 if method in {"GET", "HEAD"} else 405)
    reloaded = "quantconnect_exporter_config_last_reload_success_timestamp_seconds"
    assert [line for line in state() if not line.startswith(reloaded)] == [
        line for line in before if not line.startswith(reloaded)
    ]


def test_strange_headers_do_not_show_in_what_is_answered(exporter: Exporter) -> None:
    marker = "zz<script>zz"
    headers = "".join(
        f"{name}: {marker}\r\n"
        for name in ("Accept", "Accept-Encoding", "User-Agent", "Referer", "X-Forwarded-For")
    )
    headers += f"Authorization: {marker}\r\nX-Prometheus-Scrape-Timeout-Seconds: {marker}\r\n"
    for path in PATHS[:-1]:
        status, head, body = exporter.ask(path, headers=headers)
        assert status == 200
        assert marker not in head + body
    assert marker not in exporter.log
