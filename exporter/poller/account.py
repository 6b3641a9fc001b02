"""One account at work: takes what its plan says is next, asks QuantConnect, and tells its projects.

A thread of its own takes the turns, workers make the calls. The plan and the account's projects
are touched only under this account's lock; portfolios are rendered outside of it.
"""

from __future__ import annotations

import time
from functools import partial
from math import inf
from threading import Condition, Thread
from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.poller.faults import Faults
from exporter.poller.plan import NAME_TRIES, SOURCES
from exporter.poller.queue import Kind
from exporter.poller.retries import Failure
from exporter.poller.stretch import Stretch
from exporter.poller.trouble import Trouble
from exporter.poller.workers import Workers
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import newest
from exporter.store import AccountReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from exporter.clock import Clock
    from exporter.config import Account, Config
    from exporter.poller.credentials import Credentials
    from exporter.poller.pace import Pace
    from exporter.poller.plan import Plan
    from exporter.poller.projects import AccountProjects
    from exporter.poller.queue import Task
    from exporter.quantconnect.client import QuantConnect
    from exporter.telemetry import AccountTelemetry

log = Log(__name__)

# The loop turns at least so often, to show that it is alive and to look at the token's file.
_LONGEST_NAP = 10.0
# After a fault of our own; most come again at once.
_FAULT_NAP = 1.0
# A wait after a rejection is as long at least.
_FORGIVING_SECONDS = 900.0


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
        credentials: Credentials,
        calls_at_once: int,
        telemetry: AccountTelemetry,
        clock: Clock,
    ) -> None:
        self._account = account
        self._config = config
        self._plan = plan
        self._projects = projects
        self._client = client
        self._credentials = credentials
        self._telemetry = telemetry
        self._clock = clock
        self._trouble = Trouble(account.name)
        self._faults = Faults(telemetry)
        self._stretch = Stretch(telemetry)
        # When a wait was last ended without another token.
        self._forgiven = -inf
        # Of the calls that tell about the whole account: those whose last one failed, in order.
        self._errors: dict[Kind, ApiError] = {}
        self._workers = Workers(f"quantconnect-{account.name}", calls_at_once)
        self._changed = Condition()
        self._stopping = False
        self._turned = clock.monotonic()
        self._thread = Thread(target=self._run, name=f"poller-{account.name}", daemon=True)

    # --- From outside -----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read; raises RuntimeError if there is no thread to be had."""
        self._stretch.tell(self._plan, self._account)
        self._thread.start()

    def quit(self) -> None:
        """Begin nothing new, end the calls under way and publish nothing more; doesn't wait."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._client.close()

    def join(self, deadline: float) -> None:
        """Wait for the threads to end until ``deadline``, on Python's own monotonic clock."""
        if self._thread.ident is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        self._workers.stop(deadline)

    @property
    def account(self) -> Account:
        """The account as it is configured."""
        return self._account

    def release(self, account: Account, elsewhere: Collection[int]) -> None:
        """The first half of another configuration: let go of what is not this account's now."""
        with self._changed:
            self._projects.release(account, elsewhere)

    def release_all(self) -> None:
        """The account left the configuration: all its projects go, whoever wants them."""
        with self._changed:
            self._projects.release_all()
        self._telemetry.forget()

    def configure(self, account: Account, config: Config, pace: Pace, calls_at_once: int) -> None:
        """The second half: go by it.

        Ends the wait after a rejection, since all may be mended; with the same token not each time,
        or whoever can ask for reloads could have the account locked out.
        """
        with self._changed:
            now = self._clock.monotonic()
            if account.name != self._account.name:
                self._telemetry.rename(account.name)
                self._trouble.account = account.name
            self._account, self._config = account, config
            self._workers.most = calls_at_once
            self._client.timeout = config.request_timeout
            self._plan.keep_pace(pace, now)
            self._projects.configure(account, config)
            if self._credentials.configure(account):
                self._errors.clear()
                self._plan.token_changed(now)
            elif now >= self._forgiven + _FORGIVING_SECONDS:
                self._forgiven = now
                self._errors.clear()
                self._plan.forgive(now)
            elif self._plan.waits_for_auth and (wait := self._plan.wake_at() - now) < inf:
                log.info(
                    "The wait after a rejection goes on, as the token is the same",
                    account=account.name,
                    wait_seconds=round(wait),
                )
            self._stretch.tell(self._plan, self._account)
            self._changed.notify_all()

    def complete(self) -> bool:
        """Every source of every project was tried once, or QuantConnect rejects the account."""
        with self._changed:
            return self._plan.waits_for_auth or self._projects.complete(sources=True)

    def ready(self) -> bool:
        """Every project's portfolio was tried once, or the account waits."""
        with self._changed:
            waits = self._plan.waits_for_auth or self._plan.rests(self._clock.monotonic())
            return waits or self._projects.complete(sources=False)

    def report(self) -> AccountReport:
        """How QuantConnect takes the account, for people."""
        with self._changed:
            now = self._clock.monotonic()
            rests = self._plan.rests(now)
            refused = self._errors.get(Kind.AUTHENTICATE)
            if refused is not None and refused.reason is Reason.AUTH:
                state = "rejected"
            elif rests or self._plan.waits_for_auth:
                state = "waiting"
            else:
                state = "accepted" if self._plan.authenticated else "not asked yet"
            wait = self._plan.wake_at() - now
            last = next(reversed(self._errors.values()), None)
        error = refused if state == "rejected" else last
        waits = state in ("rejected", "waiting") and wait < inf
        return AccountReport(
            name=self._account.name,
            state=state,
            error="" if error is None else f"{error.reason.value}: {error.message}",
            next_try=self._clock.now() + max(0.0, wait) if waits else None,
        )

    @property
    def turned(self) -> float:
        """When the loop last turned, on the monotonic clock."""
        return self._turned

    # --- The loop ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
                self._turned = self._clock.monotonic()
            except Exception:  # noqa: BLE001 - whatever it is, the loop goes on
                self._faults.caught(account=self._account.name)
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, _FAULT_NAP)

    def _turn(self) -> None:
        """Begin the next call if there is one, else wait until there may be."""
        with self._changed:
            if self._stopping:
                return
            now = self._clock.monotonic()
            busy = self._plan.under_way >= self._workers.most
            task = None if busy else self._plan.take(now)
            if task is None:
                nap = _LONGEST_NAP if busy else self._plan.wake_at() - now
                self._changed.wait(max(0.0, min(nap, _LONGEST_NAP)))
            rejected = self._plan.waits_for_auth
        if task is not None:
            self._begin(task)
        elif rejected and self._credentials.changed():
            log.info("The token has changed, trying it", account=self._account.name)
            with self._changed:
                self._plan.token_changed(self._clock.monotonic())

    def _begin(self, task: Task) -> None:
        try:
            self._workers.submit(partial(self._perform, task))
        except RuntimeError:
            with self._changed:
                self._plan.done(task, Failure(Reason.CONNECTION), self._clock.monotonic())
            raise

    def _perform(self, task: Task) -> None:
        """Make the call of a task and see to what follows from it."""
        started = self._clock.monotonic()
        error: ApiError | None = None
        try:
            self._call(task, started)
        except ApiError as failed:
            error = failed
        except Exception:  # noqa: BLE001 - it costs this call and no other
            self._faults.caught(account=self._account.name, call=task.kind.name.lower())
            error = ApiError(Reason.MALFORMED, "a fault of this exporter, see its log")
        ended = self._clock.monotonic()
        with self._changed:
            failure = None if error is None else Failure(error.reason, error.retry_after)
            self._plan.done(task, failure, ended)
            self._changed.notify_all()
            if not self._stopping:
                self._follow_up(task, error, ended - started)

    # --- Calls ------------------------------------------------------------------------------------

    def _call(self, task: Task, started: float) -> None:
        """Ask QuantConnect and tell its answer; raises ApiError if that is nothing."""
        projects, project_id = self._projects, task.project_id
        if project_id is None:
            self._call_for_account(task, started)
        elif task.kind is Kind.NAME:
            name = self._client.project_name(project_id)
            self._tell(lambda: projects.named(project_id, name))
        elif task.kind is Kind.STATUS:
            listing = self._client.deployments(project_id)
            deployment = newest(listing.deployments).get(project_id)
            self._tell(lambda: self._trouble.left_out(task, listing.problems))
            self._tell(lambda: projects.status(project_id, deployment, asked=started))
        else:
            self._read(task.kind, project_id, started)

    def _call_for_account(self, task: Task, started: float) -> None:
        projects = self._projects
        if task.kind is Kind.AUTHENTICATE:
            self._tell(self._credentials.renew)
            self._client.authenticate()
        elif task.kind is Kind.RUNNING:
            listing = self._client.running()
            running = newest(listing.deployments)
            self._tell(lambda: self._trouble.left_out(task, listing.problems))
            self._tell(lambda: projects.listed(running, asked=started))
        else:
            listing = self._client.deployments()
            found = newest(listing.deployments)
            self._tell(lambda: self._trouble.left_out(task, listing.problems))
            self._tell(lambda: projects.deployments(found))

    def _tell(self, tell: Callable[[], None]) -> None:
        with self._changed:
            if not self._stopping:
                tell()

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
        self._stretch.tell(self._plan, self._account)
        if task.project_id is None:
            wait = self._plan.wake_at() - self._clock.monotonic()
            self._trouble.ended(task.kind, error, wait=wait)
        self._errors.pop(task.kind, None)
        if error is None:
            return
        held_up = error.reason is Reason.RATE_LIMIT or error.retry_after is not None
        if task.project_id is None or held_up:
            self._errors[task.kind] = error
        if task.kind is Kind.RUNNING:
            self._projects.listing_failed(error, duration=duration)
        elif task.kind is Kind.NAME and task.project_id is not None:
            if self._plan.failures(task) == NAME_TRIES:
                self._projects.nameless(task.project_id, error)
        elif task.project_id is not None:
            self._projects.failed(task.project_id, SOURCES[task.kind], error, duration=duration)
