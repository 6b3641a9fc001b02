"""``quantconnect-exporter doctor``: try every call once with the poller, and give advice.

The poller itself makes the calls. So a call that works here works in the exporter too, and
lockouts, the budget and discovery are handled in one place.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter import __version__
from exporter.cli import version
from exporter.cli.configuration import load
from exporter.cli.findings import (
    Report,
    about_call,
    about_credentials,
    degrade,
    on_one_line,
    plural,
)
from exporter.clock import Clock
from exporter.config import ConfigError, doubts
from exporter.config.duration import format_duration
from exporter.poller import Limits, Poller
from exporter.quantconnect.errors import Reason
from exporter.sources import ACCOUNT_SOURCES
from exporter.store import Store
from exporter.telemetry import Telemetry
from exporter.web.standing import FAILED, NEVER_DEPLOYED, REJECTED, RUNNING, WAITING, does_not_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.config import Account, Config
    from exporter.store import AccountReport, ProjectReport, SourceReport

# QuantConnect accepts a signature for two hours; well before that the clock should be set.
_SKEW: Final = 60.0
# The number of rejections before a lockout is not documented; leave some for the exporter itself.
_MOST_REJECTIONS: Final = 2
_LONGEST_NAME: Final = 100
_MOST_NAMED: Final = 10
_ORGANIZATION: Final = tuple(source.name for source in ACCOUNT_SOURCES)
_GLANCE: Final = 0.05

FIX_FILE: Final = "fix the file or its permissions"
STOPPED_HERE: Final = "stopped here so that QuantConnect does not lock the account out"
RUN_AGAIN: Final = "run the doctor again when that is fixed"


def doctor(options: argparse.Namespace) -> int:
    """Print a table of findings. Return 0 only if every read works and there is at least one."""
    degrade()
    config = load(options)
    if config is None:
        return 1
    report = Report()
    report.ok("configuration", config.source)
    if config.ignored:
        report.note("configuration", f"without {', '.join(config.ignored)} of the environment")
    for doubt in doubts(config):
        report.note(f"account {doubt.account}", str(doubt), doubt.advice)
    config = replace(config, accounts=tuple(_with_token(config, report)))
    with _quiet(options):
        accounts, projects = _read(config)
    for account, standing in zip(config.accounts, accounts, strict=True):
        own = [project for project in projects if project.account == account.name]
        _Examination(account, config, standing, own, report).print()
    report.end()
    return 0 if report.projects and not report.failures else 1


def _with_token(config: Config, report: Report) -> Iterator[Account]:
    """Yield the accounts whose token can be read."""
    for account in config.accounts:
        try:
            account.token.read()
        except ConfigError as unreadable:
            report.fail(f"account {account.name}: token", str(unreadable), FIX_FILE)
        else:
            yield account


@contextmanager
def _quiet(options: argparse.Namespace) -> Iterator[None]:
    """Keep the poller's log out of the table, unless a flag enables it."""
    if options.log_level != "debug":
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _read(config: Config) -> tuple[Sequence[AccountReport], Sequence[ProjectReport]]:
    """Read every source once; stop early if QuantConnect rejects calls or asks for a pause."""
    store = Store(Clock())
    poller = Poller(
        config,
        store=store,
        telemetry=Telemetry(version=__version__, revision=version.revision()),
        user_agent=version.USER_AGENT,
        limits=Limits(name_tries=1),
    )
    poller.start()
    try:
        while True:
            accounts, projects = poller.accounts(), store.reports()
            rejections = sum(_is_rejected(each) for project in projects for each in _reads(project))
            if rejections >= _MOST_REJECTIONS or all(map(_is_over, accounts)):
                return accounts, projects
            _show_progress(projects)
            time.sleep(_GLANCE)
    finally:
        _show_progress(())
        poller.stop()


def _is_over(account: AccountReport) -> bool:
    return account.is_complete or account.state in (REJECTED, WAITING)


def _reads(project: ProjectReport) -> tuple[SourceReport, ...]:
    return project.sources if project.naming is None else (project.naming, *project.sources)


