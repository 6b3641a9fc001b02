"""One account's calls, one after the other and evenly spaced, with a few retries.

The poller never ends, so it spreads retries over hours. This command waits seconds: a call that
keeps failing fails its project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from exporter.poller.schedule import LEAST_RETRY_AFTER, MOST_RETRY_AFTER, backoff
from exporter.quantconnect.errors import ApiError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from exporter.clock import Clock
    from exporter.quantconnect.client import Request

T = TypeVar("T")

_LOADING_TRIES: Final = 2
_LOADING_WAIT: Final = 10.0
_TRIES: Final = 3
_RATE_LIMIT_WAIT: Final = 60.0
_PASSING: Final = frozenset({Reason.CONNECTION, Reason.TIMEOUT, Reason.HTTP_5XX})


class Client(Protocol):
    """Makes one call."""

    def ask(self, request: Request[T]) -> T | ApiError:
        """Return the decoded answer, or the error."""


class Asking:
    """Calls of one account; ``calls_per_second`` is the account's budget."""

    def __init__(
        self,
        client: Client,
        *,
        calls_per_second: float,
        clock: Clock,
        sleep: Callable[[float], None],
        random: Random,
    ) -> None:
        self._client = client
        self._spacing = 1 / calls_per_second
        self._clock = clock
        self._sleep = sleep
        self._random = random
        # The poller may have made a call just now.
        self._next = clock.monotonic() + self._spacing

    def ask(self, request: Request[T]) -> T:
        """Return the answer of a call; raise ApiError if it keeps failing."""
        failures = 0
        while True:
            self._take_turn()
            answer = self._client.ask(request)
            if not isinstance(answer, ApiError):
                return answer
            failures += 1
            wait = self._wait(answer, failures)
            if wait is None:
                raise answer
            self._sleep(wait)

    def _take_turn(self) -> None:
        now = self._clock.monotonic()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._spacing

    def _wait(self, failure: ApiError, failures: int) -> float | None:
        """Return the seconds until the next try; None if another try is useless."""
        if failure.reason is Reason.NOT_READY:
            return _LOADING_WAIT if failures <= _LOADING_TRIES else None
        if failures > _TRIES or failure.reason is Reason.AUTH:
            return None
        if failure.retry_after is not None:
            return min(MOST_RETRY_AFTER, max(LEAST_RETRY_AFTER, failure.retry_after))
        if failure.reason is Reason.RATE_LIMIT:
            return _RATE_LIMIT_WAIT
        if failure.reason in _PASSING:
            return backoff(failures, interval=0.0, random=self._random)
        return None
