"""docs/faults.md is what the catalogue says, and the catalogue is as large as it should be."""

from __future__ import annotations

from pathlib import Path

from tests.faults import answers, contents, elsewhere, processes, stories
from tests.faults.__main__ import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "python -m tests.faults > docs/faults.md"


def test_every_fault_is_there_once() -> None:
    titles = [
        *(entry.title for entry in answers.FAILING),
        *(f"{where.endpoint}: {entry.title}" for where, entry in elsewhere.LASTING),
        *(f"{where.endpoint}: {title}" for where, title, _, _ in elsewhere.ONCES),
        *(entry.title for entry in elsewhere.NAMES),
        *(entry.title for entry in contents.LEFT_OUT),
        *(entry.title for entry in contents.HARMLESS),
        *(story.told.title for story in stories.STORIES),
        *(story.told.title for story in processes.PROCESSES),
    ]
    assert len(titles) == len(set(titles)) >= 60
    assert all(entry.error for entry in answers.FAILING)
