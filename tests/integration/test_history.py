"""The demo's past, all of it: what the simulator was, and what the rules would have recorded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from exporter.cli.demo import configuration
from exporter.simulator import World
from prometheus import history
from prometheus.stack import Prometheus
from tests.rules.ruleset import RECORDS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.needs_prometheus

# What had to go wrong for them: a project that was never deployed.
NEVER = {"project:quantconnect_never_deployed:info"}


def test_the_rules_can_be_evaluated_over_the_whole_month(tmp_path: Path) -> None:
    started = time.time()
    data = tmp_path / "data"
    data.mkdir()
    settings = configuration("http://127.0.0.1", World.demo(started=started).project_ids)
    history.load(history.Past(settings, started=started, target="127.0.0.1:1"), data)
    history.record(data, until=started)
    prometheus = Prometheus(tmp_path, targets=[], rules=False)
    prometheus.start()
    try:
        month = f"[{history.DAYS:.0f}d]"
        recorded = {
            name
            for name in {rule.name for rule in RECORDS}
            if prometheus.query(f"last_over_time({name}{month})")
        }
    finally:
        prometheus.stop()
    assert {rule.name for rule in RECORDS} - recorded == NEVER
