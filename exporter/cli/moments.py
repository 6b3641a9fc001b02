"""The values of backfill's flags: a time or an age, projects, a label that Prometheus adds."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from exporter.config.duration import parse_duration
from exporter.config.values import EXPORTER_LABELS, moment

_LABEL: Final = re.compile(r"([a-zA-Z_][a-zA-Z0-9_]*)=(.+)", re.DOTALL)


class Moment(Struct, frozen=True):
    """A time in unix seconds, or a number of seconds before now."""

    seconds: float
    is_age: bool = False

    def at(self, now: float) -> int:
        """Return the time in whole unix seconds."""
        return int(now - self.seconds if self.is_age else self.seconds)


def moment_or_age(text: str) -> Moment:
    """Return the moment of a date, a timestamp or a duration. Raises ValueError."""
    try:
        return Moment(parse_duration(text), is_age=True)
    except ValueError:
        pass
    try:
        return Moment(moment(text))
    except ValueError as error:
        said = f" ({error})" if str(error) else ""
        raise ValueError(
            "expected a duration such as 90d, a date such as 2026-11-01 or a timestamp such as"
            f" 2026-11-01T12:00:00Z, got {text!r}{said}"
        ) from None


def project_ids(text: str) -> frozenset[int]:
    """Return the ids of a comma-separated list. Raises ValueError."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[1-9][0-9]{0,17}", part, re.ASCII) for part in parts):
        raise ValueError(f"expected ids of projects such as 23456789,23456790, got {text!r}")
    return frozenset(map(int, parts))


def target_label(text: str) -> tuple[str, str]:
    """Return a label's name and value, as in ``job=quantconnect``. Raises ValueError."""
    match = _LABEL.fullmatch(text)
    if match is None or match[1].startswith("__"):
        raise ValueError(f"expected NAME=VALUE such as job=quantconnect, got {text!r}")
    if match[1] in EXPORTER_LABELS:
        raise ValueError(
            f"expected a label that Prometheus adds, got {match[1]!r}, which the exporter sets"
        )
    return match[1], match[2]
