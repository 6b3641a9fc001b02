"""The parts of a chart to ask for: wide windows first, then narrow ones where they add points.

QuantConnect keeps fine samples of recent times and a daily sample of the rest; the limit is not
documented. So wide windows cover the whole past, and where their answers are finer than daily,
narrow ones cover it again, at five minutes per point.
"""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Final

from exporter.sources.chart import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOUR, DAY = 3600, 86_400
_WIDE, _WIDE_BUCKET = 90 * DAY, 5400
_NARROW, _NARROW_BUCKET = 3 * DAY, 300
# Points closer than this are not daily.
_FINE: Final = 6 * HOUR


def wide(start: int, end: int) -> list[Window]:
    """Return windows of 90 days, the oldest first; a bucket is an hour and a half."""
    return list(_cut(start, end, _WIDE, _WIDE_BUCKET))


def narrow(times: Sequence[float], start: int, end: int) -> list[Window]:
    """Return the windows of three days in which points at ``times`` are finer than daily.

    A bucket is five minutes, the age at which a sample becomes stale in Prometheus.
    """
    is_fine: set[int] = set()
    for before, after in pairwise(times):
        if after - before < _FINE:
            is_fine |= {int(before - start) // _NARROW, int(after - start) // _NARROW}
    windows = _cut(start, end, _NARROW, _NARROW_BUCKET)
    return [window for number, window in enumerate(windows) if number in is_fine]


def halves(window: Window) -> tuple[Window, Window]:
    """Return the two halves of a window, each in as many buckets."""
    middle = (window.start + window.end) // 2
    return Window(window.start, middle, window.count), Window(middle, window.end, window.count)


def _cut(start: int, end: int, width: int, bucket: int) -> Iterator[Window]:
    for begin in range(start, end, width):
        until = min(end, begin + width)
        yield Window(begin, until, ceil((until - begin) / bucket))
