"""live/chart/read: the answer in, its points out, and everything that is no empty chart."""

from __future__ import annotations

import pytest

from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import Problem
from exporter.sources import chart
from exporter.sources.benchmark import BENCHMARK, Benchmark
from exporter.sources.chart import Point, Series, Window, decode_series
from exporter.sources.source import Known
from tests.sources.given import CONFIG, PROJECT, A, P, published

NOON = 1_795_651_200
WINDOW = Window(NOON - 600, NOON + 1800, 8)


def equity(*values: object, **more: object) -> dict[str, object]:
    """An answer with these points of Strategy Equity, and others next to them."""
    others = {"Return": {"name": "Return", "values": [[NOON, 0.01]]}}
    series = {**others, "Equity": {"name": "Equity", "seriesType": 2, "values": list(values)}}
    return {
        "chart": {"name": "Strategy Equity", "chartType": 0, "series": series},
        "success": True,
        **more,
    }


def decoded(payload: dict[str, object]) -> Series:
    return decode_series(payload, series="Equity", window=WINDOW)


def refused(payload: dict[str, object]) -> tuple[Reason, str]:
    with pytest.raises(ApiError) as caught:
        decoded(payload)
    return caught.value.reason, caught.value.message.removeprefix("live/chart/read: ")


# --- The calls ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"), [(chart.equity, "Strategy Equity"), (chart.benchmark, "Benchmark")]
)
def test_the_call(call: object, name: str) -> None:
    request = call(7, WINDOW)  # type: ignore[operator]
    assert request.endpoint is Endpoint.LIVE_CHART_READ
    assert request.parameters == {
        "projectId": 7,
        "name": name,
        "start": NOON - 600,
        "end": NOON + 1800,
        "count": 8,
    }
    series = name.removeprefix("Strategy ")
    answer = {"chart": {"series": {series: {"values": [[NOON, 610.2]]}}}}
    assert request.decode(answer) == Series((Point(NOON, 610.2),), ())


# --- Points ---------------------------------------------------------------------------------------


def test_candles_lines_and_objects() -> None:
    assert decoded(
        equity(
            [NOON, 100_000.0, 100_020.5, 99_990.0, 100_010.25],
            [NOON + 60, 100_011],
            {"x": NOON + 120, "y": 100_012.5, "tooltip": "x"},
            {"X": str(NOON + 180), "Y": "100013.5"},
            [NOON + 240, -0.0],
        )
    ) == Series(
        (
            Point(NOON, 100_010.25),
            Point(NOON + 60, 100_011.0),
            Point(NOON + 120, 100_012.5),
            Point(NOON + 180, 100_013.5),
            Point(NOON + 240, 0.0),
        ),
        (),
    )


def test_a_point_without_a_value_is_left_out() -> None:
    answer = equity(
        [NOON, None, None, None, None],
        [NOON + 60, None],
        {"x": NOON + 120},
        [NOON + 180, 5],
    )
    assert decoded(answer) == Series((Point(NOON + 180, 5.0),), ())


def test_a_time_counts_once_and_points_ascend() -> None:
    answer = equity([NOON + 60, 2], [NOON, 1], [NOON + 60, 3])
    assert decoded(answer).points == (Point(NOON, 1.0), Point(NOON + 60, 3.0))


def test_what_cannot_be_read_is_a_problem() -> None:
    series = decoded(equity([NOON, 1], "x", [NOON], [True, 2], [NOON, 3, 4], [NOON + 60, "many"]))
    assert series.points == (Point(NOON, 1.0),)
    where = "chart.series[Equity].values"
    assert series.problems == (
        Problem("values", f"{where}[1]", 'found string "x", expected a point'),
        Problem("values", f"{where}[2]", "found array of 1, expected a point"),
        Problem("values", f"{where}[3]: time", "found boolean true, expected a finite number"),
        Problem("values", f"{where}[4]", "found array of 3, expected a point"),
        Problem("values", f"{where}[5]", 'found string "many", expected a finite number'),
    )


def test_no_readable_point_is_no_empty_series() -> None:
    where = "chart.series[Equity].values[0]"
    message = f'no point can be read, {where}: found string "many", expected a finite number'
    assert refused(equity([NOON, "many"])) == (Reason.MALFORMED, message)


