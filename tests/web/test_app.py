"""Every path of the interface, over real HTTP."""

from __future__ import annotations

import gzip
import http.client
import re
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.sources import READ_FAMILIES
from exporter.store import AccountReport

from .serving import SAMPLE, Answer, Serving, published, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN = "text/plain; charset=utf-8"


@pytest.fixture(scope="module")
def shared() -> Iterator[Serving]:
    """For tests that change nothing."""
    with serving() as server:
        yield server


# --- Metrics --------------------------------------------------------------------------------------


def test_metrics_in_the_text_format(shared: Serving) -> None:
    answer = shared.ask("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert "content-encoding" not in answer.headers
    assert SAMPLE in answer.text.splitlines()
    names = {family.name for family in parse_text(answer.text)}
    assert {family.name for family in READ_FAMILIES} <= names
    assert {"process_start_time_seconds", "python_info"} <= names


def test_metrics_in_openmetrics(shared: Serving) -> None:
    answer = shared.ask("/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert answer.headers["content-type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    )
    assert answer.text.endswith("# EOF\n")
    families = {family.name: family for family in parse_openmetrics(answer.text)}  # type: ignore[no-untyped-call]
    assert families["quantconnect_holdings"].samples[0].value == 0


def test_metrics_compressed(shared: Serving) -> None:
    answer = shared.ask("/metrics", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert SAMPLE in gzip.decompress(answer.body).decode()


@pytest.mark.parametrize("accept", ["*;q=nan", ",;,", 'a/b;c="', "\x80\xff", "x" * 8000])
def test_a_strange_accept_header_is_answered_in_text(shared: Serving, accept: str) -> None:
    answer = shared.ask("/metrics", Accept=accept)
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/plain")


def test_metrics_elsewhere() -> None:
    with serving(telemetry_path="/probe/metrics") as server:
        assert SAMPLE in server.ask("/probe/metrics").text
        assert server.ask("/metrics").status == 404
        assert 'href="/probe/metrics"' in server.ask("/").text


# --- Other paths ----------------------------------------------------------------------------------


def test_the_landing_page(shared: Serving) -> None:
    answer = shared.ask("/")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for part in ("1.2.3", 'href="/metrics"', 'href="/config"', 'href="/projects/7"', "US momentum"):
        assert part in answer.text
    assert "1m 40s ago" in answer.text


def test_a_rejected_account_is_told_of() -> None:
    with serving() as server:
        server.vitals.stand = [AccountReport("main", "rejected", "auth: no")]
        assert "rejected; last failure: auth: no" in server.ask("/").text
        assert 'Account "main": rejected; last failure: auth: no' in server.ask("/projects/7").text


def test_a_project_explained(shared: Serving) -> None:
    answer = shared.ask("/projects/7")
    assert (answer.status, answer.headers["content-type"]) == (200, PLAIN)
    assert answer.text == (
        'Project 7, "US momentum", account "main"\n'
        "Status: Running; 0 open positions\n"
        "\n"
        "Reads:\n"
        "  portfolio  every 1m, last tried 1m 40s ago (2026-11-21T14:28:20+00:00): ok\n"
        "\n"
        "Samples published now:\n"
        f"{SAMPLE}\n"
    )


@pytest.mark.parametrize(
    "path",
    ["/projects/8", "/projects/x", "/projects/07x", "/projects/%D9%A7", f"/projects/{'9' * 500}"],
)
def test_no_such_project(shared: Serving, path: str) -> None:
    answer = shared.ask(path)
    assert (answer.status, answer.text) == (
        404,
        "No such project is configured or discovered here.\n",
    )


def test_the_configuration(shared: Serving) -> None:
    answer = shared.ask("/config")
    assert (answer.status, answer.headers["content-type"]) == (200, PLAIN)
    assert answer.text == "accounts:\n- api_token: <secret>\n"


def test_health_and_readiness() -> None:
    with serving() as server:
        assert (server.ask("/-/healthy").status, server.ask("/-/ready").status) == (200, 200)
        server.vitals.is_healthy = server.vitals.is_ready = False
        assert (server.ask("/-/healthy").status, server.ask("/-/ready").status) == (503, 503)


@pytest.mark.parametrize(
    "path",
    ["/metrics/", "//metrics", "/favicon.ico", "/projects", "/projects/7/x", "/-/quit", "/%00"],
)
def test_anything_else_is_404(shared: Serving, path: str) -> None:
    assert shared.ask(path).status == 404


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/projects/7", "/config", "/-/healthy", "/-/ready"]
)
def test_head_works_where_get_does_and_nothing_else(shared: Serving, path: str) -> None:
    get, head = shared.ask(path), shared.ask(path, "HEAD")
    assert (head.status, head.body) == (get.status, b"")
    if path != "/metrics":  # whose counters have grown meanwhile
        assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = shared.ask(path, method)
        assert answer.status == 405
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_headers_that_keep_a_browser_from_anything(shared: Serving) -> None:
    for path in ("/", "/metrics", "/config", "/nowhere"):
        headers = shared.ask(path).headers
        assert "server" not in headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy


def test_requests_are_counted_by_route_and_code() -> None:
    with serving() as server:
        for path in ("/metrics", "/projects/7", "/projects/8", "/nowhere/1", "/nowhere/2"):
            server.ask(path)
        server.ask("/metrics", "POST")
        counted = set(
            re.findall(
                r"(?m)^quantconnect_exporter_http_requests_total(.*)", server.ask("/metrics").text
            )
        )
    assert counted >= {
        '{code="200",handler="/metrics"} 1.0',
        '{code="405",handler="/metrics"} 1.0',
        '{code="200",handler="/projects/<id>"} 1.0',
        '{code="404",handler="/projects/<id>"} 1.0',
        '{code="404",handler="other"} 2.0',
        '{code="200",handler="/"} 0.0',
    }


def test_a_connection_serves_many_scrapes(shared: Serving) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared.port, timeout=20)
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        connection.request("GET", "/metrics")
        assert connection.getresponse().read()
        assert connection.sock is socket
    connection.close()


