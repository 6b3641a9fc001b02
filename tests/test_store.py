from __future__ import annotations

from msgspec.structs import replace

from exporter.clock import Clock
from exporter.exposition import Piece
from exporter.store import Part, ProjectReport, Published, Store


def report(project_id: int, name: str = "") -> ProjectReport:
    return ProjectReport(
        project_id=project_id, name=name, account="main", state="Running", positions=1, sources=()
    )


def published(project_id: int, *parts: Part) -> Published:
    return Published(report(project_id), parts)


class Time:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_projects_are_shown_in_the_order_of_their_ids_and_parts_in_theirs() -> None:
    store = Store(Clock())
    store.put(published(20, Part({"a": Piece(b"20a\n")}), Part({"b": Piece(b"20b\n")})))
    store.put(published(3, Part({"a": Piece(b"3\n")})))
    assert store.snapshots() == [{"a": b"3\n"}, {"a": b"20a\n"}, {"b": b"20b\n"}]
    assert [each.project_id for each in store.reports()] == [3, 20]


def test_a_project_is_swapped_whole() -> None:
    store = Store(Clock())
    store.put(published(7, Part({"a": Piece(b"1\n")}), Part({"b": Piece(b"2\n")})))
    store.put(Published(replace(report(7), name="new"), (Part({"c": Piece(b"3\n")}),)))
    assert store.snapshots_of(7) == [{"c": b"3\n"}]
    assert store.report(7) == report(7, "new")


def test_a_part_is_withdrawn_by_itself_when_it_is_too_old() -> None:
    time = Time()
    store = Store(Clock(monotonic=time))
    store.put(
        published(
            7,
            Part({"stays": Piece(b"")}),
            Part({"short": Piece(b"")}, expires=1010.0),
            Part({"long": Piece(b"")}, expires=1020.0),
        )
    )
    seen = []
    for now in (1009.9, 1010.0, 1019.9, 1020.0):
        time.now = now
        assert store.snapshots() == store.snapshots_of(7)
        seen.append([name for snapshot in store.snapshots() for name in snapshot])
    assert seen == [["stays", "short", "long"], ["stays", "long"], ["stays", "long"], ["stays"]]


def test_the_wall_clock_has_no_part_in_it() -> None:
    store = Store(Clock(monotonic=lambda: 0.0, now=lambda: 1e12))
    store.put(published(7, Part({"a": Piece(b"")}, expires=1.0)))
    assert store.snapshots() == [{"a": b""}]


def test_what_is_removed_is_gone_entirely() -> None:
    store = Store(Clock())
    store.put(published(7, Part({"a": Piece(b"")})))
    store.remove(7)
    store.remove(7)
    assert (store.snapshots(), store.snapshots_of(7), store.reports()) == ([], [], [])
    assert store.report(7) is None


def test_a_report_is_without_what_is_withdrawn() -> None:
    time = Time()
    store = Store(Clock(monotonic=time))
    ageing = replace(report(7), positions_until=1010.0, state_until=1020.0)
    store.put(Published(ageing))
    for now, positions, state in (
        (1009.9, 1, "Running"),
        (1010.0, None, "Running"),
        (1020.0, None, "not known (was Running)"),
    ):
        time.now = now
        found = store.report(7)
        assert found is not None
        assert (found.positions, found.state) == (positions, state)
        assert store.reports() == [found]
