"""``quantconnect-exporter doctor``: is everything as it should be, and what to do if not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from exporter.cli.run import load
from exporter.cli.version import USER_AGENT
from exporter.config import ConfigError, Project
from exporter.quantconnect.client import QuantConnect
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import newest

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from exporter.config import Account, Config, Discover

T = TypeVar("T")

# QuantConnect takes a signature for two hours; well before that somebody should set the clock.
_SKEW = 60.0

_ADVICE = {
    Reason.AUTH: "check user_id and the token (both are on your account page at QuantConnect) and"
    " this machine's clock; QuantConnect locks out who tries too often",
    Reason.RATE_LIMIT: "lower requests_per_minute, or wait: somebody else uses the same account",
    Reason.TIMEOUT: "check the network and any proxy; raise request_timeout if it is only slow",
    Reason.CONNECTION: "check the network, name resolution, HTTPS_PROXY and base_url",
    Reason.TLS: "check this machine's clock and certificates (REQUESTS_CA_BUNDLE), and any proxy",
    Reason.HTTP_4XX: "check base_url; a proxy or firewall may be in the way",
    Reason.HTTP_5XX: "QuantConnect has a problem: try again later",
    Reason.API_ERROR: "check that the project exists and that this user may see it",
    Reason.MALFORMED: "check base_url; a proxy or a login page may be in the way",
    Reason.TOO_LARGE: "raise max_holdings_per_project if the portfolio is meant to be so large",
    Reason.NOT_READY: "nothing to do: a new deployment has no portfolio for about ten minutes,"
    " and a project that was never deployed has none",
}


@dataclass
class _Report:
    """Rows of what, how and why; printed as they come."""

    failures: int = 0
    _width: int = field(default=34, init=False)

    def row(self, what: str, result: str, detail: str, *, failed: bool = False) -> None:
        self.failures += failed
        print(f"{what:<{self._width}}  {result:<6}  {detail}".rstrip(), flush=True)

    def ok(self, what: str, detail: str = "") -> None:
        self.row(what, "ok", detail)

    def note(self, what: str, detail: str) -> None:
        self.row(what, "note", detail)

    def fail(self, what: str, detail: str, advice: str) -> None:
        self.row(what, "FAILED", detail, failed=True)
        print(f"{'':<{self._width}}          → {advice}", flush=True)


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

    def __init__(self, account: Account, config: Config, report: _Report) -> None:
        self._account = account
        self._config = config
        self._report = report
        self._clock = _Skew()
        self._pause = 60 / account.requests_per_minute

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
        self._budget(name)
        for project in self._account.projects:
            self._project(client, project)
        for project in self._discovered(client, name):
            self._project(client, project, discover=self._account.discover)

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
        """Whether what is configured fits the account's budget, by the plan's own arithmetic."""
        from random import Random

        from exporter.poller.pace import Pace
        from exporter.poller.plan import Plan

        pace = Pace(
            self._account.requests_per_minute / 60,
            self._config.status_interval,
            self._config.statistics_interval,
        )
        plan = Plan(pace, random=Random(), now=0)
        for project in self._account.projects:
            plan.add(project.id, interval=project.scrape_interval, named=True, now=0)
        needed = f"{plan.needed * 60:.1f} of {self._account.requests_per_minute:g} calls a minute"
        if plan.stretch > 1:
            self._report.note(
                f"{name}: budget",
                f"needs {needed}: intervals are stretched {plan.stretch:.1f} times; raise"
                " requests_per_minute or the intervals",
            )
        else:
            self._report.ok(f"{name}: budget", f"needs {needed}")

    def _project(
        self, client: QuantConnect, project: Project, *, discover: Discover | None = None
    ) -> None:
        what = f"project {project.id}"
        name = self._ask(what, lambda: client.project_name(project.id))
        if name is None:
            return
        if discover is not None and not discover.matches(name):
            self._report.note(what, f'"{name}" runs, but include and exclude leave it out')
            return
        self._report.ok(what, f'"{name}"')
        found = self._ask(f"{what}: status", lambda: client.deployments(project.id))
        if found is not None:
            deployment = newest(found.deployments).get(project.id)
            if deployment is None:
                self._report.note(f"{what}: status", "never deployed live")
                return
            if deployment.status == "Running":
                self._report.ok(f"{what}: status", "Running")
            else:
                self._report.note(
                    f"{what}: status", " ".join(f"{deployment.status} {deployment.error}".split())
                )
        self._portfolio(client, project, f"{what}: portfolio")

    def _portfolio(self, client: QuantConnect, project: Project, what: str) -> None:
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
        positions = _plural(len(portfolio.holdings), "open position")
        currencies = _plural(len(portfolio.cash), "currency", "currencies")
        self._report.ok(what, f"{positions}, {currencies}")
        for problem in portfolio.problems:
            self._report.note(what, f"left out {problem.where}: {problem.message}")

    def _discovered(self, client: QuantConnect, name: str) -> list[Project]:
        """What runs and is not listed, if the account discovers."""
        if self._account.discover is None:
            return []
        found = self._ask(f"{name}: discovery", client.running)
        if found is None:
            return []
        running = newest(found.deployments)
        self._report.ok(f"{name}: discovery", f"{_plural(len(running), 'project')} running")
        listed = {project.id for project in self._account.projects}
        return [Project.discovered(id_, self._config) for id_ in sorted(running.keys() - listed)]

    def _ask(self, what: str, call: Callable[[], T]) -> T | None:
        """One call, at the account's pace; None after telling why it gave nothing."""
        time.sleep(self._pause)
        try:
            return call()
        except ApiError as error:
            if error.reason is Reason.NOT_READY:
                self._report.note(what, f"{error.message}; {_ADVICE[error.reason]}")
            else:
                detail = f"{error.reason.value}: {error.message}"
                self._report.fail(what, detail, _ADVICE[error.reason])
            return None


def _plural(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def doctor(options: argparse.Namespace) -> int:
    """Print a table; 0 only if all is well."""
    config = load(options)
    if config is None:
        return 1
    report = _Report()
    report.ok("configuration", config.source)
    if config.ignored:
        report.note("configuration", f"without {', '.join(config.ignored)} of the environment")
    for account in config.accounts:
        _Doctor(account, config, report).examine()
    failures = _plural(report.failures, "thing")
    print(f"\n{failures} to mend." if report.failures else "\nAll is well.")
    return 1 if report.failures else 0
