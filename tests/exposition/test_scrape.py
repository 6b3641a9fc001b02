"""The exporter's own families, byte for byte as prometheus-client renders them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from exporter.exposition import TEXT, Format, join, openmetrics_1_0_0, text_1_0_0
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

FORMATS = (TEXT, text_1_0_0("allow-utf-8"), openmetrics_1_0_0("underscores"))


class Still(CollectorRegistry):
    """What a registry held at one time: processor time and memory don't stand still."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._metrics = list(registry.collect())

    def collect(self) -> Iterable[Metric]:
        return self._metrics


@pytest.mark.parametrize("offered", FORMATS, ids=lambda offered: offered.content_type)
def test_all_that_the_exporter_counts(offered: Format) -> None:
    telemetry = Telemetry(version="1.2.3", revision="")
    account = telemetry.account('a "b"\\\n', endpoints=["live/list"], reasons=["tls"], budget=1)
    for _ in range(2):  # the second time with what was kept of the first
        account.call("live/list")
        account.answered("live/list", 0.3)
        account.failed("live/list", "tls")
        account.skew(-1.5e-7)
        account.problem("live/list", "éq")
        registry = Still(telemetry.registry)
        assert join((), [], registry, offered) == offered.render(registry)


@pytest.mark.parametrize("offered", FORMATS, ids=lambda offered: offered.content_type)
def test_instruments_without_labels_and_with_the_same_label_values(offered: Format) -> None:
    registry = CollectorRegistry()
    Counter("calls", "Counted.", registry=registry).inc(2e6)
    Histogram("seconds", "Timed.", buckets=(0.1, 1.0), registry=registry).observe(0.5)
    gauge = Gauge("state", "Two labels.", ("first", "second"), registry=registry)
    gauge.labels("a", "b").set(1)
    gauge.labels("b", "a").set(float("inf"))
    assert join((), [], Still(registry), offered) == offered.render(Still(registry))
