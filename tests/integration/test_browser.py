"""The landing page in a real browser: on a telephone and on a desk, by day and by night."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from exporter.store import AccountReport, ProjectReport, SourceReport
from exporter.web.pages import landing_page

if TYPE_CHECKING:
    from pathlib import Path

BROWSERS = ("chromium", "google-chrome", "chromium-browser")
WIDTHS = (400, 1400)
READABLE = 4.5
"""The least contrast of text with its background, by the Web Content Accessibility Guidelines."""
NOW = 1_795_271_400.0
READ = SourceReport("portfolio", 600, tried=NOW - 5, succeeded=NOW - 5)
STATUS = SourceReport("status", 60, tried=NOW - 9, succeeded=NOW - 90_061)
FAILED = SourceReport(
    "portfolio",
    600,
    tried=NOW - 5,
    succeeded=NOW - 4000,
    error="malformed: expected a JSON object, got invalid JSON " + "/a/very/long/path" * 12,
)


def project(project_id: int, **more: Any) -> ProjectReport:
    given: dict[str, Any] = {"name": "US momentum", "account": "main", "state": "Running"}
    given |= {"positions": 3, "sources": (READ, STATUS)}
    return ProjectReport(project_id, **given | more)


PROJECTS = (
    project(23456789),
    project(23456790, name="Research/" + "UnbrokenName" * 12, positions=123_456),
    project(5, name="", state="RuntimeError", error="Division by zero at line 12"),
    project(6, name="Fails", account="second", sources=(FAILED, STATUS)),
)
ACCOUNTS = (
    AccountReport("main", "accepted"),
    AccountReport("second", "rejected", "auth: UserID not valid", next_try=NOW + 890),
)
PAGE = landing_page(
    PROJECTS, version="1.2.3", telemetry_path="/metrics", now=NOW, accounts=ACCOUNTS
)
# In each frame: what is wider than it, and each text with its own and its background's color.
SCRIPT = """
const shown = element => element.getClientRects().length;
const behind = element => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (!color.endsWith(", 0)")) return color;
  }
  return "none";
};
const texts = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
  if (text && shown(element) && element.tagName != "SCRIPT")
    texts.push([text, getComputedStyle(element).color, behind(element)]);
}
for (const element of document.querySelectorAll("[data-label]")) {
  const before = getComputedStyle(element, "::before");
  if (shown(element) && before.content != "none")
    texts.push([element.dataset.label + ":", before.color, behind(element)]);
}
const read = {
  width: innerWidth, scrolled: document.documentElement.scrollWidth, texts: texts,
  dark: matchMedia("(prefers-color-scheme: dark)").matches,
  wide: [...document.body.querySelectorAll("*")].filter(
    each => shown(each) && each.getBoundingClientRect().right > innerWidth + 0.5
  ).map(each => each.outerHTML.slice(0, 200)),
};
parent.document.getElementById("read" + innerWidth).textContent = JSON.stringify(read);
"""


class Shown(NamedTuple):
    """What a browser shows of the page."""

    width: int
    scrolled: int
    dark: bool
    wide: list[str]
    texts: list[tuple[str, str, str]]
    """Each with its color and its background's."""


@pytest.fixture(scope="module", params=["light", "dark"])
def shown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Shown]:
    """The page by the width of the window, in one of the color schemes."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"not installed: {' or '.join(BROWSERS)}")
    directory = tmp_path_factory.mktemp("browser")
    dom = displayed(program, directory, is_dark=request.param == "dark")
    found: dict[int, Shown] = {}
    for width in WIDTHS:
        match = re.search(rf'<pre id="read{width}">(.+?)</pre>', dom, re.DOTALL)
        assert match, dom[-2000:]
        found[width] = Shown(**json.loads(unescape(match[1])))
    assert all(each.dark == (request.param == "dark") for each in found.values())
    return found


def displayed(program: str, directory: Path, *, is_dark: bool) -> str:
    """Return the document of a browser that has shown the page in a frame of each width."""
    framed = escape(PAGE.replace("</body>", f"<script>{SCRIPT}</script></body>"))
    frames = "".join(
        f'<pre id="read{width}"></pre>'
        f'<iframe width="{width}" height="900" style="border: 0" srcdoc="{framed}"></iframe>'
        for width in WIDTHS
    )
    file = directory / "frames.html"
    file.write_text(f"<!DOCTYPE html><meta charset=utf-8>{frames}", encoding="utf-8")
    done = subprocess.run(
        [
            *(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
            f"--user-data-dir={directory / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if is_dark else 1}",
            *("--dump-dom", file.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def luminance(color: str) -> float:
    """The relative luminance of a color such as rgb(18, 22, 31)."""
    match = re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", color)
    assert match, color
    parts = [int(each) / 255 for each in match.groups()]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_window(shown: dict[int, Shown], width: int) -> None:
    assert shown[width].width == width
    assert shown[width].wide == []
    assert shown[width].scrolled <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_can_be_read(shown: dict[int, Shown], width: int) -> None:
    pale = {
        f"{text[:60]} in {color} on {behind}": round(contrast(color, behind), 2)
        for text, color, behind in shown[width].texts
        if contrast(color, behind) < READABLE
    }
    assert pale == {}


@pytest.mark.parametrize("width", WIDTHS)
def test_status_positions_ages_and_errors_are_there(shown: dict[int, Shown], width: int) -> None:
    texts = [text for text, _, _ in shown[width].texts]
    said = " ".join(texts)
    for part in ("RuntimeError", "123456", "1d 1h", "Division by zero", "got invalid JSON"):
        assert part in said
    # Where the table is wide its head names the columns, else each value names itself.
    assert ("portfolio read" in texts) == (width == 1400)
    assert ("Positions:" in texts) == (width == 400)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(119, 119, 119)", "rgb(255, 255, 255)") == pytest.approx(4.48, abs=0.01)
