"""Every bad answer of the other endpoints, on an exporter with all its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.poller.projects import CALLED_BY_ID
from exporter.poller.record import CALL_FAILED, READ_FAILED, REJECTED
from tests.faults.elsewhere import (
    AUTHENTICATE,
    LASTING,
    NAME,
    NAMELESS,
    NAMES,
    ONCES,
    STATISTICS,
)
from tests.faults.scene import BYSTANDER, VICTIM, Scene
from tests.poller.given import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.elsewhere import Elsewhere
    from tests.faults.entry import Failing

_MINUTES = 60.0


@pytest.mark.parametrize(
    ("where", "entry"),
    LASTING,
    ids=[f"{where.endpoint}: {entry.title}" for where, entry in LASTING],
)
def test_an_answer_of_another_endpoint(where: Elsewhere, entry: Failing, tmp_path: Path) -> None:
    with Scene(tmp_path, seconds=entry.seconds, **where.settings) as scene:
        times = 2 if where is NAME else None
        with scene.befallen(
            entry.fault(scene), where.endpoint, where.befallen, times=times
        ) as befallen:
            if where is NAME or where is AUTHENTICATE:
                scene.start()
            eventually(lambda: befallen.times >= 2)
            if where.source:
                scene.eventually_fails(VICTIM, where.source)
                scene.eventually_fails(VICTIM if where is STATISTICS else BYSTANDER, where.source)
                scene.change(2)
                scene.eventually_has(2)
                assert scene.success() == 1
            if where is AUTHENTICATE:
                eventually(scene.ready)
                assert scene.healthy()
                assert scene.calls(project_id=None) == 0
            (said,) = scene.log.said(READ_FAILED if where is STATISTICS else CALL_FAILED)
            assert said["reason"] == entry.reason
            if entry.error.endswith("…"):
                assert said["error"].startswith(entry.error[:-1])
            else:
                assert said["error"] == entry.error
        scene.eventually_has(2 if where.source else 1)
        scene.comes_to(where.told(entry))
        counted = {(where.endpoint, entry.reason.value): befallen.times}
        scene.eventually_counts(lambda: counted)
        scene.versions()


@pytest.mark.parametrize(
    ("where", "title", "fault", "rejected"),
    ONCES,
    ids=[f"{where.endpoint}: {title}" for where, title, _, _ in ONCES],
)
def test_one_call_of_another_endpoint(
    where: Elsewhere,
    title: str,
    fault: Any,
    tmp_path: Path,
    *,
    rejected: bool,
) -> None:
    with Scene(tmp_path, **where.settings) as scene:
        with scene.befallen(fault, where.endpoint, where.befallen, times=1) as befallen:
            if where is NAME or where is AUTHENTICATE:
                scene.start()
            eventually(lambda: befallen.times)
        if rejected and where is AUTHENTICATE:
            eventually(lambda: scene.log.said(REJECTED))
            scene.falls_silent()
            assert len(scene.server.requests) == 1
            scene.passes(15 * _MINUTES + 1)
        scene.change(2)
        scene.eventually_has(2)
        scene.comes_to(where.once(rejected=rejected))
        scene.versions()


@pytest.mark.parametrize("entry", NAMES, ids=[entry.title for entry in NAMES])
def test_a_name_that_is_none(entry: Failing, tmp_path: Path) -> None:
    with Scene(tmp_path, **NAME.settings) as scene:
        with (
            scene.befallen(entry.fault(scene), NAME.endpoint, VICTIM, times=3),
            # All projects, which is the first call.
            scene.befallen(entry.fault(scene), NAME.endpoint, None, times=1),
        ):
            scene.start()
            (said,) = eventually(lambda: scene.log.said(CALLED_BY_ID))
            assert said["error"] == entry.error
            eventually(lambda: any('project="1"' in line for line in scene.portfolio()))
        scene.eventually_asks(3)
        scene.comes_to(NAMELESS)
        assert scene.calls(NAME.endpoint, VICTIM) == 4
        assert all('project="1"' in line for lines in scene.seen for line in lines)
