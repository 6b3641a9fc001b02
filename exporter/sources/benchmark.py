"""live/chart/read, chart Benchmark: the value of a project's benchmark.

LEAN samples it once a day. The request asks for four days, so that it includes a point over a long
weekend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.metrics.table import PROJECT, Column, Family, Table
from exporter.quantconnect.client import Request
from exporter.quantconnect.fields import Problem
from exporter.sources import chart
from exporter.sources.chart import Window
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter import config
    from exporter.sources.source import Known

_SECONDS: Final = 4 * 86_400
_COUNT: Final = 200


class Benchmark(Struct, frozen=True):
    """The benchmark of a project; None if the last days have no point."""

    value: float | None
    """In the benchmark's own currency, not rebased."""
    problems: tuple[Problem, ...]


def _request(
    project: config.ProjectSettings, _: config.Config, known: Known[Benchmark]
) -> Request[Benchmark]:
    window = Window(int(known.now) - _SECONDS, int(known.now), _COUNT)
    request = chart.benchmark(project.id, window)

    def decode(payload: Mapping[str, object]) -> Benchmark:
        series = request.decode(payload)
        last = series.points[-1].value if series.points else None
        return Benchmark(last, series.problems)

    return Request(request.endpoint, request.parameters, decode)


BENCHMARK_VALUE: Table[Benchmark] = Table(
    title="Benchmark",
    series="{columns} series for each project whose algorithm has a benchmark.",
    key=lambda _: None,
    labels=lambda _benchmark, _row: {},
    columns=(
        Column(
            Family(
                "quantconnect_live_benchmark_value",
                "Price or value of the algorithm's benchmark in its own currency, not rebased."
                " Source: live/chart/read, chart Benchmark, its last point. Read every"
                " benchmark_interval.",
                PROJECT,
            ),
            lambda benchmark: benchmark.value,
        ),
    ),
)

BENCHMARK: Source[Benchmark] = Source(
    name="benchmark",
    request=_request,
    interval=lambda _, settings: settings.benchmark_interval,
    families=(Families(BENCHMARK_VALUE, lambda benchmark, _: [benchmark]),),
    every="`benchmark_interval`, 5 times that while stopped; off by default",
    delay="a day",
    needs_deployment=True,
)
