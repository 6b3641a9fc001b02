"""The order of one account's calls: results and time in, the next call out.

A schedule does nothing itself: it holds no thread, no clock and no connection, so that an hour of a
hundred thousand projects can be played through in a test. The account takes a call from it,
performs it and puts it back with its outcome.

Calls are spaced evenly under the account's budget, without bursts. If the intervals need more than
the budget, all of them but that of the account-wide live/list are stretched by one factor. This is
the only place where anything is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Final

from exporter.poller.task import Call
from exporter.quantconnect.errors import ApiError, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from exporter.poller.task import Fault, Task

# The share of the budget that the stretched intervals may use; the rest is for first reads and for
# tries after failures.
_HEADROOM: Final = 0.95
# The share that the account-wide live/list may use: a shard's share of the budget may be so small
# that live/list would take all of it, and then nothing else would ever be read.
_LISTING_SHARE: Final = 0.9

FIRST_BACKOFF: Final = 5.0
LONGEST_BACKOFF: Final = 300.0
FIRST_LOADING_WAIT: Final = 10.0
FIRST_LOCKOUT_WAIT: Final = 15 * 60.0
LONGEST_LOCKOUT_WAIT: Final = 2 * 60 * 60.0
LEAST_RETRY_AFTER: Final = 1.0
MOST_RETRY_AFTER: Final = 15 * 60.0


@dataclass(frozen=True)
class Budget:
    """The calls per second that this process may make for an account, and what live/list takes.

    ``status_interval`` is that of the account-wide live/list as configured, in seconds; 0 is off.
    """

    calls_per_second: float
    status_interval: float = 0.0

    @property
    def listing_interval(self) -> float:
        """Seconds between account-wide live/lists; 0 is off.

        Never stretched, but for a budget of which it would leave next to nothing.
        """
        if not self.status_interval:
            return 0.0
        return max(self.status_interval, 1 / (self.calls_per_second * _LISTING_SHARE))

    @property
    def listing(self) -> float:
        """Calls per second of the account-wide live/list."""
        return 1 / self.listing_interval if self.listing_interval else 0.0


class Schedule:
    """The schedule of one account. Not safe for threads: the account holds its lock around it.

    ``authenticate`` is the task that must succeed before any other is due. Times are monotonic.
    """

    def __init__(self, authenticate: Task, budget: Budget, *, random: Random, now: float) -> None:
        self.budget = budget
        self.authenticated = False
        self.under_way = 0
        """The number of calls that were taken and not put back."""
        self._authenticate = authenticate
        self._random = random
        self._heaps: list[list[tuple[float, int, Task]]] = []
        self._sequence = count()
        self._demand = 0.0
        self._next_slot = now
        self._resting_until = now
        self._session = 0
        self._rate_limited = 0
        self._rejected: set[Task] = set()
        self.hurry(authenticate, now)

    # --- Intervals --------------------------------------------------------------------------------

    @property
    def demand(self) -> float:
        """Calls per second that the intervals need as they are configured."""
        return self._demand + self.budget.listing

    @property
    def stretch(self) -> float:
        """The factor by which intervals are stretched to fit the budget, 1 or more."""
        left = (self.budget.calls_per_second - self.budget.listing) * _HEADROOM
        return max(1.0, self._demand / left)

    def interval(self, task: Task) -> float:
        """Return the interval in force, in seconds; 0 for a task that does not come regularly."""
        if not task.every:
            return task.listed_every
        return task.every if task.source is None else task.every * self.stretch

    def set_every(self, task: Task, seconds: float, now: float) -> None:
        """Ask for the task at this interval; 0 ends that.

        A task that waits keeps its place, but comes no later than the new interval allows.
        """
        before, task.every = task.every, seconds
        self._count_demand(task)
        if not seconds:
            if before:
                self.drop(task)
        elif task.call is None and task.due == inf:
            self._wait(task, now)
        elif task.call is None and not task.failures:
            self._wait(task, min(task.due, now + self.interval(task)))

    def hurry(self, task: Task, now: float) -> None:
        """Ask for the task now. If it is already under way, ask again: its answer may be outdated.

        A task without a regular interval is asked until it succeeds once.
        """
        if task.call is not None:
            task.call.again = True
        else:
            self._wait(task, min(task.due, now))

    def drop(self, task: Task) -> None:
        """Ask no more for a task; the answer of a call under way has no consequence for it."""
        task.every, task.due, task.call = 0.0, inf, None
        self._count_demand(task)
        self._reset(task)

    def _count_demand(self, task: Task) -> None:
        """Count what the task needs at its interval; the account's own calls are few."""
        before, task.demand = task.demand, 0.0
        if task.every and task.source is not None:
            task.demand = task.calls / task.every
        self._demand += task.demand - before

    def _wait(self, task: Task, due: float) -> None:
        while len(self._heaps) <= task.priority:
            self._heaps.append([])
        task.due = due
        heappush(self._heaps[task.priority], (due, next(self._sequence), task))

    def _reset(self, task: Task) -> None:
        task.failures = task.rejections = 0
        self._rejected.discard(task)

    # --- Taking turns -----------------------------------------------------------------------------

    @property
    def is_waiting_for_auth(self) -> bool:
        """The last authenticate failed, and nothing else is asked until one succeeds."""
        return not self.authenticated and self._authenticate.failures > 0

    def is_resting(self, now: float) -> bool:
        """Return True while QuantConnect wants the account to wait."""
        return now < self._resting_until

    def next(self, now: float) -> Call | float:
        """Return the call to make now, or how many seconds to wait; infinity until a call ends."""
        wait = self.first_due() - now
        if wait > 0:
            return wait
        _, _, task = heappop(next(heap for heap in self._open_heaps if _due(heap) <= now))
        task.due = inf
        task.call = Call(task, now, self._session)
        self._next_slot = now + 1 / self.budget.calls_per_second
        self.under_way += 1
        return task.call

    def first_due(self) -> float:
        """Return when next() has a call; infinity if not before a call ends."""
        return max(self._next_slot, self._resting_until, min(map(_due, self._open_heaps)))

    @property
    def _open_heaps(self) -> Sequence[list[tuple[float, int, Task]]]:
        return self._heaps if self.authenticated else self._heaps[:1]

    def put(
        self, call: Call, failure: ApiError | Fault | None, now: float, *, is_whole: bool = True
    ) -> None:
        """Take back a call that has ended, well or not, and decide what is asked when.

        Without ``is_whole`` its reading takes another call: failures count until that is over.
        """
        task = call.task
        self.under_way -= 1
        if failure is not None:
            self._resting_until = max(self._resting_until, now + self._rest(failure))
        rejected = failure is not None and failure.reason is Reason.AUTH
        # A call that began before the last authenticate says nothing about what came after.
        if rejected and self.authenticated and call.session == self._session:
            self.authenticated = False
            self._wait(self._authenticate, now)
        if task.call is not call:
            return  # dropped meanwhile
        task.call = None
        if failure is None:
            self._rate_limited = 0
            if is_whole:
                self._reset(task)
            if task is self._authenticate:
                self.authenticated = True
                self._session += 1
            elif call.again:
                self._wait(task, now)
            elif task.every:
                self._wait(task, call.taken + self.interval(task))
        elif task is self._authenticate and call.again:
            self._wait(task, now)  # the failure was about the previous token
        else:
            self._wait(task, now + self._back_off(task, failure))

    def _back_off(self, task: Task, failure: ApiError | Fault) -> float:
        """Return the seconds that a task waits after a failure."""
        interval = self.interval(task) if task.every else 0.0
        task.failures += 1
        if failure.reason is Reason.AUTH:
            task.rejections += 1
            self._rejected.add(task)
            # The authenticate that follows tells whether the account is rejected or only this
            # call; a second call of the latter kind may lock the account out as well.
            rejections = task.rejections - (task is not self._authenticate)
            if rejections:
                return lockout_wait(rejections)
        if isinstance(failure, ApiError) and failure.is_loading:
            wait = FIRST_LOADING_WAIT * 6.0 ** min(task.failures - 1, 32)
            return min(interval or LONGEST_BACKOFF, wait)
        if failure.reason is Reason.NOT_READY and interval:
            return interval  # it did answer, only without anything to publish yet
        wait = backoff(task.failures, interval=interval, random=self._random)
        # While there are more calls than the budget has room for, a retry comes no sooner than the
        # usual read, or failing projects would take the turns of the others.
        is_crowded = task.source is not None and self.stretch > 1
        return max(wait, interval) if is_crowded else wait

    def _rest(self, failure: ApiError | Fault) -> float:
        """Return the seconds for which a failure makes the whole account rest."""
        is_limited = failure.reason is Reason.RATE_LIMIT
        self._rate_limited += is_limited
        if failure.retry_after is not None:
            return min(MOST_RETRY_AFTER, max(LEAST_RETRY_AFTER, failure.retry_after))
        if not is_limited:
            return 0.0
        return max(
            LEAST_RETRY_AFTER, backoff(self._rate_limited, interval=0.0, random=self._random)
        )

    # --- Another token, another budget ------------------------------------------------------------

    def use_new_token(self, now: float) -> None:
        """End every wait after a rejection, and authenticate again if that is not done yet."""
        if not self.authenticated:
            self.hurry(self._authenticate, now)
        self.forgive(now)

    def forgive(self, now: float) -> None:
        """End every wait after a rejection, though nothing is known to have changed."""
        for task in list(self._rejected):
            self._reset(task)
            self.hurry(task, now)
        if not self.authenticated and self._authenticate.call is None:
            self.hurry(self._authenticate, now)


def _due(heap: list[tuple[float, int, Task]]) -> float:
    """Return when the first task of a heap is due; drop outdated entries on the way."""
    while heap and heap[0][2].due != heap[0][0]:
        heappop(heap)
    return heap[0][0] if heap else inf


def backoff(failures: int, *, interval: float, random: Random) -> float:
    """Return the seconds until the next try after so many failures in a row.

    Exponential with full jitter: anything from 0 to a bound that doubles up to LONGEST_BACKOFF, or
    up to the interval where that is longer, so that failing tasks do not come back in step.
    """
    bound = min(max(LONGEST_BACKOFF, interval), FIRST_BACKOFF * 2.0 ** min(failures, 32))
    return random.uniform(0, bound)


def lockout_wait(rejections: int) -> float:
    """Return the seconds of silence after so many rejections in a row: 15 minutes to 2 hours.

    QuantConnect locks out the user and the address after repeated failed authentication.
    """
    return min(LONGEST_LOCKOUT_WAIT, FIRST_LOCKOUT_WAIT * 2.0 ** min(rejections - 1, 32))
