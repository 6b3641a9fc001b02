"""The bytes of a file, without a wait and without using them up.

They are read in the event loop, and again whenever the file changes. A pipe would keep everybody
waiting for whoever writes to it, and be empty the second time: as if nothing were protected.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableError(Exception):
    """Why there is nothing to be had of a file.

    ``passing`` if that may end though the file stays as it is: when descriptors are there again.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


def read_file(path: Path, *, most: int) -> bytes:
    """All of a regular file of at most so many bytes; raises ``UnreadableError``."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                kind = "pipe" if stat.S_ISFIFO(mode) else "device"
                raise UnreadableError(f"a {kind}, and no regular file")
            content = file.read(most + 1)
    except OSError as error:
        raise UnreadableError(error.strerror or type(error).__name__, passing=True) from None
    if len(content) > most:
        raise UnreadableError(f"more than {most} bytes")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
