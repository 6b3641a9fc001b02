"""Tables: rows that several instant queries fill together, joined on the labels they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grafana.builder import palette
from grafana.builder.panel import Panel, override, values
from grafana.builder.query import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana.builder.palette import State, Thresholds


@dataclass(frozen=True, kw_only=True)
class Label:
    """A column that shows a label; `hidden` ones are there for links only."""

    name: str
    title: str
    width: int | None = None
    hidden: bool = False
    link: Mapping[str, Any] | None = None
    states: tuple[State, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Value:
    """A column that shows a query's value; `ref` names the query.

    `hidden` is for a query that only brings labels.
    """

    ref: str
    title: str
    expr: str
    unit: str = "none"
    decimals: int | None = None
    thresholds: Thresholds = palette.PLAIN
    states: tuple[State, ...] = ()
    width: int | None = None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Sort:
    """By which column, the worst first."""

    title: str
    descending: bool = True


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
    columns: tuple[Label | Value, ...],
    sort: Sort,
    no_value: str = "",
    unit: str = "none",
) -> Panel:
    """A table with these columns from left to right.

    Labels that no column names are dropped, so every query should be aggregated `by` the labels
    that identify a row, which are what the answers are joined on.
    """
    parts = _Columns()
    several = sum(isinstance(column, Value) for column in columns) > 1
    for index, column in enumerate(columns):
        _add(parts, index, column, several=several)
    if sort.title not in parts.names.values():
        raise ValueError(f"the table {title!r} is sorted by {sort.title!r}, which is no column")
    queries = tuple(
        Query(expr=column.expr, ref=column.ref, instant=True, format="table", legend="")
        for column in columns
        if isinstance(column, Value)
    )
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
    )
    style = values(unit=unit, no_value=no_value) | {
        "custom": {
            "align": "auto",
            "displayMode": "auto",
            "filterable": False,
            "inspect": False,
        },
    }
    return Panel(
        type="table",
        title=title,
        description=description,
        queries=queries,
        options={
            "showHeader": True,
            "sortBy": [{"desc": sort.descending, "displayName": sort.title}],
        },
        defaults=style,
        overrides=tuple(parts.overrides),
        transformations=transformations,
    )


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
        properties["mappings"] = palette.mappings(column.states)
        properties["custom__displayMode"] = "color-text"
    if isinstance(column, Label):
        if column.link is not None:
            properties["links"] = [dict(column.link)]
    else:
        properties["unit"] = column.unit
        if column.decimals is not None:
            properties["decimals"] = column.decimals
        if column.thresholds != palette.PLAIN:
            properties["thresholds"] = palette.thresholds(column.thresholds)
            properties["custom__displayMode"] = "color-text"
    if properties:
        parts.overrides.append(override(column.title, **properties))
