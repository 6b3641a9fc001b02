"""Every story of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.processes import PROCESSES, Start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.entry import ProcessStory


@pytest.mark.parametrize("story", PROCESSES, ids=[story.told.title for story in PROCESSES])
def test_a_story_of_the_process(story: ProcessStory, tmp_path: Path) -> None:
    start = Start(tmp_path)
    story.happens(start)
    start.comes_to(story.told)
