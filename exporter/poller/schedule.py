"""The schedule of one account's calls: outcomes and time in, the next call out.

A schedule has no thread, no clock and no connection, so that a test can simulate an hour of a
hundred thousand projects. The account takes a call from it, makes it and puts it back with its
outcome.

Calls are spaced evenly under the account's budget, without bursts. If the intervals need more than
the budget, all but that of the account-wide live/list are stretched by one factor. Only the
schedule retries calls.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.poller.task import Call
from exporter.quantconnect.errors import ApiError, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from exporter.poller.task import Fault, Task

# The share of the budget that the stretched intervals may use; the rest is for first reads and
# retries.
_HEADROOM: Final = 0.95
# The share that the account-wide live/list may use: without a limit it could take all of a shard's
# small share of the budget, and nothing else would ever be read.
_LISTING_SHARE: Final = 0.9

FIRST_BACKOFF: Final = 5.0
LONGEST_BACKOFF: Final = 300.0
FIRST_LOADING_WAIT: Final = 10.0
FIRST_LOCKOUT_WAIT: Final = 15 * 60.0
LONGEST_LOCKOUT_WAIT: Final = 2 * 60 * 60.0
LEAST_RETRY_AFTER: Final = 1.0
MOST_RETRY_AFTER: Final = 15 * 60.0


class Budget(Struct, frozen=True):
    """The calls per second that this process may make for an account, and the part of live/list.

    ``status_interval`` is the configured interval of the account-wide live/list in seconds; 0 is
    off.
    """

    calls_per_second: float
    status_interval: float = 0.0

    @property
    def listing_interval(self) -> float:
        """Seconds between account-wide live/lists; 0 is off.

        Stretched only where live/list would leave next to nothing of the budget.
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

    The task ``authenticate`` must succeed before any other is due. Times are monotonic.
    """

    def __init__(self, authenticate: Task, budget: Budget, *, random: Random, now: float) -> None:
        self.budget = budget
        self.authenticated = False
        self.under_way = 0
        """The number of calls under way: taken and not put back."""
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
        self.run_now(authenticate, now)

    # --- Intervals --------------------------------------------------------------------------------

    @property
    def demand(self) -> float:
        """The calls per second that the configured intervals need."""
        return self._demand + self.budget.listing

    @property
    def stretch(self) -> float:
        """The factor by which intervals are stretched to fit the budget, 1 or more."""
        left = (self.budget.calls_per_second - self.budget.listing) * _HEADROOM
        return max(1.0, self._demand / left)

    def interval(self, task: Task) -> float:
        """Return the interval in force, in seconds; 0 for a task without a regular interval."""
        if not task.regular_interval:
            return task.listed_interval
        return (
            task.regular_interval if task.source is None else task.regular_interval * self.stretch
        )

    def set_interval(self, task: Task, seconds: float, now: float) -> None:
        """Make the task regular, at this interval; 0 ends that.

        A waiting task keeps its turn, but never comes later than the new interval allows.
        """
        before, task.regular_interval = task.regular_interval, seconds
        self._count_demand(task)
        if not seconds:
            if before:
                self.drop(task)
        elif task.call is None and task.due == inf:
            self._wait(task, now)
        elif task.call is None and not task.failures:
            self._wait(task, min(task.due, now + self.interval(task)))

    def run_now(self, task: Task, now: float) -> None:
        """Run the task now. If it is already under way, run it again: its answer may be outdated.

        A task without a regular interval is run until it succeeds once.
        """
        if task.call is not None:
            task.call.again = True
        else:
            self._wait(task, min(task.due, now))

    def drop(self, task: Task) -> None:
        """Remove a task; the answer of a call under way does not change it."""
        task.regular_interval, task.due, task.call = 0.0, inf, None
        self._count_demand(task)
        self._reset(task)

    def _count_demand(self, task: Task) -> None:
        """Add the task to the demand at its interval, except the account's own few calls."""
        before, task.demand = task.demand, 0.0
        if task.regular_interval and task.source is not None:
            task.demand = task.calls / task.regular_interval
        self._demand += task.demand - before

    def _wait(self, task: Task, due: float) -> None:
        while len(self._heaps) <= task.priority:
            self._heaps.append([])
        task.due = due
        heappush(self._heaps[task.priority], (due, next(self._sequence), task))

    def _reset(self, task: Task) -> None:
        task.failures = task.rejections = 0
        self._rejected.discard(task)

    # --- Turns ------------------------------------------------------------------------------------

    @property
    def is_waiting_for_auth(self) -> bool:
        """True after a failed authenticate: nothing else is called until one succeeds."""
        return not self.authenticated and self._authenticate.failures > 0

    def is_resting(self, now: float) -> bool:
        """Return True while the account must wait, as QuantConnect asked."""
        return now < self._resting_until

    def next(self, now: float) -> Call | float:
        """Return the call to make now, or the seconds to wait, infinity until a call ends."""
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
        """Return the time at which next() has a call; infinity if a call must end first."""
        return max(self._next_slot, self._resting_until, min(map(_due, self._open_heaps)))

    @property
    def _open_heaps(self) -> Sequence[list[tuple[float, int, Task]]]:
        return self._heaps if self.authenticated else self._heaps[:1]

    def put(
        self, call: Call, failure: ApiError | Fault | None, now: float, *, is_whole: bool = True
    ) -> None:
        """Take back a call that has ended, and plan the next ones by its outcome.

        Without ``is_whole``, the reading takes another call: failures count until it is complete.
        """
        task = call.task
        self.under_way -= 1
        if failure is not None:
            self._resting_until = max(self._resting_until, now + self._rest(failure))
        rejected = failure is not None and failure.reason is Reason.AUTH
        # A call of an earlier session says nothing about the present one.
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
            elif task.regular_interval:
                self._wait(task, call.taken + self.interval(task))
        elif task is self._authenticate and call.again:
            self._wait(task, now)  # the failure was about the previous token
        else:
            self._wait(task, now + self._back_off(task, failure))

    def _back_off(self, task: Task, failure: ApiError | Fault) -> float:
        """Return the seconds to wait before a failed task runs again."""
        interval = self.interval(task) if task.regular_interval else 0.0
        task.failures += 1
        if failure.reason is Reason.AUTH:
            task.rejections += 1
            self._rejected.add(task)
            # The authenticate that follows tells whether QuantConnect rejects the account or only
            # this call. Repeating a rejected call may lock the account out too.
            rejections = task.rejections - (task is not self._authenticate)
            if rejections:
                return lockout_wait(rejections)
        if isinstance(failure, ApiError) and failure.is_loading:
            wait = FIRST_LOADING_WAIT * 6.0 ** min(task.failures - 1, 32)
            return min(interval or LONGEST_BACKOFF, wait)
        if failure.reason is Reason.NOT_READY and interval:
            return interval  # QuantConnect answered, but has nothing to publish yet
        wait = backoff(task.failures, interval=interval, random=self._random)
        # While the budget is too small, a retry comes no sooner than the regular read, or failing
        # projects would take the turns of the others.
        is_crowded = task.source is not None and self.stretch > 1
        return max(wait, interval) if is_crowded else wait

    def _rest(self, failure: ApiError | Fault) -> float:
        """Return the seconds that the whole account must wait after a failure."""
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
        """End every wait after a rejection, and authenticate again if necessary."""
        if not self.authenticated:
            self.run_now(self._authenticate, now)
        self.end_waits(now)

    def end_waits(self, now: float) -> None:
        """End every wait after a rejection, with the same token."""
        for task in list(self._rejected):
            self._reset(task)
            self.run_now(task, now)
        if not self.authenticated and self._authenticate.call is None:
            self.run_now(self._authenticate, now)


def _due(heap: list[tuple[float, int, Task]]) -> float:
    """Return the time at which a heap's first task is due; drop outdated entries."""
    while heap and heap[0][2].due != heap[0][0]:
        heappop(heap)
    return heap[0][0] if heap else inf


def backoff(failures: int, *, interval: float, random: Random) -> float:
    """Return the seconds until the next try, by the number of failures in a row.

    Exponential with full jitter, so that failing tasks do not retry at the same time: from 0 to a
    bound that doubles up to LONGEST_BACKOFF, or to the interval if that is longer.
    """
    bound = min(max(LONGEST_BACKOFF, interval), FIRST_BACKOFF * 2.0 ** min(failures, 32))
    return random.uniform(0, bound)


def lockout_wait(rejections: int) -> float:
    """Return the seconds to wait by the number of rejections in a row: 15 minutes to 2 hours.

    QuantConnect locks out the user and the address after repeated failed authentication.
    """
    return min(LONGEST_LOCKOUT_WAIT, FIRST_LOCKOUT_WAIT * 2.0 ** min(rejections - 1, 32))
