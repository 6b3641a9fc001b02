"""The pages for people: a landing page with the projects, and one project explained as text."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from textwrap import shorten
from typing import TYPE_CHECKING

from exporter.web.standing import (
    REJECTED,
    RUNNING,
    WAITING,
    in_trouble,
    is_alarming,
    positions_unknown,
    positions_withdrawn,
    state_of,
)
from exporter.web.template import PAGE, STYLE, TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.store import AccountReport, ProjectReport, SourceReport

# A deployment's error may be a whole stack trace; the project's own page has all of it.
_LONGEST_ERROR = 300
# The most urgent sources; the project's own page has the reads of all of them.
_SOURCE_COLUMNS = 3


def landing_page(
    reports: Sequence[ProjectReport],
    *,
    version: str,
    telemetry_path: str,
    now: float,
    accounts: Sequence[AccountReport] = (),
) -> str:
    """Return the page at ``/``: links, accounts, and each project's state, age and last error.

    Projects with a problem come first.
    """
    sources = list(dict.fromkeys(each.source for report in reports for each in report.sources))
    sources = sources[:_SOURCE_COLUMNS]
    named = {account.name: account for account in accounts}
    troubled = {
        report.project_id for report in reports if in_trouble(report, named.get(report.account))
    }
    ordered = sorted(
        reports, key=lambda report: (report.project_id not in troubled, report.project_id)
    )
    table = TABLE.format(
        summary=_summary(reports),
        sources="".join(f'<th class="n">{escape(source)} read</th>' for source in sources),
        rows="\n".join(_row(report, sources, named, now) for report in ordered),
    )
    return PAGE.format(
        style=STYLE,
        version=escape(version),
        telemetry_path=escape(telemetry_path),
        accounts="\n".join(f"<p>{_account(account, now)}</p>" for account in accounts),
        projects=table if reports else "<p>No project is known yet.</p>",
        now=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S"),
    )


def _account(account: AccountReport, now: float) -> str:
    mood = {"accepted": " good", REJECTED: " bad", WAITING: " bad"}.get(account.state, "")
    text = escape(_account_state(account, now))
    if account.error:
        text = f'<span class="bad">{text}</span>'
    return f'<span class="state{mood}">Account {escape(account.name)}</span>: {text}'


def _account_state(account: AccountReport, now: float) -> str:
    text = account.state
    if account.error:
        text += f"; last failure: {account.error}"
    if account.next_try is not None:
        text += f"; next try in {_seconds(max(0.0, account.next_try - now))}"
    return text


def _summary(reports: Sequence[ProjectReport]) -> str:
    running = sum(report.state == RUNNING for report in reports)
    positions = sum(report.positions or 0 for report in reports)
    unknown = sum(positions_unknown(report) for report in reports)
    failing = sum(bool(source.error) for report in reports for source in report.sources)
    counts = f"{_plural(len(reports), 'project')}, {running} running, "
    counts += _plural(positions, "open position")
    if unknown:
        counts += f" (those of {_plural(unknown, 'project')} are not known)"
    if failing:
        counts += f'; <span class="bad">{_plural(failing, "last read")} failed</span>'
    return f"{counts}."


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _row(
    report: ProjectReport,
    sources: Sequence[str],
    accounts: Mapping[str, AccountReport],
    now: float,
) -> str:
    """Return a row of the table, and a second one if there is an error to explain.

    ``data-label`` repeats the column's heading for narrow screens, which show rows as cards.
    """
    found = {source.source: source for source in report.sources}
    ages = "".join(
        f'<td class="n" data-label="{escape(source)} read">{_read(found.get(source), now)}</td>'
        for source in sources
    )
    account = accounts.get(report.account)
    mood = " good" if report.state == RUNNING else ""
    if is_alarming(report, account):
        mood = " bad"
    positions = "" if report.positions is None else str(report.positions)
    if positions_withdrawn(report):
        positions = "—"
    row = (
        f'<tr><td><a href="/projects/{report.project_id}">'
        f"{escape(report.name) or report.project_id}</a><small>{report.project_id}</small></td>"
        f'<td data-label="Account">{escape(report.account)}</td>'
        f'<td><span class="state{mood}">{escape(state_of(report, account))}</span></td>'
        f'<td class="n" data-label="Positions">{positions}</td>{ages}</tr>'
    )
    errors = [(source.source, source.error) for source in report.sources if source.error]
    if report.error and report.state != RUNNING:
        errors.insert(0, ("deployment", shorten(report.error, _LONGEST_ERROR, placeholder=" …")))
    why = "<br>".join(f"{escape(what)}: {escape(error)}" for what, error in errors)
    return (
        f'{row}\n<tr class="why"><td class="bad" colspan="{4 + len(sources)}">{why}</td></tr>'
        if why
        else row
    )


def _read(source: SourceReport | None, now: float) -> str:
    if source is None:
        return ""
    age = _age(source.succeeded, now)
    age = f'<span class="bad">{age}</span>' if source.error else age
    return f"{age}<small>every {_seconds(source.interval)}</small>"


def project_page(
    report: ProjectReport, samples: str, *, now: float, account: AccountReport | None = None
) -> str:
    """Return what is known of one project, and from which reads, as plain text."""
    lines = [
        f"Project {report.project_id}, {_quoted(report.name)}, account {_quoted(report.account)}",
        f"Status: {state_of(report, account)}; {_positions(report)}",
    ]
    if report.error and report.state != RUNNING:
        lines += ["", "Error of the deployment:"]
        lines += [f"  {line}" for line in report.error.splitlines()]
    if account is not None and account.error:
        lines += ["", f"Account {_quoted(account.name)}: {_account_state(account, now)}"]
    lines += ["", "Reads:", *(f"  {_source(source, now)}" for source in report.sources)]
    problems = [problem for source in report.sources for problem in source.problems]
    if problems:
        lines += ["", "Left out of the last answers:", *(f"  {problem}" for problem in problems)]
    lines += ["", "Samples published now:", samples or "none"]
    return "\n".join(lines) + "\n"


def _positions(report: ProjectReport) -> str:
    if report.positions is not None:
        return _plural(report.positions, "open position")
    if positions_withdrawn(report):
        return "positions unknown: the last good read is too old"
    return "portfolio not read yet"


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
    """Return a duration for people: its two largest units that are not 0."""
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
