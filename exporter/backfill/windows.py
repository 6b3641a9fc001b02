"""The parts of a chart to ask for: wide windows first, then narrow ones where they pay.

QuantConnect keeps fine samples of the newest time and a sample a day of the rest; how long, nobody
says. So the whole past is asked for in wide windows, and a second time, five minutes a point, where
their answers are finer than daily.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Final

from exporter.sources.chart import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.sources.chart import Point

HOUR, DAY = 3600, 86_400
_WIDE, _WIDE_BUCKET = 90 * DAY, 5400
_NARROW, _NARROW_BUCKET = 3 * DAY, 300
# Points closer than this are no daily ones.
_FINE: Final = 6 * HOUR


def wide(start: int, end: int) -> list[Window]:
    """Return windows of 90 days, the oldest first; a bucket is an hour and a half."""
    return list(_cut(start, end, _WIDE, _WIDE_BUCKET))


def narrow(points: Sequence[Point], start: int, end: int) -> list[Window]:
    """Return the windows of three days in which ``points`` are finer than daily.

    A bucket is five minutes, the age from which Prometheus takes a sample for outdated.
    """
    close: set[float] = set()
    for before, after in pairwise(points):
        if after.time - before.time < _FINE:
            close |= {before.time, after.time}
    return [
        window
        for window in _cut(start, end, _NARROW, _NARROW_BUCKET)
        if any(window.start <= time <= window.end for time in close)
    ]


def halves(window: Window) -> tuple[Window, Window]:
    """Return the two halves of a window, each in as many buckets."""
    middle = (window.start + window.end) // 2
    return Window(window.start, middle, window.count), Window(middle, window.end, window.count)


def _cut(start: int, end: int, width: int, bucket: int) -> Iterator[Window]:
    for begin in range(start, end, width):
        until = min(end, begin + width)
        yield Window(begin, until, ceil((until - begin) / bucket))
