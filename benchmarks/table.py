"""What a benchmark says: rows of figures, ours and another's, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Row:
    """One line of the table; ``met`` is None where nothing was to be reached."""

    what: str
    ours: str
    other: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


def at_least(what: str, ours: str, other: str, ratio: float, target: float) -> Row:
    """A row of something that should be ``target`` times as fast, or faster."""
    return Row(what, ours, other, f"{ratio:.3g} ×", f"≥ {target:g} ×", ratio >= target)


def at_most(what: str, ours: str, other: str, ratio: float, target: float) -> Row:
    """A row of something that should take no more than ``target`` times as much."""
    return Row(what, ours, other, f"{ratio:.3g} ×", f"≤ {target:g} ×", ratio <= target)


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} µs"


def size(count: float) -> str:
    """Bytes for people, in MB of 10^6."""
    return f"{count / 1e6:.3g} MB" if count >= 1e6 else f"{count / 1e3:.3g} kB"


def quantile(values: Iterable[float], q: float) -> float:
    """The smallest value that a share ``q`` of all does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-q * len(ordered) // 1) - 1)]


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median over the rounds of the ratio within a round."""
    return median(a / b for a, b in zip(numerators, denominators, strict=True))


def markdown(rows: Iterable[Row]) -> str:
    """The table."""
    lines = ["| | ours | other | ratio | to reach | |", "|---|--:|--:|--:|--:|---|"]
    marks = {True: "✓", False: "✗", None: ""}
    lines += [
        f"| {row.what} | {row.ours} | {row.other} | {row.ratio} | {row.target} | {marks[row.met]} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"
