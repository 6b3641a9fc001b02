"""What the process asks of the system before strangers may connect: files, and memory back."""

from __future__ import annotations

import ctypes
import resource
from contextlib import suppress
from typing import Final

# Connections that wait for a request, if the process may have so many files open.
_MOST_WAITING: Final = 4096
_M_MMAP_THRESHOLD: Final = -3  # of malloc.h
_BIG: Final = 1024 * 1024


def most_waiting() -> int:
    """How many connections may wait, after asking for all the files that the system allows.

    As Go's programs do: the limit that a shell sets is for those that use select().
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # what there is must do
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_WAITING if files == resource.RLIM_INFINITY else min(_MOST_WAITING, files // 2)


def return_memory() -> None:
    """Have what is big, such as an answer, go back to the system when it is let go.

    glibc would learn from the first answer to keep such blocks, and for slow readers kept ten
    times what they had not read: 12 MB answers left 600 MB behind. No other libc has this call.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _BIG)
