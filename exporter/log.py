"""Log lines with fields, in logfmt or JSON, on stderr.

A message is a constant sentence; what varies goes into fields, so that lines can be searched.
Nothing waits for the lines to be read: they are written by a thread of their own, and where a
full pipe or a full disk holds that up, later lines are left out, counted and told of.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
FORMATS = ("logfmt", "json")

LINES: Final = 1000
"""The most lines that wait for a stream that does not take them."""
FLUSH: Final = 1.0
"""Seconds to wait for them when the process ends."""

_ROOT = "exporter"
_FIELDS = "fields"
_PLAIN = re.compile(r"[^\s=\"\\]+")


class Log:
    """A logger whose calls take fields by keyword."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, /, **fields: object) -> None:
        """Log details for debugging."""
        self._log(logging.DEBUG, message, fields)

    def info(self, message: str, /, **fields: object) -> None:
        """Log an event."""
        self._log(logging.INFO, message, fields)

    def warning(self, message: str, /, **fields: object) -> None:
        """Log a condition that needs attention."""
        self._log(logging.WARNING, message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        """Log something that does not work."""
        self._log(logging.ERROR, message, fields)

    def exception(self, message: str, /, **fields: object) -> None:
        """Log a fault of our own with its traceback, where it was caught."""
        self._log(logging.ERROR, message, fields, exc_info=True)

    def _log(
        self, level: int, message: str, fields: dict[str, object], *, exc_info: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, message, extra={_FIELDS: fields}, exc_info=exc_info)


def flush() -> None:
    """Wait until what was logged is written, or for ``FLUSH`` seconds."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def configure(
    *,
    level: str,
    format: str,  # noqa: A002
    stream: TextIO | None = None,
) -> None:
    """Send what this package and its libraries log to ``stream``; replaces an earlier set-up."""
    line = _json if format == "json" else _logfmt
    root = logging.getLogger()
    handler = _Writer(_writes_to(stream or sys.stderr), _Formatter(line))
    for earlier in root.handlers:
        earlier.close()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_ROOT).setLevel(LEVELS[level])
    # It warns of odd headers at each call, with what is in them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def _writes_to(stream: TextIO) -> Callable[[str], None]:
    """Return the function that writes a text to the stream's file.

    It goes past the stream where there is a file: a thread that waits until somebody reads its pipe
    would keep the stream's lock, which the end of the process needs.
    """

    def to_stream(text: str) -> None:
        stream.write(text)
        stream.flush()

    def to_file(text: str) -> None:
        rest = text.encode(stream.encoding, "backslashreplace")
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):  # it is closed, or in memory
        return to_stream
    return to_file


class _Writer(logging.Handler):
    """Hands lines to the thread that writes them; never waits for it, except to flush."""

    def __init__(self, write: Callable[[str], None], formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._write_text = write
        # The one queue that a signal's handler may log to while its thread is logging.
        self._lines: SimpleQueue[str | threading.Event | None] = SimpleQueue()
        self._left_out = 0
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the line on, or count it."""
        if self._lines.qsize() < LINES:
            self._lines.put(self.format(record))
        else:
            self._left_out += 1

    def flush(self) -> None:
        """Wait for the thread, but not for ever."""
        written = threading.Event()
        self._lines.put(written)
        written.wait(FLUSH)

    def close(self) -> None:
        """End the thread when it has written what it was handed."""
        self._lines.put(None)
        super().close()

    def _write(self) -> None:
        told = failed = 0
        while (line := self._lines.get()) is not None:
            if isinstance(line, threading.Event):
                line.set()
                continue
            lost = self._left_out + failed
            try:
                if lost > told:
                    self._write_text(self.format(_lost(lost - told)) + "\n")
                    told = lost
                self._write_text(line + "\n")
            except (OSError, ValueError):  # the disk is full, or the stream is closed
                failed += 1


def _lost(lines: int) -> logging.LogRecord:
    level = logging.WARNING
    return logging.makeLogRecord(
        {
            "name": _ROOT,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": "Lines of the log are lost: nothing took them",
            _FIELDS: {"lines": lines},
        }
    )


class _Formatter(logging.Formatter):
    """A record as fields; how those become a line is passed in."""

    def __init__(self, line: Callable[[dict[str, Any]], str]) -> None:
        super().__init__()
        self._line = line

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in the record."""
        fields: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": "warn" if record.levelno == logging.WARNING else record.levelname.lower(),
            "msg": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return self._line(fields)


def _logfmt(fields: dict[str, Any]) -> str:
    return " ".join(f"{key}={_quoted(value)}" for key, value in fields.items())


def _json(fields: dict[str, Any]) -> str:
    """In ASCII: the same on every terminal, and no sign in it changes how others look."""
    return json.dumps(fields, default=str)


def _quoted(value: object) -> str:
    """A value of logfmt: as it is where that is unmistakable, else quoted on one line.

    What cannot be printed is not: a control sign, or one that turns the direction of writing.
    """
    if isinstance(value, bool):
        return str(value).lower()
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and _PLAIN.fullmatch(text) else json.dumps(text)
