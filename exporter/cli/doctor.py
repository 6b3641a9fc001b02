"""``quantconnect-exporter doctor``: is everything as it should be, and what to do if not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeVar

from exporter.cli.findings import ADVICE, Report, degrade, on_one_line, plural
from exporter.cli.run import load
from exporter.cli.version import USER_AGENT
from exporter.config import ConfigError, Project
from exporter.config.duration import format_duration
from exporter.poller.discovery import Discovery
from exporter.poller.pace import Pace
from exporter.poller.plan import Plan
from exporter.quantconnect.client import QuantConnect
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import newest
from exporter.web.standing import RUNNING, does_not_run

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from exporter.config import Account, Config, Discover
    from exporter.quantconnect.model import Deployment

T = TypeVar("T")

_LONGEST_NAME = 100
_BROKEN = ("RuntimeError", "DeployError", "Invalid")

# QuantConnect takes a signature for two hours; well before that somebody should set the clock.
_SKEW = 60.0


@dataclass
class _Skew:
    """Listens to one account's calls for the clock."""

    seconds: float | None = None

    def call(self, endpoint: str) -> None:
        pass

    def answered(self, endpoint: str, seconds: float, reason: str | None) -> None:
        pass

    def problem(self, endpoint: str, field: str) -> None:
        pass

    def skew(self, seconds: float) -> None:
        self.seconds = seconds


class _Doctor:
    """Examines one account, at the account's pace: one call after the other."""

    def __init__(self, account: Account, config: Config, report: Report) -> None:
        self._account = account
        self._config = config
        self._report = report
        self._clock = _Skew()
        self._pause = 60 / account.requests_per_minute
        self._read: list[Project] = []
        self._runs: dict[int, bool] = {}

    def examine(self) -> None:
        """One row for each thing that can be wrong."""
        name = f"account {self._account.name}"
        try:
            token = self._account.token.read()
        except ConfigError as unreadable:
            self._report.fail(f"{name}: token", str(unreadable), "mend the file or its permissions")
            return
        client = QuantConnect(
            user_id=self._account.user_id,
            token=token.reveal(),
            base_url=self._account.base_url,
            timeout=self._config.request_timeout,
            connections=1,
            user_agent=USER_AGENT,
            observer=self._clock,
        )
        try:
            self._examine(client, name)
        finally:
            client.close()

    def _examine(self, client: QuantConnect, name: str) -> None:
        def authenticate() -> bool:
            client.authenticate()
            return True

        accepted = self._ask(f"{name}: credentials", authenticate)
        if accepted:
            self._report.ok(f"{name}: credentials", f"user {self._account.user_id} is accepted")
        self._clock_row(name)
        if not accepted:
            return
        discovered = self._discovered(client, name)
        for project in self._account.projects:
            self._project(client, project)
        for project in discovered:
            self._project(client, project, discover=self._account.discover)
        self._budget(name)  # last, as only now it is known what is read, and what of it runs

    def _clock_row(self, name: str) -> None:
        skew = self._clock.seconds
        if skew is None:
            return
        if abs(skew) > _SKEW:
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

    def _project(
        self, client: QuantConnect, project: Project, *, discover: Discover | None = None
    ) -> None:
        what = f"project {project.id}"
        name = self._ask(what, lambda: client.project_name(project.id))
        shown = f'"{on_one_line(name or "", _LONGEST_NAME)}"'
        left_out = name is not None and discover is not None and not discover.matches(name)
        if not left_out:
            self._read.append(project)
        if name is None:
            return
        if left_out:
            self._report.note(what, f"{shown} is live, but include and exclude leave it out")
            return
        self._report.ok(what, shown)
        found = self._ask(f"{what}: status", lambda: client.deployments(project.id))
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
        self._portfolio(client, project, f"{what}: portfolio", stopped=stopped)

    def _status(self, deployment: Deployment, what: str) -> None:
        if deployment.status == RUNNING:
            self._report.ok(what, RUNNING)
        else:
            broken = deployment.status in _BROKEN
            self._report.note(
                what,
                f"{deployment.status} {deployment.error}",
                "read the error, here or in its log; redeploy it at QuantConnect" if broken else "",
            )

    def _portfolio(
        self, client: QuantConnect, project: Project, what: str, *, stopped: bool
    ) -> None:
        portfolio = self._ask(
            what,
            lambda: client.portfolio(
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

    def _discovered(self, client: QuantConnect, name: str) -> list[Project]:
        """What is live and not listed in any account, if this one discovers."""
        if self._account.discover is None:
            return []
        what = f"{name}: discovery"
        running = self._ask(what, client.running)
        ever = None if running is None else self._ask(what, client.deployments)
        if running is None or ever is None:
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
        listed = {project.id for each in self._config.accounts for project in each.projects}
        return [Project.discovered(id_, self._config) for id_ in sorted(wanted - listed)]

    def _ask(self, what: str, call: Callable[[], T]) -> T | None:
        """One call, at the account's pace; None after telling why it gave nothing."""
        time.sleep(self._pause)
        try:
            return call()
        except ApiError as error:
            if error.reason is Reason.NOT_READY:
                self._report.note(what, error.message, ADVICE[error.reason])
            else:
                detail = f"{error.reason.value}: {error.message}"
                self._report.fail(what, detail, ADVICE[error.reason])
            return None


def doctor(options: argparse.Namespace) -> int:
    """Print a table; 0 only if reading works, whatever it is that is read."""
    degrade()
    config = load(options)
    if config is None:
        return 1
    report = Report()
    report.ok("configuration", config.source)
    if config.ignored:
        report.note("configuration", f"without {', '.join(config.ignored)} of the environment")
    for account in config.accounts:
        _Doctor(account, config, report).examine()
    report.end()
    return 1 if report.failures else 0
