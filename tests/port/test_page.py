"""Names, labels and errors from outside, in the metrics and on the pages."""

from __future__ import annotations

import html.parser
import json
import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from tests.support import given_world

from .exporter_process import Exporter, running

if TYPE_CHECKING:
    from collections.abc import Iterator

HOSTILE = {
    11: '<script>alert(1)</script><img src=x onerror="alert(2)">',
    12: '"} 1\nquantconnect_holdings{project_id="12",project="faked"} 4711\n# ',
    13: "\\\\n\\\"\\' &amp; &lt; </table></body> \r\n\r\nHTTP/1.1 200 OK",
    14: "\u202egnp.\u0000\u0001\u2028\u2029\x7f 💶" + "é" * 500,
    15: "{{.}} ${jndi:ldap://x} %s %n ../../etc/passwd",
}


def portfolio(key: str) -> dict[str, object]:
    holding = {"symbol": {"value": key, "id": key, "permtick": key}, "type": 1, "quantity": 1}
    cash = {key: {"symbol": key, "amount": 1, "conversionRate": 1}}
    return {"portfolio": {"holdings": {key: holding}, "cash": cash}, "success": True}


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    answers: dict[int, bytes | dict[str, object]] = {
        project_id: portfolio(name) for project_id, name in HOSTILE.items()
    }
    # An error that quotes what QuantConnect says.
    said = {"success": False, "errors": ["<b>no</b>\n# TYPE x gauge\nx 1\n\u2028", HOSTILE[11]]}
    answers[16] = json.dumps(said).encode()
    world = given_world(answers, names=HOSTILE)
    with running(world, tmp_path_factory.mktemp("hostile")) as exporter:
        yield exporter


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("text/plain", text), ("application/openmetrics-text; version=1.0.0", openmetrics)],
)
def test_the_metrics_parse_and_name_each_project_as_it_is_called(
    exporter: Exporter, accept: str, parse: object
) -> None:
    status, _, body = exporter.ask("/metrics", headers=f"Accept: {accept}\r\n")
    assert status == 200
    assert callable(parse)
    families = {family.name: family for family in parse(body)}
    named = {
        int(sample.labels["project_id"]): sample.labels["project"]
        for sample in families["quantconnect_read_success"].samples
        if sample.labels["source"] == "portfolio"
    }
    assert set(named) == {*HOSTILE, 16}
    for project_id in (11, 15):
        assert named[project_id] == HOSTILE[project_id]
    assert not any(
        sample.value == 4711 for family in families.values() for sample in family.samples
    )
    assert "x" not in families


OURS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "small", "p", "nav", "a", "br"),
    *("table", "thead", "tbody", "tr", "th", "td", "span", "footer"),
}


class Tags(html.parser.HTMLParser):
    """The elements and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {(tag, name) for name, _ in attrs} | {(tag, "")}


def test_the_landing_page_has_our_elements_and_no_others(exporter: Exporter) -> None:
    status, head, body = exporter.ask("/")
    assert status == 200
    page = Tags()
    page.feed(body)
    tags = {tag for tag, _ in page.seen}
    assert tags <= OURS
    attributes = {name for _, name in page.seen}
    assert attributes <= {
        "",
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "href",
        "class",
        "data-label",
        "colspan",
    }
    assert "&lt;script&gt;" in body
    assert re.search(r"content-security-policy: default-src 'none'", head, re.IGNORECASE)
    assert "x-content-type-options: nosniff" in head.lower()


@pytest.mark.parametrize("project_id", [*HOSTILE, 16])
def test_a_project_is_explained_as_text_that_no_browser_runs(
    exporter: Exporter, project_id: int
) -> None:
    status, head, body = exporter.ask(f"/projects/{project_id}")
    assert status == 200
    assert "content-type: text/plain; charset=utf-8" in head.lower()
    assert "x-content-type-options: nosniff" in head.lower()
    assert f"Project {project_id}" in body


def test_each_log_line_is_one_line(exporter: Exporter) -> None:
    for line in exporter.log.splitlines():
        assert line.startswith("ts=20")
    assert "\u2028" not in exporter.log
