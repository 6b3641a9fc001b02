"""Return freed memory to the operating system."""

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


@contextmanager
def returning_memory(*, interval: float = 60.0) -> Iterator[None]:
    """Make glibc return freed memory. Enter it before the first thread starts.

    By default glibc keeps blocks of the size of the first large answer: with slow readers, answers
    of 12 MB left 600 MB allocated. It spreads the threads that call QuantConnect over eight arenas
    per core, and no arena can use another's free memory. It also returns only the memory at the end
    of an arena. Under faults the gaps grow for hours, so trim every ``interval`` seconds. Other
    libcs have neither these calls nor these problems.
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
        while not stop.wait(interval):
            trim(0)

    thread = Thread(target=trimming, name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
