"""The past of projects as OpenMetrics: the running exporter's series, with timestamps.

https://prometheus.io/docs/specs/om/open_metrics_spec/ wants the samples of a family together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.backfill.past import Past
from exporter.exposition import number
from exporter.exposition.render import label_block
from exporter.sources.benchmark import BENCHMARK_VALUE
from exporter.sources.status import DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics.table import Family
    from exporter.sources.chart import Point

END: Final = "# EOF\n"

_EQUITY: Final = next(
    family for family in DEPLOYMENT.families if family.name == "quantconnect_live_equity"
)
(_BENCHMARK,) = BENCHMARK_VALUE.families


class Labeled(Struct, frozen=True):
    """A project's past, and the labels of all its series."""

    past: Past
    labels: Mapping[str, str]


def write(projects: Sequence[Labeled], target: Mapping[str, str]) -> Iterator[str]:
    """Yield the text of some projects; ``target`` are labels that Prometheus adds at the scrape."""
    yield from _family(_EQUITY, [(each.labels, each.past.equity) for each in projects], target)
    yield from _family(
        _BENCHMARK, [(each.labels, each.past.benchmark) for each in projects], target
    )
    yield END


def _family(
    family: Family,
    projects: Sequence[tuple[Mapping[str, str], Sequence[Point]]],
    target: Mapping[str, str],
) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n"
    for labels, points in projects:
        chosen = {name: labels[name] for name in family.labels} | dict(target)
        start = family.name + label_block(chosen)
        yield "".join(f"{start}{number(point.value)} {_seconds(point.time)}\n" for point in points)


def _seconds(time: float) -> str:
    """Return a unix time rounded to milliseconds, Prometheus's resolution."""
    return f"{time:.3f}".rstrip("0").rstrip(".")
