"""One account at work: takes what its plan says is next, asks QuantConnect, and tells its projects.

A thread of its own takes the turns, workers make the calls. The plan and the account's projects
are touched only under this account's lock; rendering happens outside of it.
"""

from __future__ import annotations

from functools import partial
from threading import Condition, Thread
from typing import TYPE_CHECKING

from exporter.config import ConfigError
from exporter.log import Log
from exporter.poller.plan import NAME_TRIES, SOURCES, Failure
from exporter.poller.queue import Kind
from exporter.poller.workers import Workers
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import newest

if TYPE_CHECKING:
    from exporter.clock import Clock
    from exporter.config import Account, Config
    from exporter.poller.pace import Pace
    from exporter.poller.plan import Plan
    from exporter.poller.projects import AccountProjects
    from exporter.poller.queue import Task
    from exporter.quantconnect.client import QuantConnect
    from exporter.telemetry import AccountTelemetry

log = Log(__name__)

# The loop turns at least so often, to show that it is alive and to look at the token's file.
_LONGEST_NAP = 10.0
_STOP_TIMEOUT = 5.0


class AccountPoller:
    """Reads the projects of one account until it is stopped."""

    def __init__(
        self,
        account: Account,
        config: Config,
        *,
        plan: Plan,
        projects: AccountProjects,
        client: QuantConnect,
        calls_at_once: int,
        telemetry: AccountTelemetry,
        clock: Clock,
    ) -> None:
        self._account = account
        self._config = config
        self._plan = plan
        self._projects = projects
        self._client = client
        self._telemetry = telemetry
        self._clock = clock
        self._token = account.token.read()
        self._workers = Workers(f"quantconnect-{account.name}", calls_at_once)
        self._changed = Condition()
        self._stopping = False
        self._turned = clock.monotonic()
        self._thread = Thread(target=self._run, name=f"poller-{account.name}", daemon=True)
        self._errors: dict[Kind, str] = {}

    # --- From outside -----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read."""
        self._warn_of_stretch()
        self._thread.start()

    def stop(self) -> None:
        """Stop promptly: calls under way are ended, nothing new is begun."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._client.close()
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT)
        self._workers.stop(_STOP_TIMEOUT)

    @property
    def account(self) -> Account:
        """The account as it is configured."""
        return self._account

    def release(self, account: Account) -> None:
        """The first half of another configuration: let go of what is not this account's now."""
        with self._changed:
            self._projects.release(account)

    def release_all(self) -> None:
        """The account left the configuration: all its projects go, whoever wants them."""
        with self._changed:
            self._projects.release_all()

    def configure(self, account: Account, config: Config, pace: Pace) -> None:
        """The second half: go by it; ends the wait after a rejection, since all may be mended."""
        with self._changed:
            now = self._clock.monotonic()
            self._account, self._config = account, config
            self._plan.keep_pace(pace, now)
            self._projects.configure(account, config)
            self._client.timeout = config.request_timeout
            self._use_token()
            self._plan.token_changed(now)
            self._warn_of_stretch()
            self._changed.notify_all()

    def complete(self, *, sources: bool) -> bool:
        """Every project was tried once, or the account waits for QuantConnect to let it in.

        With ``sources`` every source of every project was, else its portfolio.
        """
        with self._changed:
            return self._plan.waits_for_auth or self._projects.complete(sources=sources)

    @property
    def turned(self) -> float:
        """When the loop last turned, on the monotonic clock."""
        return self._turned

    def _warn_of_stretch(self) -> None:
        stretch = self._plan.stretch
        if stretch > 1:
            log.warning(
                "The configuration needs more calls than requests_per_minute allows;"
                " intervals are stretched",
                account=self._account.name,
                needed_per_minute=self._plan.needed * 60,
                requests_per_minute=self._account.requests_per_minute,
                stretched_by=stretch,
            )

    # --- The loop ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:
                log.exception("A fault of this exporter, please report it")
                with self._changed:
                    self._changed.wait(1.0)

    def _turn(self) -> None:
        """Begin the next call if there is one, else wait until there may be."""
        with self._changed:
            now = self._turned = self._clock.monotonic()
            busy = self._plan.under_way >= self._workers.most
            task = None if busy else self._plan.take(now)
            if task is None and not self._stopping:
                nap = _LONGEST_NAP if busy else self._plan.wake_at() - now
                self._changed.wait(max(0.0, min(nap, _LONGEST_NAP)))
            under_way = self._plan.under_way
        if task is not None:
            self._workers.submit(partial(self._perform, task), under_way=under_way)
        elif self._plan.waits_for_auth:
            self._look_for_new_token()

    def _perform(self, task: Task) -> None:
        """Make the call of a task and see to what follows from it; never raises."""
        started = self._clock.monotonic()
        error: ApiError | None = None
        try:
            self._call(task, started)
        except ApiError as failed:
            error = failed
        except Exception:
            log.exception("A fault of this exporter, please report it", call=task.kind.name.lower())
            error = ApiError(Reason.MALFORMED, "a fault of this exporter, see its log")
        ended = self._clock.monotonic()
        with self._changed:
            failure = None if error is None else Failure(error.reason, error.retry_after)
            self._plan.done(task, failure, ended)
            if not self._stopping:
                self._follow_up(task, error, ended - started)
            self._changed.notify_all()

    def _call(self, task: Task, started: float) -> None:
        """Ask QuantConnect and publish what it answers; raises ApiError if that is nothing."""
        project_id = task.project_id
        if project_id is None:
            self._call_for_account(task, started)
        elif task.kind is Kind.NAME:
            name = self._client.project_name(project_id)
            with self._changed:
                self._projects.named(project_id, name)
        elif task.kind is Kind.STATUS:
            deployment = newest(self._client.deployments(project_id)).get(project_id)
            with self._changed:
                duration = self._clock.monotonic() - started
                self._projects.status(project_id, deployment, duration=duration)
        else:
            self._read(task.kind, project_id, started)

    def _call_for_account(self, task: Task, started: float) -> None:
        if task.kind is Kind.AUTHENTICATE:
            self._use_token()
            self._client.authenticate()
        elif task.kind is Kind.RUNNING:
            running = newest(self._client.running())
            with self._changed:
                duration = self._clock.monotonic() - started
                self._projects.listed(running, duration=duration)
        else:
            found = newest(self._client.deployments())
            with self._changed:
                self._projects.deployments(found)

    def _read(self, kind: Kind, project_id: int, started: float) -> None:
        """Read a project's portfolio or statistics, and render them without holding the lock."""
        with self._changed:
            project = self._projects.published(project_id)
            if project is None:
                return
            interval = self._plan.interval(project_id, SOURCES[kind])
        settings = project.settings
        if kind is Kind.PORTFOLIO:
            portfolio = self._client.portfolio(
                project_id,
                max_holdings=self._config.max_holdings_per_project,
                strike_scale=settings.strike_scale,
            )
            duration = self._clock.monotonic() - started
            project.portfolio(portfolio, duration=duration, interval=interval)
        else:
            statistics = self._client.statistics(project_id, custom=settings.statistics)
            duration = self._clock.monotonic() - started
            project.statistics(statistics, duration=duration, interval=interval)

    # --- What follows -----------------------------------------------------------------------------

    def _follow_up(self, task: Task, error: ApiError | None, duration: float) -> None:
        self._telemetry.authenticated(accepted=self._plan.authenticated)
        if task.project_id is None:
            self._log_account(task, error)
        if error is None:
            return
        if task.kind is Kind.RUNNING:
            self._projects.listing_failed(error, duration=duration)
        elif task.kind is Kind.NAME and task.project_id is not None:
            self._name_failed(task, task.project_id, error)
        elif task.project_id is not None:
            self._projects.failed(task.project_id, SOURCES[task.kind], error, duration=duration)

    def _name_failed(self, task: Task, project_id: int, error: ApiError) -> None:
        if self._plan.failures(task) >= NAME_TRIES:
            log.warning(
                "The project's name cannot be had, its id takes its place",
                project_id=project_id,
                reason=error.reason.value,
                error=error.message,
            )
            self._projects.named(project_id, str(project_id))

    def _log_account(self, task: Task, error: ApiError | None) -> None:
        """Say once what is wrong with the account's own calls, and once that it is well again."""
        before = self._errors.pop(task.kind, "")
        call = task.kind.name.lower()
        if error is None:
            if before:
                log.info("It works again", account=self._account.name, call=call)
            elif task.kind is Kind.AUTHENTICATE:
                log.info("QuantConnect accepts the account", account=self._account.name)
            return
        self._errors[task.kind] = said = f"{error.reason.value}: {error.message}"
        if said == before and error.reason is not Reason.AUTH:
            return
        fields = {
            "account": self._account.name,
            "call": call,
            "reason": error.reason.value,
            "error": error.message,
        }
        if task.kind is Kind.AUTHENTICATE and error.reason is Reason.AUTH:
            wait = self._plan.wake_at() - self._clock.monotonic()
            log.error(
                "QuantConnect rejects the user id or the token; check both and this machine's"
                " clock. Nothing is sent until the wait is over, the token changes or the"
                " exporter is restarted, since repeated tries lock the account out",
                **fields,
                wait_seconds=round(wait),
            )
        else:
            log.warning("A call for the account failed", **fields)

    # --- The token --------------------------------------------------------------------------------

    def _use_token(self) -> None:
        """Sign with the token as its file has it now; an unreadable file leaves the last one."""
        try:
            self._token = self._account.token.read()
        except ConfigError as error:
            log.warning("The token cannot be read, the last one stays in use", error=str(error))
        self._client.use_token(self._token.reveal())

    def _look_for_new_token(self) -> None:
        """While QuantConnect rejects the account: another token in the file ends the wait."""
        if self._account.token.file is None:
            return
        try:
            changed = self._account.token.read() != self._token
        except ConfigError:
            return  # logged when it is to be used
        if changed:
            log.info("The token has changed, trying it", account=self._account.name)
            with self._changed:
                self._plan.token_changed(self._clock.monotonic())
