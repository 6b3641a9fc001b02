"""One project's past: its equity and its benchmark, from QuantConnect's charts.

Times and values are those that were sent; nothing is filled in. An answer that may be incomplete is
an error.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.backfill.windows import DAY, halves, narrow, wide
from exporter.log import Log
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources import chart
from exporter.sources.chart import Point, Series, Window
from exporter.sources.status import decode_deployments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.backfill.asking import Asking
    from exporter.quantconnect.fields import Problem
    from exporter.sources.status import Deployment, Listing

log = Log(__name__)

_Chart = Callable[[int, Window], Request[Series]]

# A single point is suspicious in a window longer than this.
_SHORT: Final = 2 * DAY

LEFT_OUT: Final = "Some points cannot be read and are left out"
NO_BENCHMARK: Final = "QuantConnect refuses the benchmark's chart; the past has no benchmark"
OTHER_ACCOUNT: Final = (
    "Earlier deployments were at another brokerage and may be in another currency, so the past"
    " begins after them; set account_currency to include them"
)


class Past(Struct, frozen=True):
    """The points of a project, by ascending time."""

    equity: tuple[Point, ...]
    benchmark: tuple[Point, ...]


def read(
    project_id: int, asking: Asking, *, start: int, end: int, is_currency_configured: bool
) -> Past:
    """Return a project's past from ``start`` to ``end``, both unix seconds.

    Raises ApiError when QuantConnect does not answer, or when an answer may be incomplete.
    """
    if not is_currency_configured:
        since = _same_account_since(asking.ask(_deployments(project_id)).deployments, project_id)
        if since is not None and since > start:
            log.warning(OTHER_ACCOUNT, project_id=project_id, begins=day(since))
            start = int(since)
    equity = _read(project_id, asking, chart.equity, start, end)
    # QuantConnect sends 0 for unknown equity; an account that trades has some.
    equity = tuple(point for point in equity if point.value)
    if not equity:
        raise ApiError(Reason.NOT_READY, f"QuantConnect has no equity since {day(start)}")
    try:
        # Without equity there was no deployment, so there is no benchmark.
        benchmark = _read(project_id, asking, chart.benchmark, int(equity[0].time), end)
    except ApiError as error:
        if error.reason is not Reason.API_ERROR:
            raise
        log.warning(NO_BENCHMARK, project_id=project_id, error=error.message)
        benchmark = ()
    return Past(equity, benchmark)


def day(at: float) -> str:
    """Return a unix time's date in UTC."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


# --- Charts ---------------------------------------------------------------------------------------


def _read(
    project_id: int, asking: Asking, chart_of: _Chart, start: int, end: int
) -> tuple[Point, ...]:
    problems: list[Problem] = []

    def ask(window: Window) -> tuple[Point, ...]:
        try:
            series = asking.ask(chart_of(project_id, window))
        except ApiError as error:
            raise error.with_message(f"{error.message} ({_span(window)})") from None
        problems.extend(series.problems)
        return tuple(point for point in series.points if window.start <= point.time <= window.end)

    coarse: dict[float, Point] = {}
    for window in wide(start, end):
        points = ask(window)
        if len(points) == 1 and window.end - window.start > _SHORT:
            _confirm(window, points[0], ask)
        coarse |= {point.time: point for point in points}
    times = sorted(coarse)
    found = coarse.copy()
    for window in narrow(times, start, end):
        points = ask(window)
        before = times[bisect_left(times, window.start) : bisect_right(times, window.end)]
        if len(points) == 1 and len(before) > 1:
            raise _one_point(window)
        if len(points) >= len(before):
            for time in before:
                found.pop(time, None)
            found |= {point.time: point for point in points}
    if problems:
        first = problems[0]
        log.warning(
            LEFT_OUT,
            project_id=project_id,
            points=len(problems),
            first=f"{first.where}: {first.message}",
        )
    return tuple(sorted(found.values()))


def _confirm(window: Window, point: Point, ask: Callable[[Window], tuple[Point, ...]]) -> None:
    """Raise ApiError unless the two halves of a window have the same single point.

    QuantConnect answers a window that it does not understand with one point. But a project that was
    deployed just now, or only for a day, has a single point too.
    """
    try:
        points = {each for half in halves(window) for each in ask(half)}
    except ApiError as error:
        if error.reason is not Reason.MALFORMED:
            raise
        points = set()
    # The point's time may differ with the bucket.
    if len(points) != 1 or abs(points.pop().time - point.time) > window.bucket:
        raise _one_point(window)


def _one_point(window: Window) -> ApiError:
    days = round((window.end - window.start) / DAY)
    return ApiError(
        Reason.MALFORMED,
        f"live/chart/read: the answer has one point for {days} days ({_span(window)})",
    )


def _span(window: Window) -> str:
    return f"{day(window.start)} to {day(window.end)}"


# --- Deployments ----------------------------------------------------------------------------------


def _deployments(project_id: int) -> Request[Listing]:
    decode = partial(decode_deployments, project_id=project_id)
    return Request(Endpoint.LIVE_LIST, {"projectId": project_id}, decode)


def _same_account_since(deployments: Sequence[Deployment], project_id: int) -> float | None:
    """Return the launch time of the first deployment after which all were at one brokerage.

    None if all were at the same one. The account's currency is that of the newest deployment; a
    deployment at another brokerage counts as another account, as in the poller.
    """
    launched = [
        (each.launched, each.brokerage, each.environment)
        for each in deployments
        if each.project_id == project_id and each.launched is not None
    ]
    launched.sort(reverse=True)
    for (since, *newer), (_, *older) in pairwise(launched):
        if newer != older:
            return since
    return None
