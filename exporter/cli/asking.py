"""An account's calls as the doctor makes them: one after the other, and never into a lockout."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from exporter.cli.findings import about_call, about_credentials, is_locked_out
from exporter.quantconnect.errors import ApiError, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.cli.findings import Report
    from exporter.config import Account
    from exporter.quantconnect.client import QuantConnect

T = TypeVar("T")

# Nobody knows how many QuantConnect lets pass; the exporter needs the rest.
_MOST_REJECTIONS = 2

# QuantConnect takes a signature for two hours; well before that somebody should set the clock.
_SKEW = 60.0


class RejectedError(Exception):
    """What was asked for is refused, and has been told of; nothing else of it is to be asked."""


@dataclass
class Skew:
    """Listens to one account's calls for the clock: ``seconds`` that ours is ahead."""

    seconds: float | None = None

    def call(self, endpoint: str) -> None:
        """Nothing to do."""

    def answered(self, endpoint: str, seconds: float, reason: str | None) -> None:
        """Nothing to do."""

    def problem(self, endpoint: str, field: str) -> None:
        """Nothing to do."""

    def skew(self, seconds: float) -> None:
        """Keep what the last answer shows."""
        self.seconds = seconds

    def is_right(self) -> bool:
        """Whether an answer came that shows so."""
        return self.seconds is not None and abs(self.seconds) <= _SKEW


class Asking:
    """Calls to one account, at its pace; what gives nothing becomes a row of the report.

    Calls that are rejected bring the account near a lockout, of the exporter too: after the first
    one ``authenticate`` tells whom it was about, and after the second ``stopped`` is true and
    nothing more is to be asked.
    """

    def __init__(self, account: Account, client: QuantConnect, report: Report, clock: Skew) -> None:
        self._account = account
        self._client = client
        self._report = report
        self._clock = clock
        self._pause = 60 / account.requests_per_minute
        self._rejections = 0
        self.stopped = False

    def credentials(self, what: str) -> bool:
        """Whether user id and token are accepted, after telling so."""
        failure = self._authenticate()
        if failure is None:
            self._report.ok(what, f"user {self._account.user_id} is accepted")
            return True
        self._report.fail(what, _in_words(failure), self._about_credentials(failure))
        return False

    def ask(self, what: str, call: Callable[[], T], *, refused: str) -> T | None:
        """One call; None after telling why it gave nothing.

        ``refused`` is what to do if this user may not have that. Raises RejectedError after a
        rejection.
        """
        time.sleep(self._pause)
        try:
            return call()
        except ApiError as error:
            failure = error
        advice = about_call(failure, refused=refused)
        if failure.reason is Reason.AUTH:
            self._rejected(what, failure, advice)
            raise RejectedError
        if failure.reason is Reason.NOT_READY:
            self._report.note(what, failure.message, advice)
        else:
            self._report.fail(what, _in_words(failure), advice)
        return None

    def _rejected(self, what: str, failure: ApiError, advice: str) -> None:
        """Tell of a rejected call, and whether it was the account that was rejected."""
        said = _in_words(failure)
        self._rejections += 1
        if is_locked_out(failure):
            self.stopped = True
            advice = self._about_credentials(failure)
        elif self._rejections == _MOST_REJECTIONS:
            self.stopped = True
        else:
            second = self._authenticate()
            if second is None:
                said += "; the credentials are still accepted"
            else:
                self.stopped = True
                again = _in_words(second)
                said += "; authenticate, accepted before, now fails "
                said += "too" if again == _in_words(failure) else f"with {again}"
                advice = self._about_credentials(second)
        self._report.fail(what, said, advice)

    def _authenticate(self) -> ApiError | None:
        """Why the account is not accepted, or not known to be; None if it is."""
        time.sleep(self._pause)
        try:
            self._client.authenticate()
        except ApiError as error:
            return error
        return None

    def _about_credentials(self, failure: ApiError) -> str:
        return about_credentials(
            failure, user_id=self._account.user_id, clock_is_right=self._clock.is_right()
        )


def _in_words(failure: ApiError) -> str:
    return f"{failure.reason.value}: {failure.message}"
