"""``quantconnect-exporter doctor``: is everything as it should be, and what to do if not."""

from __future__ import annotations

import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, TypeVar

from exporter.cli.asking import Asking, RejectedError, Skew
from exporter.cli.configuration import load
from exporter.cli.findings import Report, degrade, on_one_line, plural
from exporter.cli.version import USER_AGENT
from exporter.config import ConfigError, doubts
from exporter.config.duration import format_duration
from exporter.poller.discovery import Discovery
from exporter.poller.pace import Pace
from exporter.poller.plan import Plan
from exporter.quantconnect.client import QuantConnect
from exporter.quantconnect.live import newest
from exporter.web.standing import FAILED, RUNNING, does_not_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from exporter.config import Account, Config, ProjectSettings
    from exporter.quantconnect.model import Deployment

T = TypeVar("T")

_LONGEST_NAME = 100
_MOST_NAMED = 10


class _Doctor:
    """Examines one account."""

    def __init__(
        self, account: Account, config: Config, report: Report, client: QuantConnect, clock: Skew
    ) -> None:
        self._account = account
        self._config = config
        self._report = report
        self._client = client
        self._clock = clock
        self._name = f"account {account.name}"
        self._asking = Asking(account, client, report, clock)
        self._left = [(project, False) for project in account.projects]
        self._read: list[ProjectSettings] = []
        self._searched = account.discover is None
        self._left_out = 0
        self._runs: dict[int, bool] = {}

    def examine(self) -> None:
        """One row for each thing that can be wrong."""
        accepted = self._asking.credentials(f"{self._name}: credentials")
        self._clock_row(self._name)
        if not accepted:
            return
        with suppress(RejectedError):
            self._left += [(project, True) for project in self._discovered()]
        while self._left and not self._asking.stopped:
            project, discovered = self._left.pop(0)
            with suppress(RejectedError):
                self._project(project, discovered=discovered)
        if self._asking.stopped:
            self._not_looked_at()
        else:  # last, as only now it is known what is read, and what of it runs
            if self._searched and not self._read:
                self._nothing()
            self._budget(self._name)
        self._report.projects += len(self._read)

    def _nothing(self) -> None:
        """It may be meant so for now; but a wrong organization or pattern looks the same."""
        if self._left_out:
            said = "nothing is read: include and exclude leave out all that is live"
            advice = "they must match a project's whole name, with its folders; or list it by id"
        else:
            said = "nothing is read: nothing is live that is not listed elsewhere"
            advice = (
                "deploy something, or list projects by id; if something is live, is user"
                f" {self._account.user_id} a member of the right organization?"
            )
        self._report.note(f"{self._name}: discovery", said, advice)

    def _not_looked_at(self) -> None:
        said = "no more was asked, lest QuantConnect locks the account out"
        if self._left:
            ids = [str(project.id) for project, _ in self._left]
            named, more = ", ".join(ids[:_MOST_NAMED]), len(ids) - _MOST_NAMED
            said += f"; not looked at: {'project' if len(ids) == 1 else 'projects'} {named}"
            said += f" and {more} more" if more > 0 else ""
        self._report.note(self._name, said, "run the doctor again when that is mended")

    def _clock_row(self, name: str) -> None:
        skew = self._clock.seconds
        if skew is None:
            return
        if not self._clock.is_right():
            self._report.fail(
                f"{name}: clock",
                f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} QuantConnect's",
                "set this machine's clock (NTP); signatures carry the time",
            )
        else:
            self._report.ok(f"{name}: clock", f"within {abs(skew):.0f} s of QuantConnect's")

    def _budget(self, name: str) -> None:
        """Whether what is read fits the account's budget, by the plan's own arithmetic."""
        pace = Pace(
            self._account.requests_per_minute / 60,
            self._config.status_interval,
            self._config.statistics_interval,
            discovers=self._account.discover is not None,
        )
        plan = Plan(pace, random=Random(), now=0)
        for project in self._read:
            plan.add(project.id, interval=project.scrape_interval, named=True, now=0)
        for project_id, runs in self._runs.items():
            plan.runs(project_id, running=runs, now=0)
        needed = f"{plan.needed * 60:.1f} of {self._account.requests_per_minute:g} calls a minute"
        if plan.stretch > 1:
            self._report.note(
                f"{name}: budget",
                f"needs {needed}: intervals are stretched {plan.stretch:.1f} times",
                "raise requests_per_minute or the intervals",
            )
        else:
            self._report.ok(f"{name}: budget", f"needs {needed}")

    def _project(self, project: ProjectSettings, *, discovered: bool) -> None:
        what = f"project {project.id}"
        self._read.append(project)
        name = self._ask_project(what, lambda: self._client.project_name(project.id))
        if name is None:
            return
        shown = f'"{on_one_line(name, _LONGEST_NAME)}"'
        discover = self._account.discover if discovered else None
        if discover is not None and not discover.matches(name):
            self._read.pop()
            self._left_out += 1
            self._report.note(what, f"{shown} is live, but include and exclude leave it out")
            return
        self._report.ok(what, shown)
        found = self._ask_project(f"{what}: status", lambda: self._client.deployments(project.id))
        deployment = None
        if found is not None:
            deployment = newest(found.deployments).get(project.id)
            self._runs[project.id] = deployment is not None and deployment.status == RUNNING
            if deployment is None:
                self._report.note(
                    f"{what}: status",
                    "never deployed live; nothing but its name is published",
                    "deploy it, or take it out of projects",
                )
                return
            self._status(deployment, f"{what}: status")
        stopped = deployment is not None and does_not_run(deployment.status)
        self._portfolio(project, f"{what}: portfolio", stopped=stopped)

    def _ask_project(self, what: str, call: Callable[[], T]) -> T | None:
        return self._asking.ask(
            what,
            call,
            refused=f"user {self._account.user_id} may not see this project, or it is gone: is it"
            " shared with that user, is it one of the right organization?",
        )

    def _status(self, deployment: Deployment, what: str) -> None:
        if deployment.status == RUNNING:
            self._report.ok(what, RUNNING)
        else:
            broken = deployment.status in FAILED
            self._report.note(
                what,
                f"{deployment.status} {deployment.error}",
                "read the error, here or in its log; redeploy it at QuantConnect" if broken else "",
            )

    def _portfolio(self, project: ProjectSettings, what: str, *, stopped: bool) -> None:
        portfolio = self._ask_project(
            what,
            lambda: self._client.portfolio(
                project.id,
                max_holdings=self._config.max_holdings_per_project,
                strike_scale=project.strike_scale,
            ),
        )
        if portfolio is None:
            return
        positions = plural(len(portfolio.holdings), "open position")
        currencies = plural(len(portfolio.cash), "currency", "currencies")
        if stopped and portfolio.holdings:
            self._report.unmanaged += 1
            self._report.note(what, f"{positions}, {currencies}; it does not run")
        else:
            self._report.ok(what, f"{positions}, {currencies}")
        for problem in portfolio.problems:
            self._report.note(what, f"left out {problem.where}: {problem.message}")

    def _discovered(self) -> list[ProjectSettings]:
        """What is live and not listed in any account, if this one discovers."""
        if self._account.discover is None:
            return []
        what = f"{self._name}: discovery"
        refused = (
            f"user {self._account.user_id} may not list what is live: is that user a member of the"
            " right organization?"
        )
        running = self._asking.ask(what, self._client.running, refused=refused)
        if running is None:
            return []
        ever = self._asking.ask(what, self._client.deployments, refused=refused)
        if ever is None:
            return []
        now = time.time()
        discovery = Discovery(self._account.discover)
        discovery.deployments(newest(ever.deployments))
        running_ids = newest(running.deployments).keys()
        discovery.running(running_ids, now)
        wanted = discovery.wanted(now)
        stopped = len(wanted - running_ids)
        since = format_duration(self._account.discover.forget_after)
        self._report.ok(
            what,
            f"{plural(len(running_ids), 'project')} running, {stopped} stopped within {since}",
        )
        self._searched = True
        listed = {project.id for each in self._config.accounts for project in each.projects}
        return [self._account.settings_for(id_) for id_ in sorted(wanted - listed)]


def _examine(account: Account, config: Config, report: Report) -> None:
    try:
        token = account.token.read()
    except ConfigError as unreadable:
        what = f"account {account.name}: token"
        report.fail(what, str(unreadable), "mend the file or its permissions")
        return
    clock = Skew()
    client = QuantConnect(
        user_id=account.user_id,
        token=token.reveal(),
        base_url=account.base_url,
        timeout=config.request_timeout,
        connections=1,
        user_agent=USER_AGENT,
        observer=clock,
    )
    try:
        _Doctor(account, config, report, client, clock).examine()
    finally:
        client.close()


def doctor(options: argparse.Namespace) -> int:
    """Print a table; 0 only if something is read, and reading works, whatever it is."""
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
    for account in config.accounts:
        _examine(account, config, report)
    report.end()
    return 0 if report.projects and not report.failures else 1
