"""Things read to sample lines.

A snapshot holds, for each family, the finished sample lines of one source of one project. It is
rendered when QuantConnect was read; a scrape only puts headers and snapshots one behind the other.
Sample lines are the same in all the formats offered, so that one snapshot serves them all; they
are byte for byte what prometheus-client renders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prometheus_client.utils import floatToGoString

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from exporter.metrics.table import Row, Table

T = TypeVar("T")

Snapshot = Mapping[str, bytes]
"""The sample lines of each family, by the family's name; families without samples are left out."""


@dataclass(frozen=True)
class _Lines:
    """What is constant for one thing: a prefix for each column, or the finished line."""

    prefixes: tuple[str | None, ...]
    finished: tuple[str | None, ...]


class Renderer:
    """Renders the things read of one project; belongs to whoever reads that project.

    The label block of a thing is made once and kept while the thing is seen from one read to the
    next; only its numbers are formatted anew.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self._labels = {"project_id": str(row.project_id), "project": row.project}
        if row.account_currency is not None:
            self._labels["account_currency"] = row.account_currency
        self._kept: dict[str, dict[Hashable, _Lines]] = {}

    def render(self, table: Table[T], things: Iterable[T]) -> dict[str, bytes]:
        """The snapshot of one table; ``things`` are in the order in which they are to appear."""
        kept = self._kept.get(table.title, {})
        seen: dict[Hashable, _Lines] = {}
        output: tuple[list[str], ...] = tuple([] for _ in table.columns)
        for thing in things:
            key = table.key(thing)
            lines = seen[key] = kept.get(key) or self._lines(table, thing)
            for column, prefix, finished, out in zip(
                table.columns, lines.prefixes, lines.finished, output, strict=True
            ):
                if finished is not None:
                    out.append(finished)
                elif prefix is not None and (value := column.value(thing)) is not None:
                    out.append(f"{prefix}{number(value)}\n")
        self._kept[table.title] = seen
        return {
            column.family.name: "".join(out).encode("utf-8", "replace")
            for column, out in zip(table.columns, output, strict=True)
            if out
        }

    def _lines(self, table: Table[T], thing: T) -> _Lines:
        labels = {**table.labels(thing, self.row), **self._labels}
        prefixes: list[str | None] = []
        finished: list[str | None] = []
        for column in table.columns:
            family = column.family
            # A family that wants a label which isn't settled yet has no samples yet.
            if not all(name in labels for name in family.labels):
                prefixes.append(None)
                finished.append(None)
                continue
            names = labels.keys() - self._labels.keys() if family.open_labels else ()
            prefix = _prefix(family.name, {name: labels[name] for name in (*family.labels, *names)})
            value = column.value(thing) if column.constant else None
            prefixes.append(None if column.constant else prefix)
            finished.append(None if value is None else f"{prefix}{number(value)}\n")
        return _Lines(tuple(prefixes), tuple(finished))


def number(value: float) -> str:
    """A value as Prometheus's own clients write it, for example 1.5, -0.25 or 1e+06."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _prefix(name: str, labels: Mapping[str, str]) -> str:
    """Everything of a sample line that comes before the number, with the space."""
    if not labels:
        return f"{name} "
    pairs = ",".join(f'{label}="{_escape(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{pairs}}} "


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
