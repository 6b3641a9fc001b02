"""Every metric that the catalogue promises is in a real Prometheus that has watched the demo."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from exporter.sources import CATALOGUE
from prometheus.stack import Prometheus, eventually
from tests.integration.exporter_process import ExporterProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics.table import Family

pytestmark = pytest.mark.needs_prometheus

# After three minutes one algorithm of the demo stops with open positions, after five one crashes.
AGE = 290.0
SECONDS = 90.0
# What the demo cannot produce, and why. Held to be exact: what does produce something fails.
NOT_IN_THE_DEMO = {
    "quantconnect_api_parse_problems_total": (
        "its series appear with the first odd field, and the simulator sends none unless told to"
    ),
}


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    """The demo's exporter, when one algorithm has stopped and another is about to crash."""
    started = f"--simulator.started={time.time() - AGE:.3f}"
    address = "--simulator.listen-address=127.0.0.1:0"
    with ExporterProcess(tmp_path_factory.mktemp("demo"), "demo", started, address) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(
    exporter: ExporterProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that has every family, or has waited for it."""
    directory = tmp_path_factory.mktemp("prometheus")
    running = Prometheus(directory, targets=[exporter.address], rules=False)
    running.start()
    awaited = [name_of(family) for family in CATALOGUE if family.name not in NOT_IN_THE_DEMO]
    try:
        eventually(
            lambda: all(found(running, exporter, name) for name in awaited),
            "every family has been scraped",
            seconds=SECONDS,
        )
        yield running
    finally:
        running.stop()


def name_of(family: Family) -> str:
    return f"{family.name}_bucket" if family.type == "histogram" else family.name


def found(prometheus: Prometheus, exporter: ExporterProcess, name: str) -> list[dict[str, Any]]:
    """The series of the last scrapes: one that failed on a busy machine leaves a gap."""
    return prometheus.query(f'last_over_time({name}{{instance="{exporter.address}"}}[60s])')


@pytest.mark.parametrize("family", CATALOGUE, ids=lambda family: family.name)
def test_it_has_series(family: Family, prometheus: Prometheus, exporter: ExporterProcess) -> None:
    all_series = found(prometheus, exporter, name_of(family))
    if family.name in NOT_IN_THE_DEMO:
        assert all_series == [], f"it is there although {NOT_IN_THE_DEMO[family.name]}"
        return
    assert all_series
    declared = set(family.labels) | {"job", "instance", "__name__"}
    declared |= {"le"} if family.type == "histogram" else set()
    for series in all_series:
        # An empty label is none to Prometheus.
        more = set(series["metric"]) - declared
        assert not more or family.open_labels
        assert series["value"][1] != "NaN"


def test_the_reasons_are_about_metrics_of_the_catalogue() -> None:
    assert set(NOT_IN_THE_DEMO) <= {family.name for family in CATALOGUE}


def test_nothing_is_published_that_the_catalogue_does_not_have(
    prometheus: Prometheus, exporter: ExporterProcess
) -> None:
    declared = {family.name for family in CATALOGUE}
    for family in CATALOGUE:
        if family.type == "histogram":
            declared |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
        if family.type != "gauge":  # prometheus-client adds when the series began
            declared.add(f"{family.name.removesuffix('_total')}_created")
    names = prometheus.query(
        f'group by (__name__) ({{__name__=~"quantconnect_.+", instance="{exporter.address}"}})'
    )
    assert {series["metric"]["__name__"] for series in names} <= declared
