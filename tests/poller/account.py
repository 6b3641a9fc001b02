"""One account without threads and network: answers in, the exposition out."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from exporter.poller import Limits
from exporter.poller.account import AccountPoller
from exporter.poller.credentials import Credentials
from exporter.poller.discovery import Claims
from exporter.poller.projects import Projects
from exporter.poller.record import Record
from exporter.poller.schedule import Budget, Schedule
from exporter.poller.task import Call, Task
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.portfolio import PORTFOLIO
from exporter.sources.projects import DESCRIPTION, Description, Page
from exporter.sources.statistics import STATISTICS
from exporter.sources.status import STATUS, Deployment, Listing, Status
from exporter.store import Store
from exporter.telemetry import Telemetry

from .given import Time, config_of, deployment_of, lines, portfolio_of, statistics_of, value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.config import Config
    from exporter.poller.project import Project
    from exporter.quantconnect.client import QuantConnect, Request
    from exporter.sources.source import Source
    from exporter.store import ProjectReport

DOWN = ApiError(Reason.HTTP_5XX, "HTTP 503 with an HTML page")


def configured(directory: Path, account: str, rest: str = "") -> Config:
    """A configuration of one account, called main."""
    return config_of(
        directory, f"{rest}\naccounts: [{{name: main, user_id: 1, api_token: t, {account}}}]\n"
    )


class Account:
    """An account's poller, never started; a test plays QuantConnect.

    ``asks`` lets time pass and answers each call that is due; ``tells`` brings one answer in.
    """

    def __init__(
        self,
        config: Config,
        *,
        claims: Claims | None = None,
        store: Store | None = None,
        time: Time | None = None,
        owns: Callable[[int], bool] = lambda _: True,
        reads_account: bool = True,
        elsewhere: frozenset[int] = frozenset(),
        limits: Limits | None = None,
    ) -> None:
        self.config = config
        self.time = time or Time()
        self.store = store or Store(self.time.clock)
        self.telemetry = Telemetry(version="1", revision="abc")
        account, limits = config.accounts[0], limits or Limits()
        instruments = self.telemetry.account(
            account.name, endpoints=list(Endpoint), reasons=list(Reason), budget=1.0
        )
        authenticate = Task(name="authenticate", endpoint=Endpoint.AUTHENTICATE, priority=0)
        self.schedule = Schedule(
            authenticate, self._budget(config), random=Random(1), now=self.time.monotonic
        )
        record = Record(account.name, instruments, self.time.clock)
        self.projects = Projects(
            account,
            config,
            schedule=self.schedule,
            authenticate=authenticate,
            claims=claims or Claims(),
            owns=owns,
            reads_account=reads_account,
            elsewhere=elsewhere,
            record=record,
            store=self.store,
            clock=self.time.clock,
            name_tries=limits.name_tries,
        )
        client: QuantConnect = NoClient()  # type: ignore[assignment]
        self.poller = AccountPoller(
            account,
            config,
            schedule=self.schedule,
            projects=self.projects,
            record=record,
            client=client,
            credentials=Credentials(account, client, used=account.token.read()),
            calls_at_once=4,
            telemetry=instruments,
            clock=self.time.clock,
            limits=limits,
        )

    @staticmethod
    def _budget(config: Config) -> Budget:
        return Budget(config.accounts[0].requests_per_minute / 60, config.status_interval)

    def reload(self, config: Config, elsewhere: frozenset[int] = frozenset()) -> None:
        """Go by another configuration."""
        account = config.accounts[0]
        self.poller.release(account, elsewhere)
        self.poller.adopt(account, config, self._budget(config), 4)

    # --- Answers ----------------------------------------------------------------------------------

    def asks(self, answer: Callable[[Request[Any]], Any], *, seconds: float = 0.0) -> list[str]:
        """Let time pass, and answer each call at once; the names of the tasks that were called."""
        until, names = self.time.monotonic + seconds, []
        while True:
            following = self.schedule.next(self.time.monotonic)
            if isinstance(following, Call):
                task = following.task
                names.append(task.name)
                request = self.projects.request(task)
                self.poller.settle(following, answer(request), self.time.monotonic)
            elif self.time.monotonic + following > until:
                self.time.monotonic = until
                return names
            else:
                self.time.passes(following)

    def tells(self, task: Task, answer: Any, *, asked: float | None = None) -> None:
        """Bring one answer in, to a call that was made ``asked``."""
        asked = self.time.monotonic if asked is None else asked
        self.schedule.under_way += 1
        task.call = Call(task, asked, 0)
        self.poller.settle(task.call, answer, asked)

    def task(self, source: Source[Any], project_id: int = 1) -> Task:
        """The task of a project's source."""
        return self.project(project_id).tasks[source]

    def project(self, project_id: int = 1) -> Project:
        """A project that is there."""
        project = self.projects.get(project_id)
        assert project is not None
        return project

    def reads(self, *arguments: object, project_id: int = 1, **keywords: Any) -> None:
        """A portfolio; SPY and dollars if nothing else is said."""
        portfolio = portfolio_of(*arguments, **keywords)
        self.tells(self.task(PORTFOLIO, project_id), portfolio)

    def status(self, project_id: int = 1, *, asked: float | None = None, **fields: Any) -> None:
        """The project's own live/list."""
        status = Status(deployment_of(project_id, **fields))
        self.tells(self.task(STATUS, project_id), status, asked=asked)

    def statistics(self, custom: tuple[str, ...] = (), **runtime: str) -> None:
        """Statistics of project 1."""
        self.tells(self.task(STATISTICS), statistics_of(custom, **runtime))

    def fails(
        self, source: Source[Any] = PORTFOLIO, error: ApiError = DOWN, *, project_id: int = 1
    ) -> None:
        """A read that gave nothing."""
        self.tells(self.task(source, project_id), error)

    def lists(self, *running: Deployment | int, asked: float | None = None) -> None:
        """The account-wide live/list."""
        found = tuple(deployment_of(of) if isinstance(of, int) else of for of in running)
        self.tells(self.projects.account_tasks["running"], Listing(found, ()), asked=asked)

    def names(self, **named: str) -> None:
        """projects/read of the account: ``_1="One"`` calls project 1 so."""
        found = tuple(
            Description(int(key.removeprefix("_")), name, None) for key, name in named.items()
        )
        self.tells(self.projects.account_tasks["names"], Page(found, len(found), ()))

    def named(self, project_id: int, name: str) -> None:
        """projects/read of one project."""
        task = self.task(DESCRIPTION, project_id)
        self.tells(task, Description(project_id, name, None))

    # --- What came of them ------------------------------------------------------------------------

    def lines(self, *, but: str = "quantconnect_read_") -> list[str]:
        """The sample lines without those of one prefix."""
        return lines(self.store.snapshots(), but=but)

    def value(self, start: str) -> float | None:
        """The number of the only sample whose line starts so."""
        return value(self.store.snapshots(), f"quantconnect_{start}")

    def families(self) -> set[str]:
        """The families that have samples, those about the reading aside."""
        return {line.partition("{")[0].removeprefix("quantconnect_") for line in self.lines()}

    def own(self, name: str, **labels: str) -> float | None:
        """A sample of the exporter's own."""
        return self.telemetry.registry.get_sample_value(f"quantconnect_{name}", labels)

    def failures(self, reason: str, endpoint: str = "live/portfolio/read") -> float | None:
        """How many calls failed for a reason."""
        labels = {"account": "main", "endpoint": endpoint, "reason": reason}
        return self.own("api_request_failures_total", **labels)

    def reports(self) -> dict[int, ProjectReport]:
        """The reports by project."""
        return {report.project_id: report for report in self.store.reports()}


class NoClient:
    """Signs and sends nothing."""

    timeout = 30.0

    def use_token(self, token: str) -> None:
        pass

    def close(self) -> None:
        pass
