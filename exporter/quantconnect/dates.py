"""Dates on the wire: ``2026-01-02 03:04:05`` is seen, ISO 8601 is documented, both are UTC."""

from __future__ import annotations

import re
from datetime import datetime

from exporter.quantconnect.fields import quoted

_TIMESTAMP = re.compile(
    r"(?P<seconds>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,9})?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_NEVER = "0001-01-01"  # .NET's DateTime.MinValue


def parse_timestamp(text: str) -> float | None:
    """Unix seconds of a date and time, UTC unless an offset says otherwise.

    None for an empty text and for .NET's first day, which both mean that it has not happened.
    Raises ValueError for anything that is not one of the two forms, or no date.
    """
    if not text or text.startswith(_NEVER):
        return None
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{quoted(text)} is no date, expected 2026-01-02 03:04:05 or 2026-01-02T03:04:05Z"
        )
    offset = match["offset"] or "Z"
    return datetime.fromisoformat(match["seconds"] + offset).timestamp() + float(
        match["fraction"] or 0
    )
