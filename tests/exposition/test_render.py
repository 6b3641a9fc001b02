"""What is rendered is, byte for byte, what prometheus-client renders, and its parsers read back."""

from __future__ import annotations

import math
import weakref
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Info
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import (
    TEXT,
    Format,
    Renderer,
    Snapshot,
    join,
    number,
    openmetrics_1_0_0,
    samples,
    text_1_0_0,
)
from exporter.metrics.table import Column, Family, Row, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMATS = (
    TEXT,
    text_1_0_0("underscores"),
    text_1_0_0("allow-utf-8"),
    openmetrics_1_0_0("underscores"),
    openmetrics_1_0_0("allow-utf-8"),
)


@dataclass(frozen=True)
class Thing:
    """Something that is read: what it is called, and two numbers."""

    name: str
    kind: str
    first: float | None = None
    second: float | None = None


class Name(str):
    """One that a weak reference can be made of."""


FIRST = Family(
    "things_first", 'The first\nnumber, \\ and "quotes".', ("project_id", "project", "name")
)
SECOND = Family("things_second", "The second.", ("project_id", "name", "kind", "account_currency"))
INFO = Family("things_info", "Always 1.", ("project_id", "name", "kind"), open_labels=True)
NONE = Family("things_none", "Never anything.", ("project_id",))
TABLE: Table[Thing] = Table(
    title="Things",
    key=lambda thing: (thing.name, thing.kind),
    labels=lambda thing, _: {"name": thing.name, "kind": thing.kind},
    columns=(
        Column(FIRST, lambda thing: thing.first),
        Column(SECOND, lambda thing: thing.second),
        Column(INFO, lambda _: 1, constant=True),
        Column(NONE, lambda _: None),
    ),
)

LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = (
    st.floats()
    | st.integers(-(2**1000), 2**1000)
    | st.sampled_from(
        [0.0, -0.0, 1, -1, 5e-324, 1.7976931348623157e308, 2**53 + 1, 1e6, 999999.5, 0.1, 1e-7]
    )
)
THINGS = st.lists(
    st.builds(
        Thing,
        name=LABEL_VALUES,
        kind=LABEL_VALUES,
        first=NUMBERS | st.none(),
        second=NUMBERS | st.none(),
    ),
    max_size=5,
    unique_by=lambda thing: thing.name,
)
ROWS = st.builds(
    Row,
    account=LABEL_VALUES,
    project_id=st.integers(1, 2**63),
    project=LABEL_VALUES,
    account_currency=LABEL_VALUES | st.none(),
)


class Expected(CollectorRegistry):
    """The same families as prometheus-client's own, from the same things."""

    def __init__(self, projects: Sequence[tuple[Row, Sequence[Thing]]]) -> None:
        super().__init__()
        self._projects = projects

    def collect(self) -> Iterable[Metric]:
        for column in TABLE.columns:
            family = column.family
            metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for row, things in self._projects:
                for thing in things:
                    labels = {
                        "project_id": str(row.project_id),
                        "project": row.project,
                        "account_currency": row.account_currency,
                        "name": thing.name,
                        "kind": thing.kind,
                    }
                    values = [labels[name] for name in family.labels]
                    value = column.value(thing)
                    if value is not None and None not in values:
                        metric.add_metric([str(each) for each in values], value)
            yield metric
        yield from own().collect()


def own() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("own_gauge", "One of the exporter's own.", registry=registry).set(3)
    return registry


def exposition(snapshots: Iterable[Snapshot], offered: Format) -> str:
    return join(TABLE.families, snapshots, own(), offered).decode()


@pytest.mark.parametrize("offered", FORMATS, ids=lambda offered: offered.content_type)
@given(projects=st.lists(st.tuples(ROWS, THINGS), max_size=3))
def test_byte_for_byte_what_prometheus_client_renders(
    projects: list[tuple[Row, list[Thing]]], offered: Format
) -> None:
    snapshots = [Renderer(row).render(TABLE, things) for row, things in projects]
    body = join(TABLE.families, snapshots, own(), offered)
    assert body == offered.render(Expected(projects))


def seen(families: Iterable[Metric]) -> Counter[tuple[object, ...]]:
    return Counter(
        (sample.name, tuple(sorted(sample.labels.items())), repr(float(sample.value)))
        for family in families
        for sample in family.samples
        if not sample.name.startswith("own_")
    )


