"""Log lines with fields, in logfmt or JSON, on stderr.

A message is a constant sentence; what varies goes into fields, so that lines can be searched.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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

_ROOT = "exporter"
_FIELDS = "fields"
_PLAIN = re.compile(r"[^\s=\"\\]+")


class Log:
    """A logger whose calls take fields by keyword."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, /, **fields: object) -> None:
        """What only somebody who looks for a fault wants to see."""
        self._log(logging.DEBUG, message, fields)

    def info(self, message: str, /, **fields: object) -> None:
        """What happened."""
        self._log(logging.INFO, message, fields)

    def warning(self, message: str, /, **fields: object) -> None:
        """What somebody should look at."""
        self._log(logging.WARNING, message, fields)

    def error(self, message: str, /, **fields: object) -> None:
        """What does not work."""
        self._log(logging.ERROR, message, fields)

    def exception(self, message: str, /, **fields: object) -> None:
        """A fault of our own, with its traceback; to be called where it was caught."""
        self._log(logging.ERROR, message, fields, exc_info=True)

    def _log(
        self, level: int, message: str, fields: dict[str, object], *, exc_info: bool = False
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, message, extra={_FIELDS: fields}, exc_info=exc_info)


def configure(
    *,
    level: str,
    format: str,  # noqa: A002
    stream: TextIO | None = None,
) -> None:
    """Send what this package and its libraries log to ``stream``; replaces an earlier set-up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(_json if format == "json" else _logfmt))
    logging.raiseExceptions = False  # a full disk for logs must not become a second fault
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_ROOT).setLevel(LEVELS[level])
    # It warns of odd headers at each call, with what is in them.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


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
