"""The charts of live/chart/read: samples of a project's equity and of its benchmark.

LEAN samples equity while an exchange of the project is open, and everything else once a day. The
request's ``count`` is a resolution: its window is divided into that many buckets, and the last
sample of each is sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.simulator.instruments import equity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.simulator.project import Project
    from exporter.simulator.wire import Json

NAMES = ("Strategy Equity", "Benchmark")

MINUTE, DAY = 60, 86_400
KEPT = 30 * DAY
"""Seconds for which each minute's sample is kept; older ones exist once a day, at 0:00 UTC."""

MOST = 10_000  # buckets; QuantConnect's limit is unknown, 5,314 points have been seen
_OPENS, _CLOSES = 14.5 * 3600, 21 * 3600
_WITH_HOURS = frozenset({"Equity", "Option", "Index", "IndexOption"})
_SPY = equity("SPY", "1998-01-02")


@dataclass(frozen=True, slots=True)
class Window:
    """The request's ``start`` and ``end`` (unix seconds, both inclusive), in ``count`` buckets."""

    start: int
    end: int
    count: int


class Sampler:
    """The samples of a deployed project at ``now`` (unix seconds)."""

    def __init__(self, project: Project, now: float) -> None:
        self._deployments = [d for d in reversed(project.deployments) if d.launched <= now]
        types = project.security_types.split(", ")
        self._has_hours = _WITH_HOURS.issuperset(types)
        self._now = now

    def minutes(self, window: Window) -> list[int]:
        """Return the times of the equity samples: each bucket's last."""
        return self._times(window, self._minute)

    def days(self, window: Window) -> list[int]:
        """Return the times of the daily samples: each bucket's last."""
        return self._times(window, self._day)

    def before(self, day: int) -> float:
        """Return the time of the daily sample before ``day``, or of its deployment's launch."""
        deployment = next(d for d in self._deployments if d.launched <= day)
        return max(self._day(day - 1), deployment.launched)

    def _times(self, window: Window, latest: Callable[[float], int]) -> list[int]:
        times = []
        for after, until in self._buckets(window):
            for deployment in self._deployments:
                time = latest(deployment.latest(min(until, self._now)))
                if time > after and time >= deployment.launched:
                    times.append(time)
                    break
        return times

    def _buckets(self, window: Window) -> Iterator[tuple[float, float]]:
        """Return the buckets as (exclusive, inclusive) bounds, without those before the first
        launch or after now. For the window 0 to 0, the whole past is one bucket."""
        start, end = window.start, window.end
        if start == end == 0:
            yield -1.0, self._now
            return
        width = max((end - start) / min(window.count, MOST), float(MINUTE))
        first = math.floor((self._deployments[-1].launched - start) / width)
        last = math.ceil((self._now - start) / width)
        for number in range(max(0, first), min(last, math.ceil((end - start) / width) or 1)):
            after = start - 1.0 if number == 0 else start + number * width
            yield after, min(start + (number + 1) * width, end)

    def _minute(self, time: float) -> int:
        """Return the time of the latest equity sample up to ``time``."""
        minute = math.floor(time / MINUTE) * MINUTE
        if self._has_hours:
            minute = _open_minute(minute)
        oldest = self._now - KEPT
        return minute if minute >= oldest else self._day(min(time, oldest))

    def _day(self, time: float) -> int:
        """Return the latest daily sample's time up to ``time``: the midnight after a trading
        day."""
        day = math.floor(time / DAY)
        while self._has_hours and _is_weekend(day - 1):
            day -= 1
        return day * DAY


def read(project: Project, now: float, name: str, window: Window) -> Json:
    """Return the chart ``name`` of ``NAMES``, as the ``chart`` object of the answer."""
    sampler = Sampler(project, now)
    if name == "Benchmark":
        prices: list[object] = [
            [day, _rounded(project.book.market.price(_SPY, day))] for day in sampler.days(window)
        ]
        series = {"Benchmark": _series("Benchmark", "$", 0, 0, prices)}
    else:
        returns: list[object] = [
            [day, _rounded(100.0 * _change(project, sampler.before(day), day))]
            for day in sampler.days(window)
        ]
        candles = _candles(project, sampler.minutes(window))
        series = {
            "Equity": {
                "name": "Equity",
                "unit": "$",
                "index": 0,
                "seriesType": 2,
                "values": candles,
            },
            "Return": _series("Return", "%", 1, 3, returns),
        }
    return {"name": name, "chartType": 0, "series": series}


def _candles(project: Project, times: list[int]) -> list[list[float]]:
    """Return candles [time, open, high, low, close], each opening at the previous close."""
    candles = []
    before = None
    for time in times:
        close = _rounded(project.book.equity(time))
        opening = close if before is None else before
        candles.append([time, opening, max(opening, close), min(opening, close), close])
        before = close
    return candles


def _series(name: str, unit: str, index: int, kind: int, values: list[object]) -> Json:
    return {
        "name": name,
        "unit": unit,
        "index": index,
        "seriesType": kind,
        "values": values,
        "color": "",
        "scatterMarkerSymbol": "none",
    }


def _change(project: Project, start: float, end: float) -> float:
    """Return the relative change of equity."""
    before = project.book.equity(start)
    return project.book.equity(end) / before - 1.0 if before else 0.0


def _rounded(value: float) -> float:
    """Round ``value`` as LEAN does for points: to 4 decimals above 1000, else to 7 digits."""
    return round(value, 4) if abs(value) > 1000 else float(f"{value:.7g}")


def _open_minute(minute: int) -> int:
    """Return the latest minute up to ``minute`` in which US exchanges are open, ignoring holidays
    and summer time."""
    day, second = divmod(minute, DAY)
    if not _is_weekend(day) and second >= _OPENS:
        return day * DAY + min(second, int(_CLOSES))
    day -= 1
    while _is_weekend(day):
        day -= 1
    return day * DAY + int(_CLOSES)


def _is_weekend(day: int) -> bool:
    return (day + 3) % 7 >= 5  # day 0, the first of 1970, was a Thursday
