"""Tables: rows that several instant queries fill together, joined on the labels they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grafana.builder import palette
from grafana.builder.panel import Panel, number, override, values
from grafana.builder.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana.builder.palette import State, Thresholds


@dataclass(frozen=True, kw_only=True)
class Label:
    """A column that shows a label; `hidden` ones are there for links only.

    Columns without `width` share what the others leave; with `least` never less than that many
    pixels, so that on a narrow screen the last columns are out of sight and not every name cut.
    """

    name: str
    title: str
    width: int | None = None
    least: int | None = None
    hidden: bool = False
    link: Mapping[str, Any] | None = None
    states: tuple[State, ...] = ()
    texts: tuple[State, ...] = ()  # the same by regular expressions


@dataclass(frozen=True, kw_only=True)
class Value:
    """A column that shows a query's value; `ref` names the query.

    `brings` names labels that the query adds to those that identify a row. `hidden` is for a query
    that only brings labels, or that the rows are sorted by.
    """

    ref: str
    title: str
    expr: str
    brings: tuple[str, ...] = ()
    unit: str = "none"
    decimals: int | None = None
    thresholds: Thresholds = palette.PLAIN
    states: tuple[State, ...] = ()
    width: int | None = None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Sort:
    """The column that decides the order of the rows, which may be a hidden one."""

    title: str
    descending: bool = True


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """A line that says `text` in the column of `label` where `expr` proves that there are no rows.

    Missing data is no proof: a table without rows and without proof says "No data".
    """

    label: str
    text: str
    expr: str


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """What the parts of a table have in common while it is put together."""

    order: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    overrides: list[dict[str, Any]] = field(default_factory=list)


def table(
    *,
    title: str,
    description: str,
    by: tuple[str, ...],
    columns: tuple[Label | Value, ...],
    sort: Sort,
    nothing: Nothing | None = None,
) -> Panel:
    """A table with these columns from left to right and one row for each combination of `by`.

    Every answer is aggregated by exactly these labels and those that it brings, since Grafana joins
    only rows that agree in all labels that they share, the name of the metric included.
    """
    parts = _Columns()
    queries = [
        _query(column.ref, f"max by ({', '.join((*by, *column.brings))}) ({column.expr})")
        for column in columns
        if isinstance(column, Value)
    ]
    if len(queries) == 1 and nothing is not None:
        # Grafana names a value by its query only where several answer, and "nothing" rarely does.
        queries.append(_query("rows", queries[0].expr))
    if nothing is not None:
        queries.append(_query("nothing", _line(nothing)))
    for index, column in enumerate(columns):
        _add(parts, index, column, several=len(queries) > 1)
    if sort.title not in parts.names.values():
        raise ValueError(f"the table {title!r} is sorted by {sort.title!r}, which is no column")
    wanted = "|".join(f"^{name}$" for name in parts.names)
    transformations = (
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"pattern": f"/{wanted}/"}}},
        {
            "id": "organize",
            "options": {
                "excludeByName": {},
                "indexByName": parts.order,
                "renameByName": parts.names,
            },
        },
        # Not the table's own sorting, which knows only the columns that it shows.
        {
            "id": "sortBy",
            "options": {"fields": {}, "sort": [{"desc": sort.descending, "field": sort.title}]},
        },
    )
    style = values(unit="none") | {
        "mappings": palette.mappings(()),
        "custom": {
            "align": "auto",
            "displayMode": "auto",
            "filterable": False,
            "inspect": False,
            # Grafana's own, 150, pushes the last columns of a narrow panel out of it.
            "minWidth": 50,
        },
    }
    del style["noValue"]  # it would be written in every empty cell
    return Panel(
        type="table",
        title=title,
        description=description,
        queries=tuple(queries),
        options={"cellHeight": "sm", "showHeader": True, "sortBy": []},
        defaults=style,
        overrides=tuple(parts.overrides),
        transformations=transformations,
    )


def _query(ref: str, expr: str) -> Query:
    return Query(expr=expr, ref=ref, format="table", legend="")


def _line(nothing: Nothing) -> str:
    """One row with the text and nothing else."""
    proof = f"group by () ({nothing.expr})"
    return f'label_replace({proof}, "{nothing.label}", "{nothing.text}", "", "")'


def _add(parts: _Columns, index: int, column: Label | Value, *, several: bool) -> None:
    if isinstance(column, Label):
        field_name = column.name
    else:  # what Grafana calls it: with the query's name only if there is more than one
        field_name = f"Value #{column.ref}" if several else "Value"
    parts.order[field_name] = index
    parts.names[field_name] = column.title
    properties: dict[str, Any] = {}
    if column.hidden:
        properties["custom__hidden"] = True
    if column.width is not None:
        properties["custom__width"] = column.width
    if column.states:
        properties["custom__displayMode"] = "color-text"
    if isinstance(column, Label):
        if column.states or column.texts:
            properties["mappings"] = palette.mappings(column.states, texts=column.texts)
            properties["custom__displayMode"] = "color-text"
        if column.least is not None:
            properties["custom__minWidth"] = column.least
        if column.link is not None:
            properties["links"] = [dict(column.link)]
    else:
        properties |= number(column.unit, column.decimals, states=column.states)
        if column.thresholds != palette.PLAIN:
            properties["thresholds"] = palette.thresholds(column.thresholds)
            properties["custom__displayMode"] = "color-text"
    if properties:
        parts.overrides.append(override(column.title, **properties))