@pytest.mark.parametrize("seconds", [-901, 2101, NOON * 999])
def test_a_point_outside_the_window(seconds: int) -> None:
    window = f"the window from {NOON - 600} to {NOON + 1800}"
    message = f"chart.series[Equity]: a point at {NOON + seconds} is outside {window}"
    assert refused(equity([NOON, 1], [NOON + seconds, 2])) == (Reason.MALFORMED, message)


@pytest.mark.parametrize("seconds", [-900, 2100])
def test_a_bucket_may_reach_over_the_window(seconds: int) -> None:
    assert len(decoded(equity([NOON + seconds, 2])).points) == 1


# --- Answers without points -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "payload",
    [
        {"chart": {"series": {}}},
        {"chart": {"series": []}},
        {"chart": {"series": None}},
        {"chart": {"name": "Strategy Equity", "series": {"Return": {"values": []}}}},
        {"chart": []},
        {"Chart": {"Series": {"Equity": {"Values": []}}}},
        equity(),
    ],
)
def test_no_point_in_the_window(payload: dict[str, object]) -> None:
    assert decoded(payload) == Series((), ())


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (
            {"progress": 0, "status": "loading", "success": True},
            "still loading",
        ),
        (equity([NOON, 1], status="Loading"), "still loading"),
        ({"progress": 0.25, "success": True}, "still loading"),
        ({"success": True}, "the answer has no chart"),
        ({"chart": None, "success": True}, "the answer has no chart"),
    ],
)
def test_it_is_not_ready(payload: dict[str, object], message: str) -> None:
    assert refused(payload) == (Reason.NOT_READY, message)


def test_another_status_says_nothing() -> None:
    assert len(decoded(equity([NOON, 1], status="completed", progress=1)).points) == 1


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"chart": 5}, "chart: found number 5, expected an object"),
        ({"chart": {"name": "x"}}, "series is missing, expected an object"),
        ({"chart": {"series": "x"}}, 'chart.series: found string "x", expected an object'),
        (
            {"chart": {"series": {"Equity": 5}}},
            "chart.series[Equity]: found number 5, expected an object",
        ),
        (
            {"chart": {"series": {"Equity": {"name": "Equity"}}}},
            "chart.series[Equity]: values is missing, expected an array",
        ),
        (
            {"chart": {"series": {"Equity": {"values": "x"}}}},
            'chart.series[Equity].values: found string "x", expected an array',
        ),
    ],
)
def test_no_chart(payload: dict[str, object], message: str) -> None:
    assert refused(payload) == (Reason.MALFORMED, message)


def test_no_series_next_to_errors() -> None:
    assert refused({"chart": {"series": []}, "errors": ["No live deployment"]}) == (
        Reason.API_ERROR,
        'no series Equity next to errors: string "No live deployment"',
    )


# --- The benchmark that the exporter publishes ----------------------------------------------------


def benchmark(*values: object) -> Benchmark:
    request = BENCHMARK.request(PROJECT, CONFIG, Known(now=NOON + 0.7))
    assert request.parameters == {
        "projectId": 101,
        "name": "Benchmark",
        "start": NOON - 4 * 86_400,
        "end": NOON,
        "count": 200,
    }
    return request.decode({"chart": {"series": {"Benchmark": {"values": list(values)}}}})


def test_the_last_point_is_published() -> None:
    found = benchmark([NOON - 86_400, 610.2], [NOON - 60, 612.9], [NOON, None])
    assert published(BENCHMARK, found) == [f"quantconnect_live_benchmark_value{{{A},{P}}} 612.9"]


def test_no_point_is_no_sample() -> None:
    assert published(BENCHMARK, benchmark()) == []


def test_a_benchmark_may_be_0() -> None:
    found = benchmark(["x", 1], [NOON, 0])
    assert published(BENCHMARK, found) == [f"quantconnect_live_benchmark_value{{{A},{P}}} 0.0"]
    assert [problem.field for problem in found.problems] == ["values"]


def test_its_interval() -> None:
    assert BENCHMARK.interval(PROJECT, CONFIG) == 0.0
