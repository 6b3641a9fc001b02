"""How long to wait after a failure: pure functions of what happened.

The poller is the only one that tries again, so these bounds are the whole of the retrying.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

FIRST = 5.0
LONGEST = 300.0
AUTH_FIRST = 15 * 60.0
AUTH_LONGEST = 2 * 60 * 60.0
RETRY_AFTER_LEAST = 1.0
RETRY_AFTER_MOST = 15 * 60.0


def after_failures(failures: int, *, interval: float, random: Random) -> float:
    """Seconds until the next try after so many failures in a row: exponential, full jitter.

    It doubles from FIRST up to LONGEST, or up to the interval where that is longer. Full jitter,
    anything from 0 to the bound, is what keeps many failing things from coming back in step.
    """
    bound = min(max(LONGEST, interval), FIRST * 2.0 ** min(failures, 32))
    return random.uniform(0, bound)


def after_auth_failures(failures: int) -> float:
    """Seconds of silence after so many rejections in a row.

    QuantConnect locks out the user and the address after repeated bad authentication, so the
    waits are long: 15 minutes, doubling to 2 hours.
    """
    return float(min(AUTH_LONGEST, AUTH_FIRST * 2.0 ** min(failures - 1, 32)))


def retry_after(asked: float) -> float:
    """Seconds that a ``Retry-After`` is honoured: from a second to 15 minutes."""
    return min(RETRY_AFTER_MOST, max(RETRY_AFTER_LEAST, asked))
