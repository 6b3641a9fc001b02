"""Odd answers, on an exporter with all its threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.poller import record
from tests.faults.contents import HARMLESS, LEFT_OUT, UNNOTICED, left_out
from tests.faults.scene import VICTIM, Scene
from tests.poller.given import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.entry import Harmless, LeftOut

# Of the holding that is spoilt, which is the first, or of the currency.
_SPOILT = ('symbol_id="SPY R735QTJ8XC9X"', 'currency="EUR"')


@pytest.mark.parametrize("entry", HARMLESS, ids=[entry.title for entry in HARMLESS])
def test_a_fault_without_consequences(entry: Harmless, tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        good = scene.portfolio()
        with scene.befallen(entry.fault(scene)) as befallen:
            eventually(lambda: befallen.times >= 2)
            scene.change(2)
            scene.eventually_has(2)
            assert scene.success() == 1
        scene.comes_to(UNNOTICED)
        assert set(scene.seen) <= {(), tuple(good), tuple(scene.portfolio())}


@pytest.mark.parametrize("entry", LEFT_OUT, ids=[entry.title for entry in LEFT_OUT])
def test_what_cannot_be_understood_is_left_out(entry: LeftOut, tmp_path: Path) -> None:
    with Scene(tmp_path) as scene:
        good = scene.portfolio()
        with scene.befallen(entry.fault(scene)) as befallen:
            scene.eventually_asks(3)
            if entry.without:
                eventually(lambda: scene.portfolio() != good)
            left = scene.portfolio()
            gone = [line for line in good if line not in left]
            new = [line for line in left if line not in good]
            unavoidable = [line for line in gone if line.startswith("quantconnect_holdings{")]
            assert bool(set(gone) - set(unavoidable)) == bool(entry.without)
            assert all(
                line.startswith(entry.without) and any(which in line for which in _SPOILT)
                for line in gone
                if line not in unavoidable
            ), gone
            for start in entry.without:
                assert any(line.startswith(start) for line in gone), start
            assert bool(new) == bool(entry.others), new
            assert all(any(other in line for line in new) for other in entry.others)
            assert scene.success() == 1
            scene.eventually_asks(3)
            said = scene.log.said(record.LEFT_OUT)
            assert {each["project_id"] for each in said} <= {VICTIM}
            assert {each["field"] for each in said} == entry.problems.keys()
            assert not said or any(entry.found in each["found"] for each in said), said
        # The next read without it publishes everything again.
        eventually(lambda: scene.portfolio() == good)
        scene.comes_to(left_out(entry))
        eventually(
            lambda: (
                scene.problems()
                == {field: count * befallen.times for field, count in entry.problems.items()}
            )
        )
        assert set(scene.seen) <= {(), tuple(good), tuple(left)}
