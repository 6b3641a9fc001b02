"""Failures in a row, task by task, and how long each makes wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.poller import backoff
from exporter.poller.queue import Kind
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from random import Random

    from exporter.poller.queue import Task


@dataclass(frozen=True)
class Failure:
    """How a call failed; ``retry_after`` is what QuantConnect asked for, in seconds."""

    reason: Reason
    retry_after: float | None = None


@dataclass
class _Row:
    """Failures in a row, and how many of them were rejections of the account."""

    failures: int = 0
    rejections: int = 0


class Retries:
    """What failed how often since it last succeeded."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._rows: dict[Task, _Row] = {}
        self._rate_limited = 0

    def failures(self, task: Task) -> int:
        """How often in a row the task has failed."""
        row = self._rows.get(task)
        return 0 if row is None else row.failures

    def forget(self, task: Task) -> None:
        """The task begins anew."""
        self._rows.pop(task, None)

    def forgive(self) -> list[Task]:
        """Forget what the account was rejected for; gives the tasks that waited because of it."""
        rejected = [task for task, row in self._rows.items() if row.rejections]
        for task in rejected:
            del self._rows[task]
        return rejected

    def succeeded(self, task: Task) -> None:
        """The task was answered well."""
        self._rate_limited = 0
        self.forget(task)

    def failed(self, task: Task, failure: Failure, *, interval: float, crowded: bool) -> float:
        """Seconds that the task waits now; ``interval`` is its usual one, 0 if it has none.

        ``crowded`` says that there are more calls than the budget has room for: then no retry
        comes sooner than the usual read, or failing projects would take the others' turns.
        """
        row = self._rows.setdefault(task, _Row())
        row.failures += 1
        if failure.reason is Reason.AUTH:
            row.rejections += 1
            # The authenticate that follows tells whether the account is rejected or only this
            # call; of the latter kind a second one may lock the account out as well.
            rejections = row.rejections - (task.kind is not Kind.AUTHENTICATE)
            if rejections:
                return backoff.after_auth_failures(rejections)
        if failure.reason is Reason.NOT_READY:
            return interval  # it did answer, only without a portfolio yet
        wait = backoff.after_failures(row.failures, interval=interval, random=self._random)
        return max(wait, interval) if crowded else wait

    def rest(self, failure: Failure) -> float:
        """Seconds for which a failure makes the whole account rest."""
        limited = failure.reason is Reason.RATE_LIMIT
        self._rate_limited += limited
        if failure.retry_after is not None:
            return backoff.retry_after(failure.retry_after)
        if not limited:
            return 0.0
        rest = backoff.after_failures(self._rate_limited, interval=0, random=self._random)
        return max(backoff.RETRY_AFTER_LEAST, rest)
