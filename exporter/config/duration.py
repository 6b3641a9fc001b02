"""Prometheus durations (``30s``, ``1h30m``, ``7d``), like ``model.Duration`` of Prometheus.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/ defines the notation: a
sequence of decimal integers with the units y (365 d), w, d, h, m, s and ms, from large to small,
each at most once; and ``0``.
"""

from __future__ import annotations

import re
from typing import Final

_MILLISECONDS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION: Final = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit in _MILLISECONDS))
# The range of an int64 of nanoseconds: Prometheus refuses more.
_MAX_MILLISECONDS: Final = (2**63 - 1) // 1_000_000
_MAX_LENGTH: Final = 64


def parse_duration(text: str) -> float:
    """Return seconds; raises ``ValueError`` if ``text`` is not a Prometheus duration."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text) if 0 < len(text) <= _MAX_LENGTH else None
    if match is None:
        bare = text.isascii() and text.isdigit()
        raise ValueError("it has no unit" if bare else "")
    total = sum(
        int(amount) * size
        for amount, size in zip(match.groups(default="0"), _MILLISECONDS.values(), strict=True)
    )
    if total > _MAX_MILLISECONDS:
        raise ValueError("it is longer than 292 years")
    return total / 1000


def format_duration(seconds: float) -> str:
    """Return the duration as Prometheus writes it, to the millisecond.

    Years and weeks are used only without a remainder: 90d reads better than 12w6d.
    """
    rest = round(seconds * 1000)
    if rest == 0:
        return "0s"
    parts: list[str] = []
    for unit, size in _MILLISECONDS.items():
        if unit in {"y", "w"} and rest % size:
            continue
        amount, rest = divmod(rest, size)
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts)
