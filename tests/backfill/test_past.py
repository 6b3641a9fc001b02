"""A project's past: these charts in, those points out, and no more calls than it needs."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from exporter.backfill.past import LEFT_OUT, NO_BENCHMARK, OTHER_ACCOUNT, Past, day, read
from exporter.quantconnect.errors import ApiError, Reason

from .given import DAY, HOUR, MIDNIGHT, MINUTE, Charts, asking, chart

if TYPE_CHECKING:
    from collections.abc import Mapping

START, END = MIDNIGHT - 200 * DAY, MIDNIGHT
Samples = list[tuple[float, float]]


def daily(start: int, end: int) -> Samples:
    return [(at, at / 1e6) for at in range(start, end + 1, DAY)]


def fine(start: int, end: int, step: int = MINUTE) -> Samples:
    return [(at, at / 1e6) for at in range(start, end + 1, step)]


def past(charts: Charts, *, start: int = START, end: int = END, configured: bool = False) -> Past:
    return read(7, asking(charts), start=start, end=end, is_currency_configured=configured)


def refused(charts: Charts, *, start: int = START, end: int = END) -> tuple[Reason, str]:
    with pytest.raises(ApiError) as caught:
        past(charts, start=start, end=end)
    return caught.value.reason, caught.value.message


def points(samples: tuple[Any, ...]) -> Samples:
    return [(point.time, point.value) for point in samples]


# --- What is asked for ----------------------------------------------------------------------------


def test_daily_samples_take_a_call_for_90_days() -> None:
    samples = daily(START, END)
    charts = Charts(equity=samples, benchmark=samples)
    found = past(charts)
    assert points(found.equity) == points(found.benchmark) == samples
    wide = [
        (START, START + 90 * DAY, 1440),
        (START + 90 * DAY, START + 180 * DAY, 1440),
        (START + 180 * DAY, END, 320),
    ]
    assert charts.windows() == charts.windows("Benchmark") == wide


def test_where_samples_are_finer_they_come_every_five_minutes() -> None:
    """Twenty days by the minute are seven windows of three days."""
    begins = END - 20 * DAY
    samples = daily(START, begins - DAY) + fine(begins, END)
    charts = Charts(equity=samples)
    found = points(past(charts).equity)
    assert set(found) <= set(samples)
    assert found == sorted(found)
    assert [point for point in found if point[0] < begins] == daily(START, begins - DAY)
    assert max(b[0] - a[0] for a, b in pairwise(found[-20 * 288 :])) == 300
    narrow = charts.windows()[3:]
    assert [count for _, _, count in narrow] == [864] * 6 + [576]
    assert (narrow[0][0] <= begins <= narrow[0][1], narrow[-1][1]) == (True, END)


def test_fine_samples_with_a_hole_keep_it() -> None:
    samples = fine(END - 10 * DAY, END - 9 * DAY) + fine(END - 2 * DAY, END)
    charts = Charts(equity=samples)
    found = points(past(charts).equity)
    assert [round((b[0] - a[0]) / DAY) for a, b in pairwise(found) if b[0] - a[0] > 300] == [7]
    assert len(charts.windows()) == 3 + 2


def test_the_benchmark_is_asked_for_since_there_is_equity() -> None:
    charts = Charts(equity=daily(END - 5 * DAY, END), benchmark=daily(START, END))
    found = past(charts)
    assert points(found.benchmark) == daily(END - 5 * DAY, END)
    assert charts.windows("Benchmark") == [(END - 5 * DAY, END, 80)]


def test_equity_0_is_no_sample() -> None:
    charts = Charts(equity=[(START, 0.0), *daily(START + DAY, END)])
    assert points(past(charts).equity) == daily(START + DAY, END)


def test_a_point_between_two_windows_counts_once() -> None:
    def answer(_: str, parameters: Mapping[str, Any]) -> object:
        if parameters.get("name") != "Strategy Equity":
            return None
        start, end = parameters["start"], parameters["end"]
        bucket = (end - start) / parameters["count"]
        return chart("Equity", [[start - bucket, 4], [start, 5], [end, 5], [end + bucket, 6]])

    found = points(past(Charts(answer=answer)).equity)
    assert found == [(START, 5), (START + 90 * DAY, 5), (START + 180 * DAY, 5), (END, 5)]


# --- One point ------------------------------------------------------------------------------------


def test_a_project_that_has_one_point() -> None:
    charts = Charts(equity=[(END - 100, 5.0)])
    assert points(past(charts).equity) == [(END - 100, 5.0)]
    middle = START + 190 * DAY
    assert charts.windows()[3:] == [(START + 180 * DAY, middle, 320), (middle, END, 320)]


def only_last(charts: Charts) -> Any:
    """Answer each window with the last of its samples alone."""

    def answer(_: str, parameters: Mapping[str, Any]) -> object:
        if parameters.get("name") != "Strategy Equity":
            return None
        inside = [
            [at, value]
            for at, value in charts.equity
            if parameters["start"] <= at <= parameters["end"]
        ]
        return chart("Equity", inside[-1:])

    return answer


def test_one_point_for_a_window_of_many_is_an_error() -> None:
    charts = Charts(equity=daily(START, END))
    charts.answer = only_last(charts)
    assert refused(charts) == (
        Reason.MALFORMED,
        "live/chart/read: the answer has one point for 90 days (2026-05-10 to 2026-08-08)",
    )


def test_the_newest_point_for_every_window_is_an_error() -> None:
    """As QuantConnect answers start = end = 0."""

    def answer(_: str, parameters: Mapping[str, Any]) -> object:
        if "name" not in parameters:
            return None
        return chart("Equity", [[END, 5]])

    reason, message = refused(Charts(answer=answer), start=END - 60 * DAY)
    assert (reason, message) == (
        Reason.MALFORMED,
        "live/chart/read: the answer has one point for 60 days (2026-09-27 to 2026-11-26)",
    )


def test_one_point_for_three_days_that_have_more_is_an_error() -> None:
    charts = Charts(equity=fine(END - 6 * DAY, END))
    last = only_last(charts)
    charts.answer = lambda endpoint, parameters: (
        last(endpoint, parameters) if parameters.get("count") == 864 else None
    )
    reason, message = refused(charts, start=END - 6 * DAY)
    assert (reason, message) == (
        Reason.MALFORMED,
        "live/chart/read: the answer has one point for 3 days (2026-11-20 to 2026-11-23)",
    )


def test_a_failure_while_one_point_is_looked_into() -> None:
    failure = ApiError(Reason.AUTH, "no")
    charts = Charts(equity=[(END - 100, 5.0)])
    charts.answer = lambda _, parameters: (
        failure if parameters.get("start") == START + 190 * DAY else None
    )
    assert refused(charts) == (Reason.AUTH, "no (2026-11-16 to 2026-11-26)")


def test_two_days_may_have_one_point() -> None:
    charts = Charts(equity=[(END - DAY, 5.0)])
    assert len(past(charts, start=END - 2 * DAY).equity) == 1
    assert len(charts.windows()) == 1


def test_a_narrow_window_with_less_than_the_wide_one_changes_nothing() -> None:
    samples = fine(END - 3 * DAY, END, HOUR)
    charts = Charts(equity=samples)
    charts.answer = lambda _, parameters: (
        chart("Equity", []) if parameters.get("count") == 864 else None
    )
    found = points(past(charts, start=END - 3 * DAY).equity)
    assert found
    assert set(found) <= set(samples)


# --- Failures -------------------------------------------------------------------------------------


def test_no_equity_at_all() -> None:
    assert refused(Charts(benchmark=daily(START, END))) == (
        Reason.NOT_READY,
        "QuantConnect has no equity since 2026-05-10",
    )


def test_an_error_says_which_window() -> None:
    charts = Charts(answer=lambda _, each: {"progress": 0} if "name" in each else None)
    assert refused(charts) == (
        Reason.NOT_READY,
        "live/chart/read: still loading (2026-05-10 to 2026-08-08)",
    )


def benchmark_fails(reason: Reason) -> Charts:
    failure = ApiError(reason, "no such chart")
    charts = Charts(equity=daily(START, END))
    charts.answer = lambda _, each: failure if each.get("name") == "Benchmark" else None
    return charts


def test_a_project_without_a_benchmark(caplog: pytest.LogCaptureFixture) -> None:
    found = past(benchmark_fails(Reason.API_ERROR))
    assert (len(found.equity), found.benchmark) == (201, ())
    assert caplog.messages == [NO_BENCHMARK]


def test_a_benchmark_that_cannot_be_had_now() -> None:
    assert refused(benchmark_fails(Reason.TIMEOUT)) == (
        Reason.TIMEOUT,
        "no such chart (2026-05-10 to 2026-08-08)",
    )


def test_points_that_cannot_be_read_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    charts = Charts()
    charts.answer = lambda _, each: (
        chart("Equity", [[END - DAY, "x"], [END, 5]])
        if each.get("name") == "Strategy Equity"
        else None
    )
    assert len(past(charts, start=END - 2 * DAY).equity) == 1
    assert caplog.messages == [LEFT_OUT]
    (record,) = caplog.records
    assert record.__dict__["fields"] == {
        "project_id": 7,
        "points": 1,
        "first": 'chart.series[Equity].values[0]: found string "x", expected a finite number',
    }


# --- Deployments ----------------------------------------------------------------------------------


def deployment(days: float | None, brokerage: str, project_id: int = 7) -> dict[str, object]:
    launched = "" if days is None else f"{day(END - days * DAY)} 00:00:00"
    return {
        "projectId": project_id,
        "status": "Stopped",
        "launched": launched,
        "brokerage": brokerage,
        "environment": "paper",
    }


PAPER, INTERACTIVE = "PaperBrokerage", "InteractiveBrokersBrokerage"


@pytest.mark.parametrize(
    ("deployments", "begins"),
    [
        ([], 200),
        ([deployment(150, PAPER), deployment(50, PAPER)], 200),
        ([deployment(50, INTERACTIVE), deployment(150, PAPER)], 50),
        ([deployment(20, INTERACTIVE), deployment(50, INTERACTIVE), deployment(60, PAPER)], 50),
        ([deployment(250, INTERACTIVE), deployment(300, PAPER)], 200),
        ([deployment(50, PAPER), deployment(60, INTERACTIVE, 8)], 200),
        ([deployment(50, PAPER), deployment(None, INTERACTIVE)], 200),
    ],
)
def test_another_account_before(
    caplog: pytest.LogCaptureFixture, deployments: list[dict[str, object]], begins: int
) -> None:
    charts = Charts(equity=daily(START, END), deployments=deployments)
    first = past(charts).equity[0].time
    assert (END - first) / DAY == begins
    assert caplog.messages == [OTHER_ACCOUNT] * (begins != 200)


def test_a_configured_currency_is_that_of_all_deployments() -> None:
    deployments = [deployment(50, INTERACTIVE), deployment(150, PAPER)]
    charts = Charts(equity=daily(START, END), deployments=deployments)
    assert past(charts, configured=True).equity[0].time == START
    assert "live/list" not in [endpoint for endpoint, _ in charts.asked]
