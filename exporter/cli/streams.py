"""Failures to write to standard output and error: closed, a full disk, a reader that has closed.

Python itself notices them at exit, when it flushes its buffers, and then exits with status 120 and
a message, even if only a log line is lost.
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

# The errors of writing to a disk, a pipe or a terminal; the commands write to nothing else.
_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE)


def written(command: Callable[[], int]) -> int:
    """Return the command's exit status; 1 if its output is lost.

    Print why, unless the reader closed the pipe. A lost log line does not change the status.
    """
    if sys.stderr is None:
        # It was closed; print would use standard output instead.
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
    """Discard the rest of the buffer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