def published(row: Row, things: Sequence[Thing]) -> Counter[tuple[object, ...]]:
    wanted: list[tuple[object, ...]] = []
    for thing in things:
        labels = {"project_id": str(row.project_id), "name": thing.name}
        currency = row.account_currency
        if thing.first is not None:
            wanted.append(("things_first", {**labels, "project": row.project}, thing.first))
        if thing.second is not None and currency is not None:
            more = {"kind": thing.kind, "account_currency": currency}
            wanted.append(("things_second", {**labels, **more}, thing.second))
        wanted.append(("things_info", {**labels, "kind": thing.kind}, 1))
    return Counter(
        (name, tuple(sorted(dict(labels).items())), repr(float(value)))  # type: ignore[call-overload, arg-type]
        for name, labels, value in wanted
    )


@given(row=ROWS, things=THINGS)
def test_prometheus_clients_parsers_read_back_what_went_in(row: Row, things: list[Thing]) -> None:
    snapshot = Renderer(row).render(TABLE, things)
    text = exposition([snapshot], TEXT)
    assert seen(text_string_to_metric_families(text)) == published(row, things)
    openmetrics = exposition([snapshot], openmetrics_1_0_0("underscores"))
    families = openmetrics_parser.text_string_to_metric_families(openmetrics)  # type: ignore[no-untyped-call]
    assert seen(families) == published(row, things)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0"),
        (1, "1.0"),
        (0.1, "0.1"),
        (-0.25, "-0.25"),
        (2**53 + 1, "9.007199254740992e+15"),
        (1000000, "1e+06"),
        (101691.92, "101691.92"),
        (5e-324, "5e-324"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_a_number_is_written_as_prometheus_clients_write_it(value: float, text: str) -> None:
    assert number(value) == text


# --- From one read to the next --------------------------------------------------------------------

ROW = Row("main", 7, "US momentum", "USD")


def render(renderer: Renderer, *things: Thing) -> dict[str, str]:
    return {name: lines.decode() for name, lines in renderer.render(TABLE, things).items()}


def test_the_lines_of_a_snapshot() -> None:
    assert render(Renderer(ROW), Thing("a", 'b"\\\n', 1.5, 2), Thing("c", "", None, -3)) == {
        "things_first": 'things_first{name="a",project="US momentum",project_id="7"} 1.5\n',
        "things_second": (
            'things_second{account_currency="USD",kind="b\\"\\\\\\n",name="a",project_id="7"} 2.0\n'
            'things_second{account_currency="USD",kind="",name="c",project_id="7"} -3.0\n'
        ),
        "things_info": (
            'things_info{kind="b\\"\\\\\\n",name="a",project_id="7"} 1.0\n'
            'things_info{kind="",name="c",project_id="7"} 1.0\n'
        ),
    }


FEW = st.sampled_from(["a", "b"])
FEW_NUMBERS = st.sampled_from([None, 0.0, -0.0, 1, 1.0, math.nan, math.inf, 2**70])
READS = st.lists(
    st.lists(
        st.builds(Thing, name=FEW, kind=FEW, first=FEW_NUMBERS, second=FEW_NUMBERS),
        max_size=3,
        unique_by=lambda thing: (thing.name, thing.kind),
    ),
    max_size=6,
)


@given(READS)
def test_what_is_kept_from_one_read_never_shows_in_another(reads: list[list[Thing]]) -> None:
    renderer = Renderer(ROW)
    for things in reads:
        assert renderer.render(TABLE, things) == Renderer(ROW).render(TABLE, things)


def test_what_has_not_changed_is_not_made_again() -> None:
    renderer = Renderer(ROW)
    first = renderer.render(TABLE, [Thing("a", "b", 1, 2)])
    second = renderer.render(TABLE, [Thing("a", "b", 1, 3)])
    assert second["things_first"] is first["things_first"]
    assert second["things_second"] != first["things_second"]


def test_a_number_that_is_gone_takes_its_sample_along() -> None:
    renderer = Renderer(ROW)
    assert "things_first" in render(renderer, Thing("a", "b", 1))
    assert "things_first" not in render(renderer, Thing("a", "b", None))
    assert render(renderer, Thing("a", "b", 2))["things_first"].endswith(" 2.0\n")


def test_a_thing_that_is_gone_vanishes_and_is_forgotten() -> None:
    renderer = Renderer(ROW)
    name = Name("a")
    remembered = weakref.ref(name)
    render(renderer, Thing(name, "b", 1), Thing("c", "d", 2))
    del name
    assert remembered() is not None
    assert 'name="a"' not in "".join(render(renderer, Thing("c", "d", 3)).values())
    assert remembered() is None
    assert render(renderer) == {}


def test_a_thing_whose_labels_change_gets_the_new_ones() -> None:
    renderer = Renderer(ROW)
    render(renderer, Thing("a", "old", 1, 2))
    lines = "".join(render(renderer, Thing("a", "new", 1, 2)).values())
    assert 'kind="new"' in lines
    assert "old" not in lines


def test_the_labels_of_a_thing_are_made_once() -> None:
    made: list[str] = []

    def labels(thing: Thing, _: Row) -> dict[str, str]:
        made.append(thing.name)
        return {"name": thing.name, "kind": thing.kind}

    table = Table(title="Things", key=TABLE.key, labels=labels, columns=TABLE.columns)
    renderer = Renderer(ROW)
    for value in range(3):
        renderer.render(table, [Thing("a", "b", value), Thing("c", "d", value)])
    assert made == ["a", "c"]


def test_no_sample_carries_a_label_that_is_not_settled_yet() -> None:
    """Not even by a renderer that saw the thing before: the label makes it another renderer."""
    thing = Thing("a", "b", 1, 2)
    assert render(Renderer(Row("main", 7, "p", None)), thing).keys() == {
        "things_first",
        "things_info",
    }
    assert (
        'account_currency=""' in render(Renderer(Row("main", 7, "p", "")), thing)["things_second"]
    )


def test_open_labels_are_the_things_own() -> None:
    table: Table[dict[str, str]] = Table(
        title="Open",
        key=lambda labels: tuple(labels.items()),
        labels=lambda labels, _: labels,
        columns=(
            Column(
                Family("open_info", "Help.", ("project_id", "account"), open_labels=True),
                lambda _: 1,
                constant=True,
            ),
            Column(Family("closed", "Help.", ("project_id", "account")), lambda _: 2),
        ),
    )
    snapshot = Renderer(ROW).render(table, [{"account": "main", "desk": "équités", "a": ""}])
    assert snapshot == {
        "open_info": 'open_info{a="",account="main",desk="équités",project_id="7"} 1.0\n'.encode(),
        "closed": b'closed{account="main",project_id="7"} 2.0\n',
    }


def test_a_family_without_labels() -> None:
    table: Table[int] = Table(
        title="Bare",
        key=lambda number: number,
        labels=lambda _number, _row: {},
        columns=(Column(Family("bare", "Help."), float),),
    )
    assert Renderer(ROW).render(table, [3]) == {"bare": b"bare 3.0\n"}


@given(name=st.text(), project=st.text())
def test_lone_surrogates_do_not_break_a_scrape(name: str, project: str) -> None:
    snapshot = Renderer(Row("main", 7, project, "USD")).render(TABLE, [Thing(name, "\ud800", 1, 2)])
    text = exposition([snapshot], TEXT)
    assert len(list(text_string_to_metric_families(text))) == 5


# --- Joining --------------------------------------------------------------------------------------


def test_families_without_samples_have_their_header_still() -> None:
    registry = CollectorRegistry()
    Info("build", "Own.", registry=registry)
    assert join(TABLE.families[1:2], [], registry, TEXT).decode() == (
        "# HELP things_second The second.\n"
        "# TYPE things_second gauge\n"
        "# HELP build_info Own.\n"
        "# TYPE build_info gauge\n"
        "build_info 1.0\n"
    )


def test_each_familys_samples_of_all_projects_are_together() -> None:
    snapshots = [Renderer(Row("main", n, "p")).render(TABLE, [Thing("a", "b", n)]) for n in (1, 2)]
    lines = exposition(snapshots, openmetrics_1_0_0("underscores")).splitlines()
    assert lines == [
        '# HELP things_first The first\\nnumber, \\\\ and \\"quotes\\".',
        "# TYPE things_first gauge",
        'things_first{name="a",project="p",project_id="1"} 1.0',
        'things_first{name="a",project="p",project_id="2"} 2.0',
        "# HELP things_second The second.",
        "# TYPE things_second gauge",
        "# HELP things_info Always 1.",
        "# TYPE things_info gauge",
        'things_info{kind="b",name="a",project_id="1"} 1.0',
        'things_info{kind="b",name="a",project_id="2"} 1.0',
        "# HELP things_none Never anything.",
        "# TYPE things_none gauge",
        "# HELP own_gauge One of the exporter's own.",
        "# TYPE own_gauge gauge",
        "own_gauge 3.0",
        "# EOF",
    ]


def test_samples_alone_for_people() -> None:
    snapshots = [Renderer(Row("main", n, "p")).render(TABLE, [Thing("a", "é", n)]) for n in (1, 2)]
    assert samples(snapshots) == (
        'things_first{name="a",project="p",project_id="1"} 1.0\n'
        'things_info{kind="é",name="a",project_id="1"} 1.0\n'
        'things_first{name="a",project="p",project_id="2"} 2.0\n'
        'things_info{kind="é",name="a",project_id="2"} 1.0'
    )
    assert samples([]) == ""
