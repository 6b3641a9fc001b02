"""How the process uses memory: what it lets go of goes back to the system."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of malloc.h.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_BIG: Final = 1024 * 1024
_ARENAS: Final = 2
_TRIM_SECONDS: Final = 60.0


@contextmanager
def returning_memory() -> Iterator[None]:
    """Have glibc return what is let go of. To be entered before the first thread is started.

    It would learn from the first big answer to keep blocks of that size, and for slow readers kept
    ten times what they had not read: 12 MB answers left 600 MB behind. It would spread the threads
    that call QuantConnect over eight arenas a core, none of which can use what is free in another.
    And it returns only what is free at an arena's end: under faults, what is free in between grows
    for hours, so it is returned each minute. No other libc has these calls, nor these habits.
    """
    libc = ctypes.CDLL(None)
    try:
        mallopt, trim = libc.mallopt, libc.malloc_trim
    except AttributeError:
        yield
        return
    mallopt(_M_MMAP_THRESHOLD, _BIG)
    mallopt(_M_ARENA_MAX, _ARENAS)
    stop = Event()

    def trimming() -> None:
        while not stop.wait(_TRIM_SECONDS):
            trim(0)

    thread = Thread(target=trimming, name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
