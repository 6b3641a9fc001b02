"""``quantconnect-exporter backfill``: the past of each project as OpenMetrics.

The poller reads each project once, so that the past has exactly the labels of the running
exporter's series. Then the charts are read, one call after the other, within the same budget.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from exporter import __version__
from exporter.backfill.asking import Asking
from exporter.backfill.openmetrics import Labeled
from exporter.backfill.past import day, read
from exporter.cli import version
from exporter.cli.configuration import complain, load
from exporter.cli.destination import Folder, Printed
from exporter.clock import Clock
from exporter.config import ConfigError
from exporter.config.values import FIRST_MOMENT
from exporter.log import Log
from exporter.poller import Limits, Poller
from exporter.quantconnect.client import QuantConnect
from exporter.quantconnect.errors import ApiError, Reason
from exporter.store import Store
from exporter.telemetry import Telemetry
from exporter.web.standing import NEVER_DEPLOYED

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Mapping, Sequence

    from exporter.cli.destination import Destination
    from exporter.config import Account, Config, ProjectSettings
    from exporter.store import AccountReport, ProjectReport

log = Log(__name__)

_GLANCE: Final = 0.05

THERE: Final = "The project's file exists already; remove it to read the project's past again"
WRITTEN: Final = "Wrote the past of a project"
FAILED: Final = "Cannot write the past of a project"
NO_TARGET: Final = (
    "Prometheus adds job and instance to scraped series: give both with --target-label, or the"
    " past will be separate series"
)


def backfill(
    options: argparse.Namespace,
    *,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
    random: Random | None = None,
) -> int:
    """Write the past of the projects. Return 0 if all was written, else 1 with reasons on
    stderr."""
    clock = clock or Clock()
    if options.output is None and sys.stdout is None:
        log.error("Standard output is closed, so nothing is read")
        return 1
    # A duration may reach back beyond QuantConnect's first day.
    start = max(int(FIRST_MOMENT), options.since.at(clock.now()))
    end = options.until.at(clock.now())
    if start >= end:
        log.error("The past ends before it begins; set --since and --until")
        return 1
    config = load(options)
    if config is None:
        return 1
    target = dict(options.target_label)
    if not {"job", "instance"} <= target.keys():
        log.warning(NO_TARGET)
    folder = options.output
    pasts = Printed(target) if folder is None else Folder(Path(folder), target)
    run = _Run(pasts, options.projects, start, end, clock, sleep, random or Random(), _Progress())
    try:
        run.all(config)
        pasts.end()
    except ConfigError as error:
        complain(error, options)
        return 1
    except OSError as error:
        if folder is None:
            raise
        log.error("Cannot write to the folder", output=folder, error=error.strerror)
        return 1
    finally:
        run.progress.clear()
    return 1 if run.has_failed else 0


@dataclass
class _Run:
    """One run of the command, for ``chosen`` projects or, with None, for all that are read."""

    pasts: Destination
    chosen: Collection[int] | None
    start: int
    end: int
    clock: Clock
    sleep: Callable[[float], None]
    random: Random
    progress: _Progress
    has_failed: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)
    """The last failure of each account's own calls, unless a later call succeeded."""

    def all(self, config: Config) -> None:
        """Read the projects of all accounts. Raises ConfigError and OSError."""
        config, are_there = self._without_what_is_there(config)
        accounts, reports = self._settled(config) if config.accounts else ([], [])
        reports = [
            each
            for each in reports
            if self._is_chosen(each.project_id) and each.project_id not in are_there
        ]
        self.errors = {each.name: each.error for each in accounts}
        for account in config.accounts:
            error = self.errors[account.name]
            if error and account.discover is not None:
                self._fail("Cannot find all projects of an account", error, account=account.name)
        unknown = set(self.chosen or ()) - are_there - {each.project_id for each in reports}
        for project_id in sorted(unknown):
            said = "it is neither configured nor discovered"
            self._fail(FAILED, said, project_id=project_id)
        if not (reports or are_there or self.has_failed):
            log.error("No project was read; quantconnect-exporter doctor says why")
            self.has_failed = True
        self.progress.projects = len(reports)
        for account in config.accounts:
            self._account(
                account, config, [each for each in reports if each.account == account.name]
            )

    def _is_chosen(self, project_id: int) -> bool:
        return self.chosen is None or project_id in self.chosen

    def _without_what_is_there(self, config: Config) -> tuple[Config, set[int]]:
        """Return the configuration of the projects to read, and the projects whose files exist.

        Discovery stays on if it may find a project to read.
        """
        listed = {project.id for account in config.accounts for project in account.projects}
        are_there = {each for each in (self.chosen or listed) if self.pasts.has(each)}
        for project_id in sorted(are_there):
            log.info(THERE, project_id=project_id)
        is_wanted = self.chosen is None or not set(self.chosen) <= listed | are_there
        accounts = [
            replace(
                account,
                projects=tuple(
                    project
                    for project in account.projects
                    if self._is_chosen(project.id) and project.id not in are_there
                ),
                discover=account.discover if is_wanted else None,
            )
            for account in config.accounts
        ]
        left = tuple(each for each in accounts if each.projects or each.discover)
        # Switch off the sources that have neither names nor currencies, to save calls.
        config = replace(
            config,
            accounts=left,
            orders_interval=0.0,
            trades_interval=0.0,
            nodes_interval=0.0,
            account_interval=0.0,
            benchmark_interval=0.0,
            logs_interval=0.0,
        )
        return config, are_there

    def _settled(self, config: Config) -> tuple[Sequence[AccountReport], Sequence[ProjectReport]]:
        """Read everything once with the poller."""
        store = Store(self.clock)
        poller = Poller(
            config,
            store=store,
            telemetry=Telemetry(version=__version__, revision=version.revision()),
            user_agent=version.USER_AGENT,
            limits=Limits(name_tries=1),
        )
        poller.start()
        try:
            while not poller.complete():
                time.sleep(_GLANCE)
            return poller.accounts(), store.reports()
        finally:
            poller.stop()

    def _account(self, account: Account, config: Config, reports: Sequence[ProjectReport]) -> None:
        client = QuantConnect(
            user_id=account.user_id,
            token=account.token.read().reveal(),
            base_url=account.base_url,
            timeout=config.request_timeout,
            connections=1,
            user_agent=version.USER_AGENT,
            observer=self.progress,
            now=self.clock.now,
        )
        asking = Asking(
            client,
            calls_per_second=account.requests_per_minute / 60,
            clock=self.clock,
            sleep=self.sleep,
            random=self.random,
        )
        rejection = ""
        try:
            for report in reports:
                self.progress.begin()
                if self.pasts.has(report.project_id):
                    log.info(THERE, project_id=report.project_id)
                    continue
                settings = account.settings_for(report.project_id)
                doubt = rejection or _doubt(report, settings, self.errors[account.name])
                try:
                    if not doubt:
                        self._project(report, asking, settings)
                except ApiError as error:
                    doubt = f"{error.reason.value}: {error.message}"
                    if error.reason is Reason.AUTH:
                        rejection = "skipped, since QuantConnect rejected the previous call"
                if doubt:
                    self._fail(FAILED, doubt, project_id=report.project_id, project=report.name)
        finally:
            client.close()

    def _project(self, report: ProjectReport, asking: Asking, settings: ProjectSettings) -> None:
        past = read(
            report.project_id,
            asking,
            start=self.start,
            end=self.end,
            is_currency_configured=settings.account_currency is not None,
        )
        labels = {
            "account": report.account,
            "project_id": str(report.project_id),
            "project": report.name,
            "account_currency": report.account_currency or "",
        }
        self.pasts.put(report.project_id, Labeled(past, labels))
        self.progress.clear()
        log.info(
            WRITTEN,
            project_id=report.project_id,
            project=report.name,
            begins=day(past.equity[0].time),
            equity=len(past.equity),
            benchmark=len(past.benchmark),
        )

    def _fail(self, message: str, error: str, **fields: object) -> None:
        self.has_failed = True
        self.progress.clear()
        log.error(message, **fields, error=error)


