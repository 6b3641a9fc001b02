"""Metric families, and the tables that make samples of the things that are read.

A family is its name, help and labels. A table joins families to the things they are read from:
holdings, cash, a deployment. The sources declare tables, the exposition renders them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Generic, TypeVar

from msgspec import Struct, field

T = TypeVar("T")

PROJECT = ("account", "project_id", "project")
CURRENCY = ("account_currency",)


class Family(Struct, frozen=True):
    """A metric family: full sample name, help text, labels and type.

    ``open_labels`` says that a thing may bring more labels than those declared.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: str = "gauge"
    open_labels: bool = False


class Column(Struct, Generic[T], frozen=True):
    """One family of a table, and the function that takes its number from a thing.

    None is no sample.

    ``constant`` says that the number cannot change while the labels stay as they are.
    """

    family: Family
    value: Callable[[T], float | None]
    constant: bool = False


class Row(Struct, frozen=True):
    """The labels that every series of a project has, and what its other labels depend on.

    A row of an account itself has no project. ``account_currency`` is None until it is known, and
    then no family that carries it has samples; it is "" where it cannot be known.
    """

    account: str
    project_id: int | None = None
    project: str = ""
    account_currency: str | None = None
    tickers: Mapping[str, str] = field(default_factory=dict)


class Table(Struct, Generic[T], frozen=True, dict=True):
    """Families that take their numbers from the same things.

    ``series`` says how many series there are, for the reference page; ``{columns}`` in it is the
    number of families. ``labels`` gives every label that any of the columns wants; ``key`` tells
    rows apart, and rows with equal keys have equal labels, so that a renderer can keep its output.
    """

    title: str
    columns: tuple[Column[T], ...]
    labels: Callable[[T, Row], Mapping[str, str]]
    key: Callable[[T], Hashable]
    series: str = ""

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The families in the order in which they are published."""
        return tuple(column.family for column in self.columns)

    @cached_property
    def label_sets(self) -> tuple[tuple[tuple[str, ...], bool], ...]:
        """The different labels of the families, and whether a thing may bring more."""
        return tuple(dict.fromkeys((each.labels, each.open_labels) for each in self.families))

    @cached_property
    def label_set_of(self) -> tuple[int, ...]:
        """The index in ``label_sets`` of each column's family."""
        return tuple(
            self.label_sets.index((each.labels, each.open_labels)) for each in self.families
        )
