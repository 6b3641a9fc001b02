"""The loop of one account: makes the next call to QuantConnect and processes its answer.

The loop has its own thread, and so has each call. The schedule, the projects and the record are
used only under this account's lock.
"""

from __future__ import annotations

import time
from math import inf
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from exporter.log import Log
from exporter.poller.task import Call, Fault, Outcome
from exporter.quantconnect.errors import ApiError, Reason
from exporter.store import AccountReport

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.clock import Clock
    from exporter.config import Account, Config
    from exporter.poller.credentials import Credentials
    from exporter.poller.projects import Projects
    from exporter.poller.record import Record
    from exporter.poller.schedule import Budget, Schedule
    from exporter.poller.task import Task
    from exporter.quantconnect.client import QuantConnect, Request
    from exporter.telemetry import AccountTelemetry

log = Log(__name__)

TOKEN_CHANGED: Final = "The token has changed, trying it"  # noqa: S105 - no token
STILL_WAITING: Final = "The wait after a rejection continues, since the token is the same"


class Limits(Struct, frozen=True):
    """Bounds on one account's loop, in seconds unless said otherwise."""

    longest_nap: float = 10.0
    """The longest wait of the loop, which shows that it is alive and checks for a new token."""
    fault_nap: float = 1.0
    """The pause after a fault of the exporter; most faults recur at once."""
    forgiving: float = 900.0
    """The shortest time between two reloads that end a rejection's wait without a new token."""
    stop: float = 2.0
    """The time to wait for threads to end; later ones, as in a name look-up, are left behind."""
    name_tries: int = 3
    """The failures to get a project's name after which its id stands for it."""


