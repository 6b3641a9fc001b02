"""What the process asks of the system before strangers may connect."""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

# Connections that wait for a request, if the process may have so many files open.
_MOST_WAITING: Final = 4096
MOST_WAITING_OVER_TLS: Final = 512
"""Fewer, since each takes 300 KiB of memory, most of it a buffer of asyncio's, from the start."""


def most_waiting() -> int:
    """How many connections may wait, after asking for all the files that the system allows.

    As Go's programs do: the limit that a shell sets is for those that use select().
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # what there is must do
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_WAITING if files == resource.RLIM_INFINITY else min(_MOST_WAITING, files // 2)
