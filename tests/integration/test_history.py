"""The demo's past: a month of everything, without gaps, that goes over into the present."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.cli.demo import configuration
from exporter.simulator import World
from prometheus.history import DAY, DAYS, HOUR, Past
from prometheus.stack import Prometheus
from tests.integration.exporter_process import ExporterProcess
from tests.rules.ruleset import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = pytest.mark.needs_prometheus

# What the demo has none of: projects that were never deployed, or stopped without a position, and
# projects with drawdown_since.
NEVER = {
    "project:quantconnect_never_deployed:info",
    "project:quantconnect_portfolio_unneeded:info",
    "project:quantconnect_live_equity:peak_since",
}
# Families with the same values a moment later, and with similar ones.
SAME = {
    "quantconnect_project_info",
    "quantconnect_project_limit",
    "quantconnect_live_status",
    "quantconnect_live_launched_timestamp_seconds",
    "quantconnect_read_interval_seconds",
    "quantconnect_read_success",
    "quantconnect_api_authenticated",
    "quantconnect_exporter_build_info",
}
CLOSE = {
    "quantconnect_live_equity",
    "quantconnect_holding_market_price",
    "quantconnect_holding_average_price",
    "quantconnect_cash_conversion_rate",
    "quantconnect_live_memory_total_bytes",
}


@pytest.fixture(scope="module")
def started() -> float:
    return round(time.time(), 3)  # as the exporter is told


@pytest.fixture(scope="module")
def present(started: float, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    with ExporterProcess(
        tmp_path_factory.mktemp("exporter"),
        "demo",
        f"--simulator.started={started:.3f}",
        "--simulator.listen-address=127.0.0.1:0",
    ) as exporter:
        yield exporter


@pytest.fixture(scope="module")
def now(present: ExporterProcess) -> dict[frozenset[tuple[str, str]], float]:
    """Return the exporter's present values by the labels of each series."""
    _, text = present.get("/metrics")
    return {
        frozenset(
            (name, value)
            for name, value in {"__name__": sample.name, **sample.labels}.items()
            if value  # Prometheus drops the others
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def prometheus(
    started: float,
    present: ExporterProcess,
    now: dict[frozenset[tuple[str, str]], float],  # before minutes have passed
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Prometheus]:
    """A Prometheus with nothing but the past."""
    directory = tmp_path_factory.mktemp("past")
    prometheus = Prometheus(directory, targets=[], rules=False)
    prometheus.data.mkdir()
    settings = configuration("http://127.0.0.1", World.demo(started=started).project_ids)
    Past(settings, target=present.address, interval=5.0, started=started).write(prometheus.data)
    prometheus.start()
    yield prometheus
    prometheus.stop()


def names(series: Iterable[Iterable[tuple[str, str]]]) -> set[str]:
    return {dict(labels)["__name__"] for labels in series}


def without_target(metric: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, value) for name, value in metric.items() if name not in ("job", "instance")
    )


def test_each_family_has_a_month_of_past(
    prometheus: Prometheus, now: dict[frozenset[tuple[str, str]], float], started: float
) -> None:
    """The exporter's own metrics have one too, and so do those about the scrape."""
    first = started - (DAYS - 1) * DAY
    found = names(
        each["metric"].items() for each in prometheus.query('{job="quantconnect"}', at=first)
    )
    assert names(now) | {"up", "scrape_samples_scraped", "scrape_duration_seconds"} <= found


@pytest.mark.parametrize(
    ("seconds", "step", "rate"),
    [(HOUR, 5, 20), (6 * HOUR, 15, 20), (DAY, 60, 65), (7 * DAY, 600, 605), (30 * DAY, 1800, 1805)],
)
def test_a_chart_of_a_rate_has_no_gap(
    seconds: int, step: int, rate: int, prometheus: Prometheus, started: float
) -> None:
    """Grafana draws at most 1,600 points; each rate spans a point or four scrapes."""
    calls = 'quantconnect_api_requests_total{endpoint="live/portfolio/read"}'
    answer = prometheus.get(
        "/api/v1/query_range",
        query=f"rate({calls}[{rate}s])",
        start=f"{started - seconds}",
        end=f"{started - step}",
        step=f"{step}",
    )
    (series,) = answer["data"]["result"]
    numbers = [float(number) for _, number in series["values"]]
    assert len(numbers) == seconds // step
    # Seven or eight projects, each read every five seconds. Where samples become twice as frequent,
    # one rate may be of 10 of its 20 seconds and half an interval more: 1.3 becomes 0.81.
    assert min(numbers) > 0.7
    assert sum(number < 1.0 for number in numbers) <= 1
    assert max(numbers) < 2.0


def test_the_past_ends_as_the_present_begins(
    prometheus: Prometheus, now: dict[frozenset[tuple[str, str]], float], started: float
) -> None:
    """Both have the same series, except for trades in between, and similar values."""
    before = {
        without_target(each["metric"]): float(each["value"][1])
        for each in prometheus.query('{job="quantconnect"}', at=started)
    }
    traded = {labels for labels in now if {"symbol_id", "currency"} & dict(labels).keys()}
    assert now.keys() - traded <= before.keys()
    both = now.keys() & before.keys()
    assert len(both) > 0.9 * len(now)
    assert not [labels for labels in before if "" in dict(labels).values()]
    for labels in both:
        name = dict(labels)["__name__"]
        if name in SAME:
            assert before[labels] == now[labels], labels
        if name in CLOSE and dict(labels).get("security_type", "Equity") == "Equity":
            assert before[labels] == pytest.approx(now[labels], rel=0.05), labels


def test_what_was_read_last_is_seconds_old_all_the_time(
    prometheus: Prometheus, started: float
) -> None:
    age = "time() - quantconnect_read_last_success_timestamp_seconds"
    for days in (0.01, 1, 7, 30):
        ages = [float(each["value"][1]) for each in prometheus.query(age, at=started - days * DAY)]
        assert len(ages) >= 3 * 5
        # They were read five seconds before at the most, and scraped five minutes ago.
        assert 0 <= min(ages) <= max(ages) <= 305


def test_each_record_has_a_past(prometheus: Prometheus) -> None:
    recorded = {
        name
        for name in {rule.name for rule in RECORDS}
        if prometheus.query(f"last_over_time({name}[{DAYS}d])")
    }
    assert {rule.name for rule in RECORDS} - recorded == NEVER
