"""Every story, on an exporter with all its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.scene import Scene, pki
from tests.faults.stories import STORIES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.entry import Story


@pytest.mark.parametrize("story", STORIES, ids=[story.told.title for story in STORIES])
def test_a_story(story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "certificate" in story.settings:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pki() / "ca.pem"))
    with Scene(tmp_path, **story.settings) as scene:  # type: ignore[arg-type]
        story.happens(scene)
        scene.comes_to(story.told, ends_well=story.ends_well)
        scene.versions()
