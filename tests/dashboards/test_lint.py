"""The dashboards keep the rules of `lint`, and a board that breaks one is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .lint import complaints
from .queries import dashboards

DATA = Path(__file__).parent / "data"
BROKEN = sorted(DATA.glob("*.json"))


@pytest.mark.parametrize(("uid", "board"), dashboards().items(), ids=list(dashboards()))
def test_a_dashboard_keeps_the_rules(uid: str, board: dict[str, object]) -> None:
    assert complaints(board) == []


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_board_is_found(path: Path) -> None:
    """`description` is the one complaint that the board must give."""
    board = json.loads(path.read_text(encoding="utf-8"))
    assert complaints(board) == [board["description"]]


def test_each_rule_has_a_board_that_breaks_it() -> None:
    assert [path.stem for path in BROKEN] == [
        "age-not-said",
        "bar-with-the-panels-name",
        "bar-without-name",
        "color-by-who-answers",
        "link-with-variables",
        "loss-for-no-value",
        "mapping-of-nan",
        "mark-of-the-past",
        "merge-with-names",
        "merge-without-a-key",
        "minus-zero-in-a-column",
        "minus-zero",
        "name-cut",
        "name-with-any-color",
        "number-on-a-curve",
        "old-number",
        "projects-after-others",
        "range-query",
        "ratio-mapped-as-amount",
        "size-by-content",
        "table-no-value",
        "text-between-ticks",
        "timeline-by-thresholds",
    ]
