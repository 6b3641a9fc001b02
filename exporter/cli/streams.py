"""Standard output and error that cannot be written to: closed, a full disk, a reader that is gone.

Python would find out at the exit, when it writes what is left in its buffers, and end with 120 and
a complaint: also after a clean stop of which nothing but a line of the log is lost.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli.commands import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

# What writing to a disk, a pipe or a terminal fails with. The commands write nowhere else.
_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)


def written(command: Callable[[], int]) -> int:
    """The command's exit status; 1 where what it prints is lost, said unless a reader had enough.

    What the log loses changes nothing.
    """
    if sys.stderr is None:
        # It was closed; print would take standard output in its place.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the exit
    try:
        try:
            return command()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in _LOST:
            raise
        if error.errno != errno.EPIPE:
            print(f"{PROGRAM}: cannot print: {error.strerror}", file=sys.stderr)
        _forget(sys.stdout)
        return 1
    finally:
        try:
            sys.stderr.flush()
        except OSError:
            _forget(sys.stderr)


def _forget(stream: TextIO) -> None:
    """Let what is left in the buffer go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
