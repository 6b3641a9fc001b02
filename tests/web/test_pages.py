from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.poller.project import NAME_PENDING
from exporter.store import AccountReport, ProjectReport, SourceReport
from exporter.web.pages import landing_page, project_page
from exporter.web.template import STYLE_HASH

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


REJECTED = AccountReport("main", "rejected", "auth: UserID not valid", next_try=NOW + 890)
WAITING = AccountReport("main", "waiting", "rate_limit: HTTP 429", next_try=NOW + 30)


def page(*reports: ProjectReport, account: AccountReport | None = None) -> str:
    return landing_page(
        list(reports),
        version="1.2.3",
        telemetry_path="/metrics",
        now=NOW,
        accounts=[account] if account else [],
    )


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


def said(html: str) -> str:
    """The page's text, its white space as a browser shows it."""
    return " ".join(Read(html).text.split())


@pytest.mark.parametrize(
    ("account", "text"),
    [
        (AccountReport("main", "accepted"), "Account main: accepted"),
        (AccountReport("main", "not asked yet"), "Account main: not asked yet"),
        (
            AccountReport("main", "accepted", "http_5xx: HTTP 503"),
            "Account main: accepted; last failure: http_5xx: HTTP 503",
        ),
        (
            REJECTED,
            "Account main: rejected; last failure: auth: UserID not valid; next try in 14m 50s",
        ),
        (WAITING, "Account main: waiting; last failure: rate_limit: HTTP 429; next try in 30s"),
    ],
)
def test_a_line_for_each_account(account: AccountReport, text: str) -> None:
    assert f"{text} No project is known yet." in said(page(account=account))
    marked = page(account=account)
    assert ('<span class="bad">' in marked) == bool(account.error)
    assert ('class="state bad"' in marked) == (account.state in ("rejected", "waiting"))
    assert ('class="state good"' in marked) == (account.state == "accepted")


@pytest.mark.parametrize("account", [REJECTED, WAITING])
@pytest.mark.parametrize("sources", [(), (SourceReport("portfolio", 60),)])
def test_what_waits_for_its_account_says_so(
    account: AccountReport, sources: tuple[SourceReport, ...]
) -> None:
    asked = report(name="", state=NAME_PENDING, positions=None, sources=sources)
    html = page(asked, account=account)
    assert f'<span class="state bad">its account is {account.state}</span>' in html
    assert NAME_PENDING not in html
    text = project_page(asked, "", now=NOW, account=account)
    assert f"Status: its account is {account.state}; portfolio not read yet\n" in text
    assert f'\nAccount "main": {account.state}; last failure: ' in text
    # What was read before stands, whatever the account gets now.
    assert '<span class="state good">Running</span>' in page(report(), account=account)
    accepted = AccountReport("main", "accepted")
    assert NAME_PENDING in page(asked, account=accepted)
    assert "Account" not in project_page(report(), "", now=NOW, account=accepted)


def test_withdrawn_positions_are_neither_shown_nor_counted() -> None:
    old = report(positions=9, positions_until=50.0, state_until=60.0)
    assert "2 projects, 2 running, 12 open positions." in said(page(report(), old.at(49.9)))
    html = page(report(), old.at(50.0))
    assert 'data-label="Positions">—</td>' in html
    assert ("2 projects, 2 running, 3 open positions (those of 1 project are not known).") in said(
        html
    )
    html = page(report(), old.at(60.0))
    assert "2 projects, 1 running, 3 open positions (those of 1" in said(html)
    assert '<span class="state">not known (was Running)</span>' in html
    assert (
        "Status: not known (was Running); positions unknown: the last good read is too old\n"
    ) in project_page(old.at(60.0), "", now=NOW)


def test_what_was_not_read_yet_is_not_counted_as_no_position() -> None:
    unread = report(state="not known yet", positions=None)
    never = report(project_id=5, state="never deployed", positions=None)
    assert ("2 projects, 0 running, 0 open positions (those of 1 project are not known).") in said(
        page(unread, never)
    )
    assert 'data-label="Positions"></td>' in page(unread)


