"""The past as docs/backfill.md brings it into Prometheus, and the Portfolio board over it.

A simulated QuantConnect has a hundred days of a project, of which thirty by the minute and the rest
by the day. The three commands bring ninety of them into a real Prometheus, which then scrapes the
running exporter.
"""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from prometheus.stack import Prometheus, eventually, free_port
from tests.dashboards.queries import queries
from tests.integration.exporter_process import COMMAND, ExporterProcess, configure
from tests.support import SimulatorServer, generated_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.dashboards.queries import DashboardQuery

pytestmark = pytest.mark.needs_prometheus

HOUR, DAY = 3600.0, 86_400.0
PROJECT = 30_000_001
DAYS = 90
BLOCKS = "--max-block-duration=486h"
EQUITY = "Equity of ${project:text} and its peak (${account_currency})"
QUERIES = [
    query
    for query in queries(
        {"job": "quantconnect", "project": str(PROJECT), "account_currency": "USD"}
    )
    if query.dashboard == "quantconnect-portfolio" and query.kind == "panel"
]


@dataclass(frozen=True)
class Backfilled:
    """A Prometheus with a past from ``start`` to ``seam``, and then scrapes.

    All rules have recorded at ``recorded``. Times are unix seconds.
    """

    prometheus: Prometheus
    start: float
    seam: float
    recorded: float

    def over_time(
        self, query: str, *, start: float, end: float, step: float
    ) -> dict[str, dict[float, float]]:
        """The series of a range query by their labels: values by unix seconds."""
        answer: dict[str, Any] = self.prometheus.get(
            "/api/v1/query_range", query=query, start=f"{start}", end=f"{end}", step=f"{step}"
        )
        return {
            str(sorted(series["metric"].items())): {
                float(at): float(value) for at, value in series["values"]
            }
            for series in answer["data"]["result"]
        }


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backfilled]:
    directory = tmp_path_factory.mktemp("backfill")
    world = generated_world(projects=1, holdings=3)
    (project,) = world.projects
    (deployment,) = project.deployments
    project.deployments[:] = [replace(deployment, launched=time.time() - 100 * DAY)]
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        simulator = stack.enter_context(SimulatorServer(world))
        config = configure(directory, simulator.base_url, [PROJECT])
        seam = int(time.time())
        start = seam - DAYS * 86_400
        bring_the_past(directory, config, address, start=start, seam=seam)
        exporter = ExporterProcess(directory, f"--config.file={config}", address=address)
        exporter.start()
        stack.callback(exporter.stop)
        prometheus = Prometheus(directory, targets=[address], quicken=60)
        prometheus.start()
        stack.callback(prometheus.stop)
        recorded: list[float] = []

        def is_recorded() -> bool:
            found = prometheus.query("timestamp(project:quantconnect_drawdown:ratio)")
            times = [float(each["value"][1]) for each in found]
            recorded.extend(at for at in times if at > seam)
            return bool(recorded) and recorded[-1] >= recorded[0] + 5

        eventually(is_recorded, "the rules have recorded some seconds", seconds=120)
        yield Backfilled(prometheus, start, seam, recorded[-1])


def bring_the_past(directory: Path, config: Path, address: str, *, start: int, seam: int) -> None:
    """The commands of docs/backfill.md, before the Prometheus that scrapes is started."""
    data, past, rules = directory / "data", directory / "past", directory / "past-rules.yml"
    data.mkdir()
    run(
        *(COMMAND, "backfill", f"--config.file={config}", f"--since={start}", f"--until={seam}"),
        *("--target-label=job=quantconnect", f"--target-label=instance={address}"),
        f"--output={past}",
    )
    for file in past.glob("*.om"):
        run("promtool", "tsdb", "create-blocks-from", "openmetrics", BLOCKS, str(file), str(data))
    rules.write_text(run(COMMAND, "rules", "--past"), encoding="utf-8")
    reading = Prometheus(directory, targets=[], rules=False)
    reading.start()
    try:
        run(
            *("promtool", "tsdb", "create-blocks-from", "rules", BLOCKS),
            *(f"--start={start}", f"--end={seam}", f"--url={reading.url}"),
            *(f"--output-dir={data}", str(rules)),
        )
    finally:
        reading.stop()


