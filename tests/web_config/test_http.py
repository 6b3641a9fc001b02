"""Headers and the rate limit, on real answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .serving import Clock, serving
from .test_basic_auth import users

if TYPE_CHECKING:
    from .pki import PKI


def test_headers_replace_ours_and_leave_the_others(pki: PKI) -> None:
    text = """\
http_server_config:
  http2: false
  headers:
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 0
    Strict-Transport-Security: max-age=31536000; includeSubDomains
"""
    with serving(pki, text) as server:
        headers = server.ask().headers
    assert headers["x-frame-options"] == "sameorigin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-xss-protection"] == "0"
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert headers["content-security-policy"] == "default-src 'none'"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("default-src 'self'", "default-src 'self'"),
        ("|\n      default-src 'self';\n      img-src *\n", "default-src 'self'; img-src *"),
        (">-\n      default-src 'self';\n      img-src *\n", "default-src 'self'; img-src *"),
        ("''", None),
        ("", "default-src 'none'"),
    ],
)
def test_a_header_is_one_line_and_an_empty_one_is_not_sent(
    pki: PKI, written: str, sent: str | None
) -> None:
    text = f"http_server_config:\n  headers:\n    Content-Security-Policy: {written}\n"
    with serving(pki, text) as server:
        assert server.ask().headers.get("content-security-policy") == sent


def test_headers_are_taken_up_and_refusals_have_them(pki: PKI) -> None:
    with serving(pki, users(a="x")) as server:
        assert "x-frame-options" not in server.ask().headers
        server.write(users(a="x") + "http_server_config: {headers: {X-Frame-Options: deny}}")
        assert server.ask().headers["x-frame-options"] == "deny"


def test_a_request_each_interval_and_a_burst_after_a_pause(pki: PKI) -> None:
    clock = Clock()
    with serving(pki, "rate_limit: {interval: 2s, burst: 3}", clock=clock) as server:

        def statuses(count: int) -> list[int]:
            return [server.ask().status for _ in range(count)]

        assert statuses(4) == [200, 200, 200, 429]
        clock.time += 1
        assert statuses(1) == [429]
        clock.time += 1
        assert statuses(2) == [200, 429]
        clock.time += 3600
        assert statuses(4) == [200, 200, 200, 429]
        answer = server.ask()
        assert answer.body == b"Too Many Requests\n"
        assert set(server.refused) == {429}


def test_the_rate_limit_comes_before_the_password(pki: PKI) -> None:
    text = users(a="x") + "rate_limit: {interval: 1s, burst: 1}"
    with serving(pki, text, clock=Clock()) as server:
        assert server.ask(user="a", password="y").status == 401
        assert server.ask(user="a", password="x").status == 429


def test_another_rate_limit_begins_anew(pki: PKI) -> None:
    with serving(pki, "rate_limit: {interval: 1s, burst: 1}", clock=Clock()) as server:
        assert [server.ask().status for _ in range(2)] == [200, 429]
        server.write("rate_limit: {interval: 1s, burst: 2}")
        assert [server.ask().status for _ in range(3)] == [200, 200, 429]
        server.write("rate_limit: {interval: 0, burst: 2}")
        assert [server.ask().status for _ in range(3)] == [200] * 3
