from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from exporter.store import ProjectReport, SourceReport
from exporter.web.pages import STYLE_HASH, landing_page, project_page

NOW = 1795271400.0


def report(**changed: object) -> ProjectReport:
    given: dict[str, object] = {
        "project_id": 23456789,
        "name": "US momentum",
        "account": "main",
        "state": "Running",
        "positions": 3,
        "sources": (SourceReport("portfolio", 60, tried=NOW - 5, succeeded=NOW - 5),),
        **changed,
    }
    return ProjectReport(**given)  # type: ignore[arg-type]


def page(*reports: ProjectReport) -> str:
    return landing_page(list(reports), version="1.2.3", telemetry_path="/metrics", now=NOW)


class Read(HTMLParser):
    """What a browser would: tags, links and text; unclosed tags are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag not in ("meta", "br", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data


def test_the_landing_page_lists_projects() -> None:
    read = Read(
        page(
            report(),
            report(
                project_id=5,
                name="",
                state="RuntimeError",
                positions=None,
                sources=(
                    SourceReport("portfolio", 60, tried=NOW, error="timeout: no answer"),
                    SourceReport("status", 60, tried=NOW - 9, succeeded=NOW - 90061),
                ),
            ),
        )
    )
    for part in ("US momentum", "23456789", "main", "RuntimeError", "timeout: no answer", "1d 1h"):
        assert part in read.text
    assert {"/metrics", "/config", "/projects/23456789", "/projects/5"} <= set(read.links)


def test_no_project_yet() -> None:
    assert "<table" not in page()
    assert "No project" in page()


def test_nothing_is_fetched_from_anywhere_and_nothing_runs() -> None:
    read = Read(page(report()))
    assert all(link.startswith("/") and not link.startswith("//") for link in read.links)
    assert {"script", "img", "link", "iframe", "form"}.isdisjoint(read.tags)
    assert "url(" not in page(report())


def test_the_policys_hash_is_that_of_the_style() -> None:
    styles = re.findall(r"<style>(.*?)</style>", page(), re.DOTALL)
    assert len(styles) == 1
    assert "sha256-" + b64encode(sha256(styles[0].encode()).digest()).decode() == STYLE_HASH
    assert "style=" not in page(report())


TEXTS = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=//x>', "&"]
)


@given(name=TEXTS, account=TEXTS, state=TEXTS, error=TEXTS)
def test_markup_in_names_and_errors_is_text(
    name: str, account: str, state: str, error: str
) -> None:
    source = SourceReport("portfolio", 60, tried=NOW, error=error)
    read = Read(page(report(name=name, account=account, state=state, sources=(source,))))
    plain = Read(page(report(sources=(SourceReport("portfolio", 60, tried=NOW, error="x"),))))
    without_error = [tag for tag in plain.tags if error or tag != "span"]
    assert set(read.tags) <= set(plain.tags)
    assert read.links == plain.links
    assert len(without_error) <= len(plain.tags)


def test_a_project_explained() -> None:
    sources = (
        SourceReport("portfolio", 60, tried=NOW - 5, succeeded=NOW - 5, problems=("a is odd",)),
        SourceReport("status", 90.4, tried=NOW - 61, succeeded=NOW - 7200, error="timeout: slow"),
        SourceReport("statistics", 300, tried=NOW - 1, error="auth: no"),
        SourceReport("other", 86400),
    )
    assert project_page(report(sources=sources, positions=1), "a 1\nb 2", now=NOW) == (
        'Project 23456789, "US momentum", account "main"\n'
        "Status: Running; 1 open position\n"
        "\n"
        "Reads:\n"
        "  portfolio  every 1m, last tried 5s ago (2026-11-21T14:29:55+00:00): ok\n"
        "  status     every 1m 30s, last tried 1m 1s ago (2026-11-21T14:28:59+00:00):"
        " timeout: slow; last good read 2h ago\n"
        "  statistics every 5m, last tried 1s ago (2026-11-21T14:29:59+00:00):"
        " auth: no; last good read never\n"
        "  other      every 1d, not tried yet\n"
        "\n"
        "Left out of the last answers:\n"
        "  a is odd\n"
        "\n"
        "Samples published now:\n"
        "a 1\n"
        "b 2\n"
    )


def test_a_project_of_which_nothing_is_known() -> None:
    unknown = report(name="", state="its name is being asked for", positions=None, sources=())
    text = project_page(unknown, "", now=NOW)
    assert text.startswith("Project 23456789, name not known yet, account ")
    assert "portfolio not read yet" in text
    assert text.endswith("Samples published now:\nnone\n")


def test_a_clock_that_was_set_back_makes_no_negative_age() -> None:
    source = SourceReport("portfolio", 60, tried=NOW + 99, succeeded=NOW + 99)
    assert "last tried 0s ago" in project_page(report(sources=(source,)), "", now=NOW)
