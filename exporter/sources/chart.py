"""live/chart/read: a project's equity and its benchmark over time.

A chart belongs to the project and continues over all deployments. The request divides its window
into ``count`` buckets, so ``count`` is a resolution, not a limit. If an answer has no chart,
QuantConnect is still loading it; an empty chart looks different.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    finite,
    folded,
    mapping,
    problem,
    refuse_errors,
    refuse_unready,
    sequence,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Window(Struct, frozen=True):
    """The part of a chart from ``start`` to ``end`` (unix seconds), in about ``count`` buckets."""

    start: int
    end: int
    count: int

    @property
    def bucket(self) -> float:
        """The width of a bucket in seconds."""
        return (self.end - self.start) / self.count


class Point(Struct, frozen=True, order=True):
    """A value at a time, in unix seconds."""

    time: float
    value: float


class Series(Struct, frozen=True):
    """The points of one series of a chart, by ascending time, without duplicates."""

    points: tuple[Point, ...]
    problems: tuple[Problem, ...]


def equity(project_id: int, window: Window) -> Request[Series]:
    """Return the call for equity, in the account's currency whatever the chart's unit says."""
    return _request(project_id, window, chart="Strategy Equity", series="Equity")


def benchmark(project_id: int, window: Window) -> Request[Series]:
    """Return the call for the benchmark's value."""
    return _request(project_id, window, chart="Benchmark", series="Benchmark")


def _request(project_id: int, window: Window, *, chart: str, series: str) -> Request[Series]:
    return Request(
        Endpoint.LIVE_CHART_READ,
        {
            "projectId": project_id,
            "name": chart,
            "start": window.start,
            "end": window.end,
            "count": window.count,
        },
        partial(decode_series, series=series, window=window),
    )


def decode_series(payload: Mapping[str, object], *, series: str, window: Window) -> Series:
    """Return one series of an answer of live/chart/read; it may have no points.

    A point is ``[time, value]``, a candle (its close counts), or ``{"x": …, "y": …}``. A point
    whose value is null is left out. Raises ApiError: not_ready when the chart is loading or
    missing; malformed when no point of it can be read, and when one is outside the window by more
    than a bucket; api_error when there is no such series and the answer names errors.
    """
    answer = folded(payload)
    refuse_unready(answer, "chart", Endpoint.LIVE_CHART_READ)
    chart = folded(mapping(answer["chart"], "live/chart/read: chart"))
    if chart and "series" not in chart:
        raise ApiError(Reason.MALFORMED, "live/chart/read: series is missing, expected an object")
    found = mapping(chart.get("series"), "live/chart/read: chart.series")
    if series not in found:  # no sample in the window
        refuse_errors(answer, f"live/chart/read: no series {series}")
        return Series((), ())
    where = f"chart.series[{series}]"
    described = folded(mapping(found[series], f"live/chart/read: {where}"))
    if "values" not in described:
        raise ApiError(
            Reason.MALFORMED, f"live/chart/read: {where}: values is missing, expected an array"
        )
    problems: list[Problem] = []
    points: dict[float, Point] = {}
    values = sequence(described["values"], f"live/chart/read: {where}.values")
    for index, value in enumerate(values):
        point = _point(value, f"{where}.values[{index}]", problems)
        if point is None:
            continue
        if not window.start - window.bucket <= point.time <= window.end + window.bucket:
            raise ApiError(
                Reason.MALFORMED,
                f"live/chart/read: {where}: a point at {point.time:.15g} is outside the window from"
                f" {window.start} to {window.end}",
            )
        points[point.time] = point
    if problems and not points:
        raise ApiError(
            Reason.MALFORMED,
            f"live/chart/read: no point can be read, {problems[0].where}: {problems[0].message}",
        )
    return Series(tuple(sorted(points.values())), tuple(problems))


def _point(sent: object, where: str, problems: list[Problem]) -> Point | None:
    """Return a point; None if it has no value or cannot be read."""
    match sent:
        case [at, value] | [at, _, _, _, value]:
            pass
        case dict():
            raw = folded(sent)
            at, value = raw.get("x"), raw.get("y")
        case _:
            problems.append(problem("values", where, sent, "a point"))
            return None
    if value is None:
        return None
    time, number = finite(at), finite(value)
    if time is None:
        problems.append(problem("values", f"{where}: time", at, "a finite number"))
    elif number is None:
        problems.append(problem("values", where, value, "a finite number"))
    else:
        return Point(time, number + 0.0)  # no minus zero
    return None
