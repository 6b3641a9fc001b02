"""Every fault of an answer, on an exporter with all its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.poller.record import READ_FAILED
from tests.faults.answers import FAILING, costs_a_read
from tests.faults.scene import BYSTANDER, PORTFOLIO, STALE_AFTER, VICTIM, Scene
from tests.poller.given import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.entry import Failing


@pytest.mark.parametrize("entry", FAILING, ids=[entry.title for entry in FAILING])
def test_a_fault_that_costs_a_read(
    entry: Failing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scene(tmp_path, seconds=entry.seconds) as scene:
        good = scene.portfolio()
        assert len(good) == 2 + 3 * 8 + 2 * 3
        with scene.befallen(entry.fault(scene)) as befallen:
            eventually(lambda: befallen.times)
            scene.change(2)
            # What was published stands, byte for byte, and nobody else suffers.
            scene.eventually_fails()
            assert scene.portfolio() == good
            scene.eventually_asks(2, project_id=BYSTANDER)
            assert scene.success(BYSTANDER) == 1
            # It is said once, with the reason.
            eventually(lambda: befallen.times >= 2)
            (said,) = scene.log.said(READ_FAILED)
            assert said["project_id"] == VICTIM
            assert said["source"] == "portfolio"
            assert said["reason"] == entry.reason
            if entry.error.endswith("…"):
                assert said["error"].startswith(entry.error[:-1])
            else:
                assert said["error"] == entry.error
            # What is too old is withdrawn, of this project alone.
            scene.passes(STALE_AFTER + 1)
            assert scene.portfolio() == []
            scene.eventually_has(1, BYSTANDER)
            assert scene.portfolio() == []
        # It recovers by itself; nothing else was logged, counted or shown, and all that once.
        scene.eventually_has(2)
        scene.comes_to(costs_a_read(entry))
        # Every call that failed is counted.
        scene.eventually_counts(lambda: {(PORTFOLIO, entry.reason.value): befallen.times})
        assert set(scene.seen) <= {(), tuple(good), tuple(scene.portfolio())}
