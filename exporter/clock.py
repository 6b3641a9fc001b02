"""The two clocks, so that tests can bring their own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Clock:
    """Two clocks, both in seconds: one that only goes forward, and unix time, which may be set."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