def of(place: str) -> list[DashboardQuery]:
    found = [query for query in QUERIES if query.place == place]
    assert found
    return found


def drawn() -> list[DashboardQuery]:
    """Equity, both peaks, both drawdowns; the limit is of the present configuration."""
    return [*of(EQUITY), *(each for each in of("Drawdown over time") if "limit" not in each.expr)]


def test_the_past_is_whole_and_quick_to_write(backfilled: Backfilled) -> None:
    """Prometheus has each point that QuantConnect sent, under the labels of its own scrapes."""
    (series,) = backfilled.prometheus.query("count_over_time(quantconnect_live_equity[89d])")
    assert series["metric"].keys() == {
        *("account", "account_currency", "instance", "job", "project", "project_id")
    }
    assert float(series["value"][1]) > 1700


@pytest.mark.parametrize("step", [900.0, 2 * HOUR, 7 * HOUR, DAY])
@pytest.mark.parametrize("query", drawn(), ids=str)
def test_a_panel_has_ninety_days_in_one_line(
    backfilled: Backfilled, query: DashboardQuery, step: float
) -> None:
    """Every point is there, whatever the step; before the first daily point there is none."""
    start = backfilled.start + 4 * DAY
    start -= start % step  # as Grafana asks
    end = backfilled.seam
    (values,) = backfilled.over_time(query.expr, start=start, end=end, step=step).values()
    assert len(values) == int((end - start) / step) + 1


@pytest.mark.parametrize("query", drawn(), ids=str)
def test_the_line_has_no_seam(backfilled: Backfilled, query: DashboardQuery) -> None:
    """Where the exporter's samples begin the line goes on, without a twin or a jump.

    And without a gap, but for the time that the commands took.
    """
    end = backfilled.recorded
    # In steps that end at a record: on a slow machine a scrape before it may be missing.
    start = end - (end - backfilled.seam + HOUR) // 5 * 5
    (values,) = backfilled.over_time(query.expr, start=start, end=end, step=5).values()
    assert abs(min(values) - start) < 0.01
    assert abs(max(values) - end) < 0.01
    gaps = [b - a for a, b in pairwise(values)]
    assert max(gaps) <= end - backfilled.seam + 5
    is_equity = "equity" in query.expr
    jumps = [abs(b / a - 1) if is_equity else abs(b - a) for a, b in pairwise(values.values())]
    assert max(jumps) < 0.01


def test_profit_by_day_has_a_bar_for_each_day(backfilled: Backfilled) -> None:
    end = backfilled.seam - backfilled.seam % DAY + DAY
    bars = []
    for query in of("Profit by day"):
        (values,) = backfilled.over_time(
            query.expr, start=end - 29 * DAY, end=end, step=DAY
        ).values()
        bars.append(values)
    gain, loss = bars
    assert gain.keys() == loss.keys()
    assert len(gain) == 29
    assert sum(gain[at] != 0.0 or loss[at] != 0.0 for at in gain) > 15
    # What the days gained and lost is what equity gained or lost.
    first, last = min(gain), backfilled.recorded
    equity = of(EQUITY)[0].expr
    (before,) = backfilled.prometheus.query(equity, at=first)
    (after,) = backfilled.prometheus.query(equity, at=last)
    total = sum(gain.values()) + sum(loss.values())
    change = float(after["value"][1]) - float(before["value"][1])
    assert total == pytest.approx(change, abs=0.002 * float(after["value"][1]))


@pytest.mark.parametrize("place", ["Profit today", "Profit, 7 days", "Profit, 30 days", "Drawdown"])
def test_a_number_of_the_present_looks_back(backfilled: Backfilled, place: str) -> None:
    for query in of(place)[:2]:
        assert len(backfilled.prometheus.query(query.expr)) == 1, query


def test_the_peak_of_all_time_is_that_of_the_past(backfilled: Backfilled) -> None:
    (peak,) = backfilled.prometheus.query("project:quantconnect_live_equity:peak")
    (ever,) = backfilled.prometheus.query("max(max_over_time(quantconnect_live_equity[90d]))")
    assert float(peak["value"][1]) == float(ever["value"][1])
