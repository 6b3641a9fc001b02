"""live/chart/read: what a reader sees of a project's equity over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import Deployment, World
from exporter.simulator.api import Api
from exporter.simulator.demo import SPY
from tests.support import given_world

from .conftest import STARTED, Clock

if TYPE_CHECKING:
    from .client import Client

EQUITIES, CRYPTO, NEVER, OLD, STOPPING = 21048731, 22057483, 23580029, 20655318, 23019847
DAY = 86_400
TUESDAY = 1_794_873_600  # 2026-11-17 00:00 UTC, the day before the demo's start
SATURDAY = TUESDAY - 3 * DAY


def chart(client: Client, project_id: int, start: int, end: int, count: int) -> dict[str, Any]:
    answer = client.post(
        "live/chart/read",
        {
            "projectId": project_id,
            "name": "Strategy Equity",
            "start": start,
            "end": end,
            "count": count,
        },
    ).json()
    assert answer["success"] is True
    series: dict[str, Any] = answer["chart"]["series"]
    return series


def times(series: dict[str, Any]) -> list[int]:
    return [point[0] for point in series["values"]]


def test_equity_and_return(client: Client, world: World) -> None:
    opens = TUESDAY + int(14.5 * 3600)
    book = world.project(EQUITIES).book
    closes = [round(book.equity(at), 4) for at in (opens, opens + 60, opens + 120)]
    first, second, third = closes
    answer = client.post(
        "live/chart/read",
        {
            "projectId": EQUITIES,
            "name": "Strategy Equity",
            "start": opens - 600,
            "end": opens + 120,
            "count": 12,
        },
    ).json()
    assert answer == {
        "chart": {
            "name": "Strategy Equity",
            "chartType": 0,
            "series": {
                "Equity": {
                    "name": "Equity",
                    "unit": "$",
                    "index": 0,
                    "seriesType": 2,
                    "values": [
                        [opens, first, first, first, first],
                        [opens + 60, first, max(first, second), min(first, second), second],
                        [opens + 120, second, max(second, third), min(second, third), third],
                    ],
                },
                "Return": {
                    "name": "Return",
                    "unit": "%",
                    "index": 1,
                    "seriesType": 3,
                    "values": [],
                    "color": "",
                    "scatterMarkerSymbol": "none",
                },
            },
        },
        "success": True,
    }


def test_the_benchmark_is_daily(client: Client, world: World) -> None:
    answer = client.post(
        "live/chart/read",
        {
            "projectId": EQUITIES,
            "name": "Benchmark",
            "start": SATURDAY - DAY,
            "end": TUESDAY + DAY,
            "count": 100,
        },
    ).json()
    assert answer == {
        "chart": {
            "name": "Benchmark",
            "chartType": 0,
            "series": {
                "Benchmark": {
                    "name": "Benchmark",
                    "unit": "$",
                    "index": 0,
                    "seriesType": 0,
                    "values": [
                        [
                            SATURDAY - DAY,
                            world.project(EQUITIES).book.market.price(SPY, SATURDAY - DAY),
                        ],
                        [SATURDAY, 575.19],
                        [TUESDAY, 583.12],
                        [TUESDAY + DAY, 589.02],
                    ],
                    "color": "",
                    "scatterMarkerSymbol": "none",
                }
            },
        },
        "success": True,
    }


def test_returns_are_from_one_daily_sample_to_the_next(client: Client, world: World) -> None:
    book = world.project(EQUITIES).book
    series = chart(client, EQUITIES, SATURDAY, TUESDAY + DAY, 100)["Return"]
    expected = [
        [after, pytest.approx(100 * (book.equity(after) / book.equity(before) - 1), rel=1e-6)]
        for before, after in [
            (SATURDAY - DAY, SATURDAY),
            (SATURDAY, TUESDAY),
            (TUESDAY, TUESDAY + DAY),
        ]
    ]
    assert series["values"] == expected


def test_the_curve_meets_the_list(client: Client, clock: Clock) -> None:
    clock.time = TUESDAY + 1.0 + 18 * 3600
    (row,) = client.post("live/list", {"projectId": CRYPTO, "status": "Running"}).json()["live"]
    clock.time -= 1.0
    now = int(clock.time)
    points = chart(client, CRYPTO, now - 3600, now, 60)["Equity"]["values"]
    assert [point[0] for point in points] == list(range(now - 3600 + 60, now + 60, 60))
    assert points[-1][4] == pytest.approx(row["equity"], rel=1e-4)


def test_count_is_a_resolution(client: Client) -> None:
    noon = TUESDAY + 12 * 3600
    assert times(chart(client, CRYPTO, noon, noon + 3600, 4)["Equity"]) == [
        *(noon + 900, noon + 1800, noon + 2700, noon + 3600),
    ]
    assert len(times(chart(client, CRYPTO, noon, noon + 3600, 3600)["Equity"])) == 60
    assert times(chart(client, CRYPTO, noon + 30, noon + 70, 1)["Equity"]) == [noon + 60]
    assert times(chart(client, CRYPTO, noon, noon, 1)["Equity"]) == [noon]
    assert len(times(chart(client, CRYPTO, 1, 2 * TUESDAY, 10**9)["Equity"])) < 10_000


def test_closed_exchanges_leave_a_hole(client: Client) -> None:
    monday = TUESDAY - DAY
    found = times(chart(client, EQUITIES, SATURDAY - 4 * 3600, monday + 15 * 3600, 1000)["Equity"])
    friday_s_close = SATURDAY - 3 * 3600
    before = [time for time in found if time <= friday_s_close]
    after = [time for time in found if time > friday_s_close]
    assert before[-1] == friday_s_close
    assert after[0] >= monday + 14.5 * 3600
    assert len(before) > 10
    assert len(after) > 5
    assert chart(client, EQUITIES, SATURDAY, monday, 10)["Equity"]["values"] == []
    assert len(chart(client, CRYPTO, SATURDAY, monday, 10)["Equity"]["values"]) == 10


def test_old_samples_are_daily(client: Client, clock: Clock) -> None:
    clock.time = float(TUESDAY)
    cutoff = TUESDAY - 30 * DAY
    found = times(chart(client, CRYPTO, cutoff - 2 * DAY, cutoff + 180, 10**4)["Equity"])
    assert found == [
        *(cutoff - 2 * DAY, cutoff - DAY, cutoff, cutoff + 60, cutoff + 120, cutoff + 180),
    ]
    clock.time = TUESDAY + 300 * float(DAY)
    assert times(chart(client, EQUITIES, SATURDAY - DAY, TUESDAY, 10**4)["Equity"]) == [
        *(SATURDAY - DAY, SATURDAY, TUESDAY)
    ]


def test_the_series_goes_on_over_deployments(client: Client, world: World) -> None:
    first, second = world.project(CRYPTO).deployments
    assert first.stopped is not None
    launched, stopped, again = int(first.launched), int(first.stopped), int(second.launched)
    found = times(chart(client, CRYPTO, stopped - 120, again + 120, 1000)["Equity"])
    assert found == [
        time
        for time in range(stopped - 120, again + 121)
        if time % 60 == 0 and (time <= stopped or time >= again)
    ]
    everything = times(chart(client, CRYPTO, 1, int(STARTED), 5000)["Equity"])
    assert launched <= everything[0] <= launched + DAY
    assert everything == sorted(set(everything))


def test_nothing_after_the_end(client: Client, clock: Clock, world: World) -> None:
    clock.time = STARTED + 30 * DAY
    stopped = world.project(STOPPING).deployments[-1].stopped
    assert stopped is not None
    (point,) = chart(client, STOPPING, 0, 0, 10)["Equity"]["values"]
    assert stopped - DAY < point[0] <= stopped
    assert len(chart(client, OLD, 0, 0, 10)["Equity"]["values"]) == 1
    world.project(OLD).deployments = world.project(OLD).deployments[:1]
    assert chart(client, OLD, 0, 0, 10)["Equity"]["values"] == []


def test_a_book_without_money(client: Client, world: World) -> None:
    given = given_world({5: {}}, equities={5: 0.0}, clock=lambda: float(TUESDAY))
    given.project(5).deployments = [Deployment("L-5", TUESDAY - 2.5 * DAY)]
    body = Api(given).answer(
        "live/chart/read",
        {"projectId": 5, "name": "Strategy Equity", "start": 0, "end": 0, "count": 1},
    )
    assert b'"values":[[1794873600,0.0]]' in body


GOOD = {"projectId": CRYPTO, "name": "Benchmark", "start": TUESDAY, "end": TUESDAY, "count": 1}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        *(({k: v for k, v in GOOD.items() if k != left}, "Invalid argument") for left in GOOD),
        ({**GOOD, "name": " "}, "Invalid argument"),
        ({**GOOD, "name": "Made up"}, "Invalid argument"),
        ({**GOOD, "start": TUESDAY + 1}, "Invalid argument"),
        ({**GOOD, "start": -1}, "Invalid argument"),
        ({**GOOD, "count": 0}, "Invalid argument"),
        ({**GOOD, "projectId": 1}, "Project not found"),
        ({**GOOD, "projectId": NEVER}, "No live deployment found"),
    ],
)
def test_refused(client: Client, parameters: dict[str, object], said: str) -> None:
    answer = client.post("live/chart/read", parameters).json()
    assert answer == {"errors": [said], "success": False}