def test_every_read_has_its_age_and_its_interval() -> None:
    source = SourceReport("portfolio", 90, tried=NOW - 22, succeeded=NOW - 22)
    assert "22s ago<small>every 1m 30s</small>" in page(report(sources=(source,)))


def test_what_is_in_trouble_comes_first() -> None:
    failing = (SourceReport("portfolio", 60, tried=NOW, succeeded=NOW, error="timeout: slow"),)
    html = page(
        report(project_id=1),
        report(project_id=2, state="Stopped", positions=0),
        report(project_id=3, state="Stopped"),
        report(project_id=4, state="RuntimeError", positions=0),
        report(project_id=5, positions_until=1.0).at(1.0),
        report(project_id=6, sources=failing),
        report(project_id=7, state="Initializing"),
    )
    links = [link for link in Read(html).links if "projects" in link]
    assert links == [f"/projects/{number}" for number in (3, 4, 5, 6, 1, 2, 7)]


@pytest.mark.parametrize(
    ("state", "positions", "bad"),
    [
        ("Stopped", 5, True),
        ("Liquidated", 1, True),
        ("Stopped", 0, False),
        ("Stopped", None, False),
        ("RuntimeError", 0, True),
        ("Initializing", 5, False),
        ("Running", 5, False),
    ],
)
def test_positions_that_nothing_manages_are_as_red_as_a_failure(
    state: str, positions: int | None, bad: bool
) -> None:
    html = page(report(state=state, positions=positions))
    assert (f'<span class="state bad">{state}</span>' in html) == bad


def test_a_deployments_own_error() -> None:
    crashed = report(state="RuntimeError", error="KeyError: <'SPY'>\n  in main.py\n" + "x " * 400)
    html = page(crashed)
    assert "deployment: KeyError: &lt;&#x27;SPY&#x27;&gt; in main.py x x" in html
    assert "x …</td>" in html
    assert len(Read(html).text) < 1000
    text = project_page(crashed, "", now=NOW)
    assert "\n\nError of the deployment:\n  KeyError: <'SPY'>\n    in main.py\n  x x" in text
    assert text.count("x ") == 400
    # It runs again: what was wrong with it before is over.
    again = report(error="KeyError")
    assert "KeyError" not in page(again) + project_page(again, "", now=NOW)


TEXTS = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=//x>', "&"]
)


@settings(deadline=None)
@given(name=TEXTS, account=TEXTS, state=TEXTS, error=TEXTS)
def test_markup_in_names_and_errors_is_text(
    name: str, account: str, state: str, error: str
) -> None:
    source = SourceReport("portfolio", 60, tried=NOW, error=error)
    hostile = report(name=name, account=account, state=state, sources=(source,), error=error)
    read = Read(page(hostile, account=AccountReport(account, state, error)))
    failing = (SourceReport("portfolio", 60, tried=NOW, error="x"),)
    plain = Read(
        page(
            report(sources=failing, state="Stopped", error="x"),
            account=AccountReport("main", "accepted", "x"),
        )
    )
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
    unknown = report(name="", state=NAME_PENDING, positions=None, sources=())
    text = project_page(unknown, "", now=NOW)
    assert text.startswith("Project 23456789, name not known yet, account ")
    assert "portfolio not read yet" in text
    assert text.endswith("Samples published now:\nnone\n")


def test_a_clock_that_was_set_back_makes_no_negative_age() -> None:
    source = SourceReport("portfolio", 60, tried=NOW + 99, succeeded=NOW + 99)
    assert "last tried 0s ago" in project_page(report(sources=(source,)), "", now=NOW)


def test_of_many_sources_the_most_urgent_have_a_column_and_all_of_them_their_errors() -> None:
    names = ("portfolio", "status", "statistics", "orders", "trades")
    sources = tuple(
        SourceReport(name, 60, tried=NOW - 5, succeeded=NOW - 5, error=f"no {name}"[: index * 99])
        for index, name in enumerate(names)
    )
    shown = page(report(sources=sources))
    assert [name for name in names if f">{name} read</th>" in shown] == list(names[:3])
    assert [name for name in names if f"{name}: no {name}" in shown] == list(names[1:])
    explained = project_page(report(sources=sources), "", now=NOW)
    assert all(f"\n  {name} " in explained for name in names)
