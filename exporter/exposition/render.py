"""Things read to sample lines.

A snapshot holds, for each family, the finished sample lines of one source of one project. It is
rendered when QuantConnect was read; a scrape only puts headers and snapshots one behind the other.
Sample lines are the same in all the formats offered, so that one snapshot serves them all; they
are byte for byte what prometheus-client renders.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from msgspec import Struct
from msgspec.json import encode
from prometheus_client.utils import floatToGoString

from exporter.exposition.compression import Piece

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from exporter.metrics.table import Row, Table

T = TypeVar("T")

Snapshot = Mapping[str, Piece]
"""The sample lines of each family, by the family's name; families without samples are left out."""

_LEAST, _MOST = 1e-4, 1e6


class _Column(Struct, frozen=True):
    """A family as it was at the last read; ``numbers`` is None where one was missing."""

    numbers: bytes | None
    lines: Piece | None


class Renderer:
    """Renders what one project's sources read; only that project's poller uses it.

    It builds the label block of a holding once and keeps it while reads contain the holding, and
    keeps a family while its rows and numbers do not change: most reads find the same quantities and
    average prices, and many find no change at all.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self._labels = {
            "account": row.account,
            "project_id": "" if row.project_id is None else str(row.project_id),
            "project": row.project,
        }
        if row.account_currency is not None:
            self._labels["account_currency"] = row.account_currency
        # By the table's title: for each thing a block for each of the table's sets of labels.
        self._kept: dict[str, dict[Hashable, tuple[str | None, ...]]] = {}
        self._columns: dict[str, list[_Column]] = {}

    def render(self, table: Table[T], things: Iterable[T]) -> dict[str, Piece]:
        """The snapshot of one table; ``things`` are in the order in which they are to appear."""
        things = list(things)
        keys = list(map(table.key, things))
        kept = self._kept.get(table.title, {})
        same_things = list(kept) == keys
        if not same_things:
            kept = {
                key: kept.get(key) or self._blocks(table, thing)
                for key, thing in zip(keys, things, strict=True)
            }
            self._kept[table.title] = kept
        blocks = list(zip(*map(kept.__getitem__, keys), strict=True))
        columns = []
        for index, column in enumerate(table.columns):
            last = self._columns[table.title][index] if same_things and keys else None
            if last is None or not column.constant:
                values = list(map(column.value, things))
                numbers = _packed(values)
                if last is None or numbers is None or numbers != last.numbers:
                    label_set = blocks[table.label_set_of[index]] if keys else ()
                    text = _lines(column.family.name, label_set, values)
                    last = _Column(
                        numbers, Piece(text.encode("utf-8", "replace")) if text else None
                    )
            columns.append(last)
        self._columns[table.title] = columns
        return {
            family.name: column.lines
            for family, column in zip(table.families, columns, strict=True)
            if column.lines is not None
        }

    def _blocks(self, table: Table[T], thing: T) -> tuple[str | None, ...]:
        """A thing's labels as each of the table's sets of labels has them, ready for a number.

        None where a label isn't settled yet: families that want it have no samples yet.
        """
        labels = {**table.labels(thing, self.row), **self._labels}
        blocks: list[str | None] = []
        for names, open_labels in table.label_sets:
            if not all(name in labels for name in names):
                blocks.append(None)
                continue
            chosen = {name: labels[name] for name in names}
            if open_labels:
                chosen |= {n: value for n, value in labels.items() if n not in self._labels}
            blocks.append(label_block(chosen))
        return tuple(blocks)


def number(value: float) -> str:
    """A value as Prometheus's own clients write it, for example 1.5, -0.25 or 1e+06."""
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _packed(values: Sequence[float | None]) -> bytes | None:
    """The values' bytes, by which 0.0 and -0.0 are two; None where a value is missing."""
    try:
        return array("d", cast("Sequence[float]", values)).tobytes()
    except TypeError:
        return None


def _lines(name: str, blocks: Sequence[str | None], values: Sequence[float | None]) -> str:
    """The sample lines of one family, or nothing; a missing label block or value is no sample."""
    if None in blocks or None in values:
        samples = [
            (block, value)
            for block, value in zip(blocks, values, strict=True)
            if block is not None and value is not None
        ]
        blocks, values = [block for block, _ in samples], [value for _, value in samples]
    if not blocks:
        return ""
    numbers = array("d", cast("Sequence[float]", values)).tolist()
    # msgspec finds the same digits as repr in a seventh of the time, and writes them as
    # prometheus-client does within these bounds, where nearly all numbers are.
    lines = [
        f"{block}{text}"
        if _LEAST <= value < _MOST or -_MOST < value <= -_LEAST or value == 0.0
        else f"{block}{number(value)}"
        for block, value, text in zip(
            blocks, numbers, encode(numbers)[1:-1].decode().split(","), strict=True
        )
    ]
    return name + f"\n{name}".join(lines) + "\n"


def label_block(labels: Mapping[str, str]) -> str:
    """Return the labels as they stand between a sample's name and its number."""
    pairs = ",".join(f'{name}="{_escape(labels[name])}"' for name in sorted(labels))
    return f"{{{pairs}}} " if pairs else " "


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