def _is_rejected(source: SourceReport) -> bool:
    return source.reason == "auth"


def _show_progress(projects: Sequence[ProjectReport]) -> None:
    """Show the progress on a terminal; erase it if there are no projects."""
    if not sys.stderr.isatty():
        return
    reads = [source for project in projects for source in project.sources]
    done = sum(source.tried is not None for source in reads)
    sys.stderr.write(f"\rread {done} of {len(reads)} …" if reads else "\r\x1b[K")
    sys.stderr.flush()


class _Examination:
    """The rows about one account and its projects."""

    def __init__(
        self,
        account: Account,
        config: Config,
        standing: AccountReport,
        projects: Sequence[ProjectReport],
        report: Report,
    ) -> None:
        self._account = account
        self._config = config
        self._standing = standing
        self._projects = projects
        self._report = report
        self._name = f"account {account.name}"

    def print(self) -> None:
        """Print a row for each possible problem."""
        is_accepted = self._credentials()
        self._clock()
        if not is_accepted:
            return
        self._listings()
        self._organization()
        for project in self._projects:
            self._project(project)
        for project_id, name in self._standing.left_out.items():
            shown = f'"{on_one_line(name, _LONGEST_NAME)}"'
            said = f"{shown} is live, but include and exclude leave it out"
            self._report.note(f"project {project_id}", said)
        self._not_looked_at()
        self._nothing_read()
        self._budget()

    # --- The account ------------------------------------------------------------------------------

    def _credentials(self) -> bool:
        what, call = f"{self._name}: credentials", self._standing.calls["authenticate"]
        if call.succeeded is not None:
            self._report.ok(what, f"user {self._account.user_id} is accepted")
            if call.error:
                said = f"authenticate, accepted before, now fails with {call.error}"
                self._report.fail(what, said, self._about_credentials(call))
            return True
        self._report.fail(what, call.error, self._about_credentials(call))
        return False

    def _about_credentials(self, call: SourceReport) -> str:
        skew = self._standing.clock_skew
        is_clock_right = skew is not None and abs(skew) <= _SKEW
        return about_credentials(call, user_id=self._account.user_id, is_clock_right=is_clock_right)

    def _clock(self) -> None:
        what, skew = f"{self._name}: clock", self._standing.clock_skew
        if skew is None:
            return
        if abs(skew) > _SKEW:
            self._report.fail(
                what,
                f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} QuantConnect's",
                "set this machine's clock (NTP); signatures carry the time",
            )
        else:
            self._report.ok(what, f"within {abs(skew):.0f} s of QuantConnect's")

    def _listings(self) -> None:
        """Print the results of the calls for the whole account, and the number of live projects."""
        what = f"{self._name}: discovery"
        others = {"authenticate", *_ORGANIZATION}
        calls = [call for name, call in self._standing.calls.items() if name not in others]
        failed = {call.error: call for call in calls if call.error}
        for call in failed.values():
            refused = (
                f"user {self._account.user_id} may not list live deployments: is that user a"
                " member of the right organization?"
            )
            self._report.fail(f"{self._name}: listing", call.error, about_call(call, refused))
        discover = self._account.discover
        if discover is not None and not failed:
            self._report.ok(
                what,
                f"{plural(self._standing.running, 'project')} running, {self._standing.stopped}"
                f" stopped within {format_duration(discover.forget_after)}",
            )
        unread = self._standing.unread
        if unread:
            self._report.note(
                what,
                f"{plural(len(unread), 'live project')} not read: {_named(unread)}",
                "list them under projects, or set discover: {enabled: true}",
            )

    def _organization(self) -> None:
        """Print the failed reads of the account's organization."""
        for name in _ORGANIZATION:
            call, what = self._standing.calls.get(name), f"{self._name}: {name}"
            if call is None:
                continue
            if call.error:
                refused = (
                    f"user {self._account.user_id} may not see it; {name}_interval: 0s in the"
                    " configuration switches it off"
                )
                is_refused = call.reason == Reason.API_ERROR
                self._failed(what, call, refused if is_refused else about_call(call, refused))
            for problem in call.problems:
                self._report.note(what, f"left out {problem}")

    def _not_looked_at(self) -> None:
        """Print the projects that were not tried because QuantConnect rejected calls."""
        if self._standing.is_complete:
            return
        said = STOPPED_HERE
        left = {
            project.project_id: project.name
            for project in self._projects
            if all(read.tried is None for read in _reads(project))
        }
        if left:
            said += f"; not looked at: {_named(left)}"
        self._report.note(self._name, said, RUN_AGAIN)

    def _nothing_read(self) -> None:
        """Print that no project is read, with the likely reasons."""
        self._report.projects += len(self._projects)
        if self._projects or not self._standing.is_complete:
            return
        if self._standing.left_out:
            said = "nothing is read: include and exclude leave out every live project"
            advice = "they must match a project's whole name, with its folders; or list it by id"
        else:
            said = "nothing is read: no project is live that is not listed elsewhere"
            advice = (
                "deploy something, or list projects by id; if something is live, is user"
                f" {self._account.user_id} a member of the right organization?"
            )
        self._report.note(f"{self._name}: discovery", said, advice)

    def _budget(self) -> None:
        what, standing = f"{self._name}: budget", self._standing
        of = f"{self._account.requests_per_minute:g} calls a minute"
        needed = f"needs {standing.needed_per_minute:.1f} of {of}"
        if standing.stretch > 1:
            self._report.note(
                what,
                f"{needed}: intervals are stretched {standing.stretch:.1f} times",
                "raise requests_per_minute or the intervals",
            )
        else:
            self._report.ok(what, needed)

    # --- Projects ---------------------------------------------------------------------------------

    def _project(self, project: ProjectReport) -> None:
        what = f"project {project.project_id}"
        if project.naming is not None and project.naming.error:
            self._failed(what, project.naming, about_call(project.naming, self._refused))
        elif project.name:
            self._report.ok(what, f'"{on_one_line(project.name, _LONGEST_NAME)}"')
        if project.state == NEVER_DEPLOYED:
            self._report.note(
                f"{what}: status",
                "never deployed live; only its name is published",
                "deploy it, or take it out of projects",
            )
            return
        for source in project.sources:
            row = f"{what}: {source.source}"
            if source.error:
                self._failed(row, source, about_call(source, self._refused))
            elif source.tried is not None:
                self._read(row, source, project)

    @property
    def _refused(self) -> str:
        """The advice if QuantConnect refuses a call for a project."""
        return (
            f"user {self._account.user_id} may not see this project, or it is gone: is it shared"
            " with that user, is it one of the right organization?"
        )

    def _failed(self, what: str, source: SourceReport, advice: str) -> None:
        if source.reason == "not_ready":
            self._report.note(what, source.error, advice)
        else:
            self._report.fail(what, source.error, advice)

    def _read(self, what: str, source: SourceReport, project: ProjectReport) -> None:
        """Print a row about a source that was read."""
        if source.source == "status":
            self._status(what, project)
        elif source.source == "portfolio":
            self._portfolio(what, project)
        for problem in source.problems:
            self._report.note(what, f"left out {problem}")

    def _status(self, what: str, project: ProjectReport) -> None:
        if project.state == RUNNING:
            self._report.ok(what, RUNNING)
            return
        advice = "read the error, here or in its log; redeploy it at QuantConnect"
        self._report.note(
            what,
            f"{project.state} {project.error}",
            advice if project.state in FAILED else "",
        )

    def _portfolio(self, what: str, project: ProjectReport) -> None:
        positions = plural(project.positions or 0, "open position")
        said = f"{positions}, {plural(project.currencies, 'currency', 'currencies')}"
        if project.positions and does_not_run(project.state):
            self._report.unmanaged += 1
            self._report.note(what, f"{said}; it does not run")
        else:
            self._report.ok(what, said)
        for first, now in project.renamed.items():
            self._report.note(
                what,
                f"{first} is {now} today",
                f"add to tickers in the configuration: {first}: {now}",
            )


def _named(projects: Mapping[int, str]) -> str:
    named = [f"{id_} ({name})" if name else str(id_) for id_, name in sorted(projects.items())]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more
