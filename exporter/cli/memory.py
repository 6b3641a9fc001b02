"""How the process uses memory: what it lets go of goes back to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Final

# Of malloc.h.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_BIG: Final = 1024 * 1024
_ARENAS: Final = 2


def return_memory() -> None:
    """Have glibc return what is let go of. To be called before the first thread is started.

    It would learn from the first big answer to keep blocks of that size, and for slow readers kept
    ten times what they had not read: 12 MB answers left 600 MB behind. And it would spread the
    threads that call QuantConnect over eight arenas a core, none of which can use what is free in
    another, so that memory grows for hours. No other libc has this call, nor these habits.
    """
    with suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _BIG)
        mallopt(_M_ARENA_MAX, _ARENAS)