def _doubt(report: ProjectReport, settings: ProjectSettings, account_error: str) -> str:
    """Return why a project's labels are unknown; empty if they are known."""
    errors = {source.source: source.error for source in report.sources}
    if report.naming is not None and report.naming.error and settings.name is None:
        return f"its name is unknown: {report.naming.error}"
    if report.state == NEVER_DEPLOYED:
        return "it was never deployed live"
    if report.account_currency is None or not report.name:
        said = errors.get("portfolio") or account_error or "live/portfolio/read does not name it"
        return f"its name or its account currency is unknown: {said}"
    if not report.account_currency:
        return "its account currency is ambiguous; set account_currency"
    return ""


class _Progress:
    """A progress line on a terminal; the client reports each call."""

    def __init__(self) -> None:
        self.projects = 0
        self._project = 0
        self._calls = 0

    def begin(self) -> None:
        """Show that the next project begins."""
        self._project += 1

    def call(self, endpoint: str) -> None:  # noqa: ARG002 - the client's observer
        """Count a call."""
        self._calls += 1
        self._show(f"\rproject {self._project} of {self.projects}, {self._calls} calls …")

    def answered(self, endpoint: str, seconds: float) -> None:
        """Note nothing."""

    def skew(self, seconds: float) -> None:
        """Note nothing."""

    def clear(self) -> None:
        """Erase the line."""
        self._show("\r\x1b[K")

    def _show(self, text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(text)
            sys.stderr.flush()
