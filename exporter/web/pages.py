"""The pages for people: a landing page with the projects, and one project explained as text."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.store import ProjectReport, SourceReport

_RUNNING = "Running"
_ALARMING = ("RuntimeError", "DeployError", "Invalid")

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2230; --muted: #667085; --line: #8884;
  --row: #8881; --link: #1261a6; --good: #1261a6; --bad: #b3400c; --off: #8a93a5 }
@media (prefers-color-scheme: dark) { :root { --page: #12161f; --ink: #e4e8f0; --muted: #98a2b8;
  --link: #7ab8ee; --good: #7ab8ee; --bad: #f5a171; --off: #6b7690 } }
body { background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, sans-serif;
  margin: 2.2rem auto; max-width: 72rem; padding: 0 1.2rem }
a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
h1 { font-size: 1.35rem; margin: 0 } h1 small { color: var(--muted); font-weight: normal }
p { margin: .2rem 0 } footer, .muted { color: var(--muted) } .bad { color: var(--bad) }
nav { border-bottom: 1px solid var(--line); margin: .9rem 0 1.1rem; padding-bottom: .8rem }
nav a { margin-right: 1.4rem }
table { border-collapse: collapse; margin: 1rem 0; width: 100% }
th { color: var(--muted); font-size: .85rem; font-weight: 500; text-align: left }
th, td { padding: .42rem 1rem .42rem 0; vertical-align: baseline; white-space: nowrap }
tbody tr { border-top: 1px solid var(--line) } tbody tr.why { border-top: 0 }
tbody tr:hover { background: var(--row) } tr.why td { padding-top: 0; white-space: normal }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td small { color: var(--muted); margin-left: .4rem }
.state::before { border-radius: 50%; content: ""; display: inline-block; height: .55rem;
  margin-right: .5rem; width: .55rem; background: var(--off) }
.state.good::before { background: var(--good) } .state.bad::before { background: var(--bad) }
footer { font-size: .85rem }
"""
STYLE_HASH = "sha256-" + b64encode(sha256(_STYLE.encode()).digest()).decode()

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="30">
<title>QuantConnect exporter</title>
<style>{style}</style>
</head>
<body>
<h1>QuantConnect exporter <small>{version}</small></h1>
<p class="muted">Prometheus metrics of live algorithms: holdings, market value, unrealized profit
and cash.</p>
<nav><a href="{telemetry_path}">Metrics</a> <a href="/config">Configuration</a>
<a href="/-/healthy">Health</a> <a href="/-/ready">Readiness</a></nav>
{projects}
<footer>As of {now} UTC; loads itself anew every 30 seconds.</footer>
</body>
</html>
"""

_TABLE = """<p>{summary}</p>
<table>
<thead><tr><th>Project</th><th>Account</th><th>Status</th><th class="n">Positions</th>
{sources}</tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def landing_page(
    reports: Sequence[ProjectReport], *, version: str, telemetry_path: str, now: float
) -> str:
    """The page at ``/``: links, and every project with its state, age and last error."""
    sources = list(dict.fromkeys(each.source for report in reports for each in report.sources))
    table = _TABLE.format(
        summary=_summary(reports),
        sources="".join(f'<th class="n">{escape(source)} read</th>' for source in sources),
        rows="\n".join(_row(report, sources, now) for report in reports),
    )
    return _PAGE.format(
        style=_STYLE,
        version=escape(version),
        telemetry_path=escape(telemetry_path),
        projects=table if reports else "<p>No project is known yet.</p>",
        now=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    )


def _summary(reports: Sequence[ProjectReport]) -> str:
    running = sum(report.state == _RUNNING for report in reports)
    positions = sum(report.positions or 0 for report in reports)
    failing = sum(bool(source.error) for report in reports for source in report.sources)
    counts = f"{_plural(len(reports), 'project')}, {running} running, "
    counts += _plural(positions, "open position")
    if not failing:
        return f"{counts}."
    return f'{counts}; <span class="bad">{_plural(failing, "last read")} failed</span>.'


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _row(report: ProjectReport, sources: Sequence[str], now: float) -> str:
    """A row of the table, and a second one where there is something to explain."""
    found = {source.source: source for source in report.sources}
    ages = "".join(f'<td class="n">{_read(found.get(source), now)}</td>' for source in sources)
    mood = {_RUNNING: " good", **dict.fromkeys(_ALARMING, " bad")}.get(report.state, "")
    positions = "" if report.positions is None else str(report.positions)
    row = (
        f'<tr><td><a href="/projects/{report.project_id}">'
        f"{escape(report.name) or report.project_id}</a><small>{report.project_id}</small></td>"
        f"<td>{escape(report.account)}</td>"
        f'<td><span class="state{mood}">{escape(report.state)}</span></td>'
        f'<td class="n">{positions}</td>{ages}</tr>'
    )
    why = "<br>".join(
        f"{escape(source.source)}: {escape(source.error)}"
        for source in report.sources
        if source.error
    )
    return (
        f'{row}\n<tr class="why"><td class="bad" colspan="{4 + len(sources)}">{why}</td></tr>'
        if why
        else row
    )


def _read(source: SourceReport | None, now: float) -> str:
    if source is None:
        return ""
    age = _age(source.succeeded, now)
    return f'<span class="bad">{age}</span>' if source.error else age


def project_page(report: ProjectReport, samples: str, *, now: float) -> str:
    """What is known of one project, and from which reads, as plain text."""
    positions = {None: "portfolio not read yet", 1: "1 open position"}.get(
        report.positions, f"{report.positions} open positions"
    )
    lines = [
        f"Project {report.project_id}, {_quoted(report.name)}, account {_quoted(report.account)}",
        f"Status: {report.state}; {positions}",
        "",
        "Reads:",
        *(f"  {_source(source, now)}" for source in report.sources),
    ]
    problems = [problem for source in report.sources for problem in source.problems]
    if problems:
        lines += ["", "Left out of the last answers:", *(f"  {problem}" for problem in problems)]
    lines += ["", "Samples published now:", samples or "none"]
    return "\n".join(lines) + "\n"


def _source(source: SourceReport, now: float) -> str:
    text = f"{source.source:<10} every {_seconds(source.interval)}, "
    if source.tried is None:
        return text + "not tried yet"
    tried = datetime.fromtimestamp(source.tried, UTC).isoformat(timespec="seconds")
    text += f"last tried {_age(source.tried, now)} ({tried})"
    if not source.error:
        return text + ": ok"
    return f"{text}: {source.error}; last good read {_age(source.succeeded, now)}"


def _quoted(text: str) -> str:
    return f'"{text}"' if text else "name not known yet"


def _age(then: float | None, now: float) -> str:
    return "never" if then is None else f"{_seconds(max(0.0, now - then))} ago"


def _seconds(seconds: float) -> str:
    """A span for people: the two largest units that say something."""
    whole = round(seconds)
    parts = [
        f"{amount}{unit}"
        for amount, unit in (
            (whole // 86400, "d"),
            (whole // 3600 % 24, "h"),
            (whole // 60 % 60, "m"),
            (whole % 60, "s"),
        )
        if amount
    ]
    return " ".join(parts[:2]) or "0s"
