"""The two clocks, so that tests can bring their own."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct


class Clock(Struct, frozen=True):
    """Two clocks, both in seconds: one that only goes forward, and unix time, which may be set."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
