"""The pages for people: a landing page with the projects, and one project explained as text."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.store import ProjectReport, SourceReport

_STYLE = """
:root { color-scheme: light dark; --muted: #667; --line: #8883; --bad: #b3400c; --good: #1261a6; }
@media (prefers-color-scheme: dark) { :root { --muted: #99a; --bad: #f5a171; --good: #7ab8ee; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2.5rem auto; max-width: 75rem }
h1 { font-size: 1.4rem; margin: 0 } h1 small { color: var(--muted); font-weight: normal }
nav { margin: .6rem 0 1.6rem } nav a { margin-right: 1.2rem }
table { border-collapse: collapse; width: 100% }
th { color: var(--muted); font-weight: 500; text-align: left }
th, td { border-bottom: 1px solid var(--line); padding: .45rem .8rem .45rem 0; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td small { color: var(--muted) } .bad { color: var(--bad) } .good { color: var(--good) }
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
<p>Prometheus metrics of live algorithms: holdings, market value, unrealized profit and cash.</p>
<nav><a href="{telemetry_path}">Metrics</a> <a href="/config">Configuration</a>
<a href="/-/healthy">Health</a> <a href="/-/ready">Readiness</a></nav>
{projects}
</body>
</html>
"""

_TABLE = """<table>
<thead><tr><th>Project</th><th>Account</th><th>Status</th><th class="n">Positions</th>
<th>Last good read</th><th>Last error</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>"""


def landing_page(
    reports: Iterable[ProjectReport], *, version: str, telemetry_path: str, now: float
) -> str:
    """The page at ``/``: links, and every project with its state, age and last error."""
    rows = "\n".join(_row(report, now) for report in reports)
    return _PAGE.format(
        style=_STYLE,
        version=escape(version),
        telemetry_path=escape(telemetry_path),
        projects=_TABLE.format(rows=rows) if rows else "<p>No project is known yet.</p>",
    )


def _row(report: ProjectReport, now: float) -> str:
    ages = "<br>".join(
        f"{escape(source.source)} <small>{escape(_age(source.succeeded, now))}</small>"
        for source in report.sources
    )
    errors = "<br>".join(
        f'<span class="bad">{escape(source.source)}: {escape(source.error)}</span>'
        for source in report.sources
        if source.error
    )
    state = escape(report.state)
    if report.state == "Running":
        state = f'<span class="good">{state}</span>'
    positions = "" if report.positions is None else str(report.positions)
    return (
        f'<tr><td><a href="/projects/{report.project_id}">'
        f"{escape(report.name) or report.project_id}</a> <small>{report.project_id}</small></td>"
        f"<td>{escape(report.account)}</td><td>{state}</td>"
        f'<td class="n">{positions}</td><td>{ages}</td><td>{errors}</td></tr>'
    )


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
