"""A scrape: headers, the snapshots of all projects, and what the exporter counts itself.

Headers are written by prometheus-client, so that the whole is byte for byte what it would write
for the same families.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from exporter.exposition.compression import Piece
from exporter.exposition.render import label_block, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.exposition.formats import Format
    from exporter.exposition.render import Snapshot
    from exporter.metrics.table import Family


def pieces(
    families: Sequence[Family],
    snapshots: Iterable[Snapshot],
    own: CollectorRegistry,
    offered: Format,
) -> list[Piece]:
    """One scrape: every family with its header once and its samples, then the exporter's own."""
    lines: defaultdict[str, list[Piece]] = defaultdict(list)
    for snapshot in snapshots:
        for name, samples in snapshot.items():
            lines[name].append(samples)
    result: list[Piece] = []
    for family in families:
        result.append(_header(family.name, family.help, family.type, offered))
        result += lines.get(family.name, ())
    result.append(_own(own, offered))
    return result


def join(
    families: Sequence[Family],
    snapshots: Iterable[Snapshot],
    own: CollectorRegistry,
    offered: Format,
) -> bytes:
    """Return the exposition uncompressed, for clients that do not accept gzip."""
    return b"".join(pieces(families, snapshots, own, offered))


def samples(snapshots: Iterable[Snapshot]) -> str:
    """The sample lines alone, for people."""
    return "".join(lines.decode() for snapshot in snapshots for lines in snapshot.values()).rstrip(
        "\n"
    )


def _own(registry: CollectorRegistry, offered: Format) -> Piece:
    """Return the exposition of a registry of plain counters, gauges and histograms.

    Its labels hardly ever change: to write them once is what makes the scrape of a few projects
    twice as fast, of which prometheus-client's renderer would be most.
    """
    parts: list[bytes] = []
    for metric in registry.collect():
        parts.append(_header(metric.name, metric.documentation, metric.type, offered))
        lines = [
            f"{_before_number(sample.name, tuple(sample.labels.items()))}{number(sample.value)}\n"
            for sample in metric.samples
        ]
        parts.append("".join(lines).encode())
    return Piece(b"".join([*parts, _end(offered)]))


@lru_cache(maxsize=4096)
def _before_number(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    return name + label_block(dict(labels))


@cache
def _header(name: str, documentation: str, type_: str, offered: Format) -> Piece:
    """The HELP and TYPE lines of a family."""
    rendered = offered.render(_Only([Metric(name, documentation, type_)]))
    return Piece(rendered.removesuffix(_end(offered)))


@cache
def _end(offered: Format) -> bytes:
    """Return the end of the exposition, after the last family."""
    return offered.render(_Only([]))


class _Only(CollectorRegistry):
    """A registry of given families."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        super().__init__()
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