class AccountPoller:
    """Reads the projects of one account until it is stopped."""

    def __init__(
        self,
        account: Account,
        config: Config,
        *,
        schedule: Schedule,
        projects: Projects,
        record: Record,
        client: QuantConnect,
        credentials: Credentials,
        calls_at_once: int,
        telemetry: AccountTelemetry,
        clock: Clock,
        limits: Limits,
        thread: type[Thread] = Thread,
    ) -> None:
        self._account = account
        self._config = config
        self._schedule = schedule
        self._projects = projects
        self._record = record
        self._client = client
        self._credentials = credentials
        self._calls_at_once = calls_at_once
        self._telemetry = telemetry
        self._clock = clock
        self._limits = limits
        # When a reload last ended a wait without a new token.
        self._forgiven = -inf
        # The failures that delay the whole account, by task: those of its own calls, and rate
        # limits.
        self._errors: dict[Task, ApiError] = {}
        self._changed = Condition()
        self._stopping = False
        self._turned = clock.monotonic()
        self._calls: set[Thread] = set()
        self._new_thread = thread
        self._thread = thread(target=self._run, name=f"poller-{account.name}", daemon=True)

    # --- From outside -----------------------------------------------------------------------------

    def start(self) -> None:
        """Start reading. Raises RuntimeError if no thread can be started."""
        self._thread.start()

    def quit(self) -> None:
        """Make no new call, abort those under way and publish nothing more; do not wait."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._client.close()

    def join(self, deadline: float) -> None:
        """Wait until ``deadline`` for the threads to end, on Python's own monotonic clock."""
        with self._changed:
            threads = [*self._calls, self._thread]
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def account(self) -> Account:
        """The account's configuration."""
        return self._account

    @property
    def last_turn(self) -> float:
        """The time of the loop's last turn, on the monotonic clock."""
        return self._turned

    def release(self, account: Account | None, elsewhere: Collection[int]) -> None:
        """Release the projects that another configuration removes from the account.

        ``account`` is None where the whole account leaves the configuration.
        """
        with self._changed:
            self._projects.release(account, elsewhere)
            if account is None:
                self._telemetry.forget()

    def adopt(self, account: Account, config: Config, budget: Budget, calls_at_once: int) -> None:
        """Apply another configuration; the state of each project carries over by its id.

        Ends the wait after a rejection, since its cause may be fixed. With the same token it does
        so only now and then: frequent tries could lock the account out.
        """
        with self._changed:
            now = self._clock.monotonic()
            if account.name != self._account.name:
                self._telemetry.rename(account.name)
                self._record.account = account.name
            self._account, self._config = account, config
            self._calls_at_once = calls_at_once
            self._client.timeout = config.request_timeout
            self._schedule.budget = budget
            self._projects.adopt(account, config)
            if self._credentials.configure(account):
                self._errors.clear()
                self._schedule.use_new_token(now)
            elif now >= self._forgiven + self._limits.forgiving:
                self._forgiven = now
                self._errors.clear()
                self._schedule.end_waits(now)
            elif self._schedule.is_waiting_for_auth and (wait := self._wait(now)) < inf:
                log.info(STILL_WAITING, account=account.name, wait_seconds=round(wait))
            self._record.record_account(self._schedule, account.requests_per_minute)
            self._changed.notify_all()

    def is_complete(self) -> bool:
        """Return True once every source of every project was tried, or the account was rejected."""
        with self._changed:
            return self._schedule.is_waiting_for_auth or self._projects.is_complete()

    def is_ready(self) -> bool:
        """Return True once every project's portfolio was tried, or the account waits."""
        with self._changed:
            now = self._clock.monotonic()
            waits = self._schedule.is_waiting_for_auth or self._schedule.is_resting(now)
            return waits or self._projects.is_ready()

    def report(self) -> AccountReport:
        """Return the account's state, for people."""
        with self._changed:
            now = self._clock.monotonic()
            refused = self._errors.get(self._projects.authenticate)
            if refused is not None and refused.reason is Reason.AUTH:
                state = "rejected"
            elif self._schedule.is_resting(now) or self._schedule.is_waiting_for_auth:
                state = "waiting"
            else:
                state = "accepted" if self._schedule.authenticated else "not asked yet"
            wait = self._wait(now)
            last = next(reversed(self._errors.values()), None)
            projects = self._projects.report()
        error = refused if state == "rejected" else last
        waits = state in ("rejected", "waiting") and wait < inf
        return AccountReport(
            name=self._account.name,
            state=state,
            error="" if error is None else f"{error.reason.value}: {error.message}",
            next_try=self._clock.now() + max(0.0, wait) if waits else None,
            clock_skew=self._telemetry.clock_skew,
            needed_per_minute=self._schedule.demand * 60,
            stretch=self._schedule.stretch,
            **projects,
        )

    def _wait(self, now: float) -> float:
        return self._schedule.first_due() - now

    # --- The loop ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
                self._turned = self._clock.monotonic()
            except Exception:  # noqa: BLE001 - the loop continues after any fault
                self._record.record_fault()
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, self._limits.fault_nap)

    def _turn(self) -> None:
        """Begin the next call if one is due, else wait until one may be."""
        with self._changed:
            if self._stopping:
                return
            is_busy = self._schedule.under_way >= self._calls_at_once
            following = inf if is_busy else self._schedule.next(self._clock.monotonic())
            if isinstance(following, Call):
                self._begin(following)
                return
            self._changed.wait(max(0.0, min(following, self._limits.longest_nap)))
            is_rejected = self._schedule.is_waiting_for_auth
        if is_rejected and self._credentials.has_changed():
            log.info(TOKEN_CHANGED, account=self._account.name)
            with self._changed:
                self._schedule.use_new_token(self._clock.monotonic())

    def _begin(self, call: Call) -> None:
        try:
            thread = self._new_thread(
                target=self._perform,
                args=(call, self._projects.request(call.task)),
                name=f"quantconnect-{self._account.name}-{call.task.name}",
                daemon=True,  # a call that cannot be interrupted must not keep a process alive
            )
            thread.start()
        except Exception:  # such as RuntimeError, where no thread can be started
            self._schedule.put(call, Fault(), self._clock.monotonic())
            raise
        self._calls.add(thread)

    def _perform(self, call: Call, request: Request[Any]) -> None:
        """Ask QuantConnect, take the answer in, and update the schedule and the record."""
        asked = self._clock.monotonic()
        try:
            if call.task is self._projects.authenticate:
                with self._changed:
                    self._credentials.renew()
            answer = self._client.ask(request)
        except Exception:  # noqa: BLE001 - only this call is lost
            answer = self._record.record_fault(call=call.task.name)
        with self._changed:
            self._calls = {thread for thread in self._calls if thread.is_alive()}
            try:
                if not self._stopping:
                    self.settle(call, answer, asked)
            except Exception:  # noqa: BLE001 - the schedule has the call back by then
                self._record.record_fault(call=call.task.name)
            self._changed.notify_all()

    def settle(self, call: Call, answer: Any | ApiError | Fault, asked: float) -> None:
        """Take in the answer of a call, under the lock; update schedule, record and store.

        ``asked`` is when the call began, on the monotonic clock.
        """
        task, now = call.task, self._clock.monotonic()
        try:
            outcome = self._projects.take_in(call, answer, asked)
        except Exception:  # noqa: BLE001 - only this answer is lost
            outcome = Outcome(self._record.record_fault(call=task.name))
        self._schedule.put(call, outcome.failure, now, is_whole=outcome.is_whole)
        project = self._projects.get(task.project_id or 0)
        if task.project_id is not None and project is None:
            self._record.count(task, outcome)  # the project was removed: nothing else to record
            return
        self._record.record_call(
            task,
            outcome,
            project="" if project is None else project.name or "",
            duration=now - asked,
            interval=self._schedule.interval(task),
            wait=self._wait(now),
        )
        self._record.record_account(self._schedule, self._account.requests_per_minute)
        self._note_error(task, outcome.failure)
        self._projects.publish_changes(call)

    def _note_error(self, task: Task, failure: ApiError | Fault | None) -> None:
        self._errors.pop(task, None)
        if not isinstance(failure, ApiError):
            return
        is_held_up = failure.reason is Reason.RATE_LIMIT or failure.retry_after is not None
        if task.project_id is None or is_held_up:
            self._errors[task] = failure