def test_a_reload() -> None:
    with serving() as server:
        for method in ("POST", "PUT"):
            answer = server.ask("/-/reload", method)
            assert (answer.status, answer.text) == (200, "Reloaded\n")
        server.configuration.error = ValueError("quantconnect.yaml: line 3: what is wrong")
        answer = server.ask("/-/reload", "POST")
        assert (answer.status, answer.text) == (
            500,
            "failed to reload config:\nquantconnect.yaml: line 3: what is wrong\n",
        )
        assert server.configuration.reloads == 3


def test_reloads_that_are_slow_hold_up_no_scrape() -> None:
    with serving() as server, ThreadPoolExecutor(60) as pool:
        server.configuration.gate.clear()
        asked = [pool.submit(server.ask, "/-/reload", "POST") for _ in range(60)]
        refused = [each.result() for each in islice(as_completed(asked), 58)]
        assert {answer.status for answer in refused} == {503}
        assert server.ask("/metrics").status == 200
        server.configuration.gate.set()
        assert sorted(each.result().status for each in asked) == [200] * 2 + [503] * 58
        assert server.ask("/-/reload", "POST").status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_a_reload_is_no_link_that_one_can_follow(shared: Serving, method: str) -> None:
    answer = shared.ask("/-/reload", method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST, PUT")
    assert shared.configuration.reloads == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": ""},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Origin": "http://evil.example/http://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:{port}", "Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_page_of_somebody_elses_in_a_browser_reloads_nothing(
    shared: Serving, headers: dict[str, str]
) -> None:
    sent = {name: value.format(port=shared.port) for name, value in headers.items()}
    for method in ("POST", "PUT"):
        answer = shared.ask("/-/reload", method, **sent)
        assert (answer.status, answer.text) == (403, "Pages of other sites may not do that.\n")
    assert shared.configuration.reloads == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:{port}", "Sec_Fetch_Site": "same-origin"},
        # Behind a proxy with a name of its own.
        {"Origin": "https://exporter.example", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://Exporter.example", "Host": "exporter.example"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_a_page_of_our_own_may(headers: dict[str, str]) -> None:
    with serving() as server:
        sent = {name: value.format(port=server.port) for name, value in headers.items()}
        assert server.ask("/-/reload", "POST", **sent).status == 200


def test_a_fault_of_ours_is_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with serving() as server:
        server.configuration.text = None  # type: ignore[assignment]
        answer = server.ask("/config")
        assert (answer.status, answer.text) == (500, "Internal Server Error\n")
        counted = 'http_requests_total{code="500",handler="/config"} 1.0'
        assert f"quantconnect_exporter_{counted}" in server.ask("/metrics").text
    [record] = caplog.records
    assert vars(record)["fields"] == {"path": "/config"}
    assert record.exc_info


# --- The limit ------------------------------------------------------------------------------------


def test_more_requests_than_the_limit_are_refused_and_health_is_exempt() -> None:
    with serving(max_requests=2) as server, ThreadPoolExecutor(2) as pool:
        server.store.open.clear()
        waiting = [pool.submit(server.ask, "/metrics") for _ in range(2)]
        for _ in waiting:
            assert server.store.waiting.acquire(timeout=60)
        refused = server.ask("/metrics")
        assert (refused.status, refused.text) == (
            503,
            "Limit of 2 concurrent requests reached, try again later.\n",
        )
        assert server.ask("/").status == 503
        assert server.ask("/-/healthy").status == 200
        assert server.ask("/-/ready").status == 200
        server.store.open.set()
        answers: list[Answer] = [each.result(20) for each in waiting]
        assert [answer.status for answer in answers] == [200, 200]
        assert server.ask("/metrics").status == 200


def test_no_limit() -> None:
    with serving(max_requests=0) as server, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.ask, ["/metrics"] * 16))
    assert {answer.status for answer in answers} == {200}


# --- What is in the store -------------------------------------------------------------------------


def test_what_is_put_is_served_and_what_is_removed_is_gone() -> None:
    with serving() as server:
        server.store.put(published(9, "Other"))
        assert 'project="Other",project_id="9"' in server.ask("/metrics").text
        server.store.remove(9)
        assert "Other" not in server.ask("/metrics").text
        assert server.ask("/projects/9").status == 404
