"""The bytes of a file, read without waiting and without using them up.

Files are read in the event loop, and again whenever they change. A pipe would block the event loop
until its writer is done, and would be empty the second time: as if nothing were protected.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class UnreadableError(Exception):
    """The reason why a file cannot be read.

    ``passing`` if it may end without a change of the file, as a lack of descriptors does.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


def read_file(path: Path, *, most: int) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes; raises UnreadableError."""
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
