"""The only place that counts and logs calls and sets the success of reads."""

from __future__ import annotations

import time
import traceback
from math import inf
from typing import TYPE_CHECKING, Final

from exporter.log import Log
from exporter.poller.task import Fault
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.clock import Clock
    from exporter.poller.schedule import Schedule
    from exporter.poller.task import Outcome, Task
    from exporter.telemetry import AccountTelemetry

log = Log(__name__)

FAULT: Final = "A fault of this exporter, please report it"
READ_FAILED: Final = "Reading failed"
READ_SUCCEEDS: Final = "Reading succeeds again"
CALL_FAILED: Final = "A call for the account failed"
CALL_SUCCEEDS: Final = "API calls succeed again"
ACCEPTED: Final = "QuantConnect accepts the account"
REJECTED: Final = (
    "QuantConnect rejects the user id or the token; check both and this machine's clock. Nothing is"
    " sent until the wait is over, the token changes or a reload asks for it, since repeated tries"
    " lock the account out"
)
LEFT_OUT: Final = "Left out what could not be understood"
ALL_UNDERSTOOD: Final = "Everything can be understood again"
STRETCHED: Final = (
    "The projects need more calls than requests_per_minute allows; intervals are stretched"
)
NOT_STRETCHED: Final = "Intervals are no longer stretched"
UNREAD: Final = "Live projects are not read: neither configured nor discovered"
_MOST_NAMED: Final = 10

# Seconds between log lines of a fault that recurs.
_QUIET_SECONDS: Final = 60.0
_MOST_FAULTS: Final = 100
# The stretch is logged again after a change by this factor.
_STRETCH_NEWS: Final = 1.5


class Record:
    """The record of one account; used under the account's lock, but for ``record_fault``."""

    def __init__(
        self,
        account: str,
        telemetry: AccountTelemetry,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account = account
        # Python's own clock by default: the fault may be in ours.
        self._monotonic = monotonic
        self._telemetry = telemetry
        self._clock = clock
        self._stretch = 1.0
        self._unread: set[int] = set()
        self._faults: dict[str, float] = {}

    def record_call(
        self,
        task: Task,
        outcome: Outcome,
        *,
        project: str,
        duration: float,
        interval: float,
        wait: float,
    ) -> None:
        """Record a call that took ``duration`` seconds; the account's next call comes in ``wait``.

        ``project`` is the name of the task's project, empty for a task of the account.
        """
        self.count(task, outcome)
        if not outcome.is_whole:
            return
        self._log(task, outcome, project, wait)
        self.record_share(task, outcome, duration=duration, interval=interval)

    def count(self, task: Task, outcome: Outcome) -> None:
        """Count a failed call, and the parts left out of an answer."""
        failure = outcome.failure
        if failure is not None and failure.reason is not None:
            self._telemetry.failed(task.endpoint, failure.reason)
        for problem in outcome.problems:
            self._telemetry.problem(task.endpoint, problem.field)

    def record_share(
        self, task: Task, outcome: Outcome, *, duration: float, interval: float
    ) -> None:
        """Record a task's part of an account-wide answer.

        The account's own task has counted and logged the call.
        """
        task.note(outcome, at=self._clock.now(), duration=duration, interval=interval)

    def _log(self, task: Task, outcome: Outcome, project: str, wait: float) -> None:
        fields: dict[str, object]
        if task.project_id is None:
            fields = {"account": self.account, "call": task.name}
            failed, succeeds = CALL_FAILED, CALL_SUCCEEDS
        else:
            fields = {"project_id": task.project_id, "project": project, "source": task.name}
            failed, succeeds = READ_FAILED, READ_SUCCEEDS
        failure = outcome.failure
        if failure is not None:
            reason = "fault" if failure.reason is None else failure.reason.value
            fields |= {"reason": reason, "error": failure.message}
            is_new = task.news.is_new(reason, failure.message)
            if task.name == "authenticate" and failure.reason is Reason.AUTH:
                log.error(REJECTED, **fields, wait_seconds=round(wait))
            elif is_new:
                log.warning(failed, **fields)
            return
        if task.news.end():
            log.info(succeeds, **fields)
        elif task.name == "authenticate":
            log.info(ACCEPTED, account=self.account)
        if task.left_out and not outcome.problems:
            log.info(ALL_UNDERSTOOD, **fields)
        for problem in task.left_out.update(outcome.problems):
            log.warning(
                LEFT_OUT, **fields, where=problem.where, field=problem.field, found=problem.message
            )

    def record_account(self, schedule: Schedule, requests_per_minute: float) -> None:
        """Record the account's authentication and the use of its budget."""
        self._telemetry.authenticated(accepted=schedule.authenticated)
        # Rounded, against the float noise of adding and removing intervals.
        self._telemetry.demand(round(schedule.demand, 9))
        stretch, said = schedule.stretch, self._stretch
        is_alike = max(stretch, said) < _STRETCH_NEWS * min(stretch, said)
        if is_alike and (stretch > 1) == (said > 1):
            return
        self._stretch = stretch
        if stretch > 1:
            log.warning(
                STRETCHED,
                account=self.account,
                needed_per_minute=schedule.demand * 60,
                requests_per_minute=requests_per_minute,
                stretched_by=stretch,
            )
        else:
            log.info(NOT_STRETCHED, account=self.account)

    def record_unread(self, names: Mapping[int, str]) -> None:
        """Record the live projects that are not read, by id; a name may be empty."""
        self._telemetry.unread(len(names))
        if names and names.keys() != self._unread:
            shown = [f"{id_} ({name})" if name else str(id_) for id_, name in sorted(names.items())]
            more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
            projects = ", ".join(shown[:_MOST_NAMED]) + more
            log.warning(UNREAD, account=self.account, projects=projects)
        self._unread = set(names)

    def record_fault(self, **fields: object) -> Fault:
        """Count and log a fault of the exporter, where it was caught; safe for threads."""
        self._telemetry.fault()
        text, now = traceback.format_exc(), self._monotonic()
        if now - self._faults.get(text, -inf) >= _QUIET_SECONDS:
            if len(self._faults) >= _MOST_FAULTS:
                self._faults.clear()
            self._faults[text] = now
            log.exception(FAULT, account=self.account, **fields)
        return Fault()
