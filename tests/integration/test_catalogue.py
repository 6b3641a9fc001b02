"""Every metric that the catalogue promises is in a real Prometheus that has watched the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.sources import CATALOGUE

if TYPE_CHECKING:
    from exporter.metrics.table import Family
    from tests.integration.demo import DemoStack

pytestmark = pytest.mark.needs_prometheus

# What the demo cannot produce, and why. Held to be exact: what does produce something fails.
NOT_IN_THE_DEMO = {
    "quantconnect_api_parse_problems_total": (
        "its series appear with the first odd field, and the simulator sends none unless told to"
    ),
}


@pytest.mark.parametrize("family", CATALOGUE, ids=lambda family: family.name)
def test_it_has_series(family: Family, demo: DemoStack) -> None:
    samples = {"histogram": f"{family.name}_bucket"}.get(family.type, family.name)
    # Of the last scrapes: one that failed on a busy machine leaves a gap.
    found = demo.prometheus.query(f'last_over_time({samples}{{instance="{demo.address}"}}[10s])')
    if family.name in NOT_IN_THE_DEMO:
        assert found == [], f"it is there although {NOT_IN_THE_DEMO[family.name]}"
        return
    assert found
    declared = set(family.labels) | {"job", "instance", "__name__"}
    declared |= {"le"} if family.type == "histogram" else set()
    for series in found:
        # An empty label is none to Prometheus.
        more = set(series["metric"]) - declared
        assert not more or family.open_labels
        assert series["value"][1] != "NaN"


def test_the_reasons_are_about_metrics_of_the_catalogue() -> None:
    assert set(NOT_IN_THE_DEMO) <= {family.name for family in CATALOGUE}


def test_nothing_is_published_that_the_catalogue_does_not_have(demo: DemoStack) -> None:
    declared = {family.name for family in CATALOGUE}
    for family in CATALOGUE:
        if family.type == "histogram":
            declared |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
        if family.type != "gauge":  # prometheus-client adds when the series began
            declared.add(f"{family.name.removesuffix('_total')}_created")
    names = demo.prometheus.query(
        f'group by (__name__) ({{__name__=~"quantconnect_.+", instance="{demo.address}"}})'
    )
    assert {series["metric"]["__name__"] for series in names} <= declared
