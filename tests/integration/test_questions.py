"""The queries of docs/metrics.md, run in a Prometheus that scrapes the demo; answers are checked
against what the samples themselves say.
"""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prometheus.stack import Prometheus, eventually
from tests.integration.exporter_process import ExporterProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.needs_prometheus

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"(?s)```promql\n(.*?)```", PAGE)
QUESTIONS = dict(re.findall(r"(?ms)^# (.+?\?)[^\n]*\n(.+?)(?=\n\n|\n\Z)", BLOCK))

Key = tuple[str, ...]


class Samples:
    """What Prometheus holds at one moment, by metric."""

    def __init__(self, prometheus: Prometheus, at: float) -> None:
        self.prometheus = prometheus
        self.at = at

    def of(self, query: str, *labels: str) -> dict[Key, list[float]]:
        """The values of a query's series, by these labels."""
        found = defaultdict(list)
        for series in self.prometheus.query(query, at=self.at):
            key = tuple(series["metric"].get(label, "") for label in labels)
            found[key].append(float(series["value"][1]))
        return found

    def sums(self, query: str, *labels: str) -> dict[Key, float]:
        return {key: sum(values) for key, values in self.of(query, *labels).items()}

    def one(self, query: str, *labels: str) -> dict[Key, float]:
        """The same where the labels make each series unique."""
        found = self.of(query, *labels)
        assert all(len(values) == 1 for values in found.values())
        return {key: value for key, (value,) in found.items()}


VALUE = "quantconnect_holding_market_value"
EQUITY = "quantconnect_live_equity"
HOLDING = ("project_id", "symbol_id")


def worth(now: Samples) -> dict[Key, float]:
    return now.sums(EQUITY, "account_currency")


def than_a_day_ago(now: Samples) -> dict[Key, float]:
    before = Samples(now.prometheus, now.at - 86_400).one(EQUITY, "project_id")
    present = now.one(EQUITY, "project_id")
    return {key: present[key] - before[key] for key in present.keys() & before.keys()}


def by_symbol(now: Samples) -> dict[Key, float]:
    return now.sums(VALUE, "symbol", "account_currency")


def five_largest(now: Samples) -> dict[Key, float]:
    of_projects = defaultdict(list)
    for key, value in now.one(VALUE, *HOLDING).items():
        of_projects[key[0]].append((abs(value), key))
    return {
        key: value
        for positions in of_projects.values()
        for value, key in sorted(positions, reverse=True)[:5]
    }


def weights(now: Samples) -> dict[Key, float]:
    equity = now.one(EQUITY, "project_id")
    values = now.one(VALUE, *HOLDING)
    return {key: value / equity[key[:1]] for key, value in values.items() if key[:1] in equity}


def gained(now: Samples) -> dict[Key, float]:
    return now.sums("quantconnect_holding_unrealized_pnl", "project", "account_currency")


def leverage(now: Samples) -> dict[Key, float]:
    equity = now.one(EQUITY, "project_id")
    gross = {key: sum(map(abs, values)) for key, values in now.of(VALUE, "project_id").items()}
    return {key: gross[key] / equity[key] for key in gross.keys() & equity.keys()}


def cash(now: Samples) -> dict[Key, float]:
    return now.sums("quantconnect_cash_amount", "currency")


def stopped(now: Samples) -> dict[Key, float]:
    running = now.one('quantconnect_live_status{status="Running"}', "project_id")
    held = now.one("quantconnect_holdings", "project_id")
    return {key: count for key, count in held.items() if count and running.get(key) == 0}


def expiring(now: Samples) -> dict[Key, float]:
    expiries = now.one("quantconnect_holding_expiry_timestamp_seconds", *HOLDING)
    return {key: (value - now.at) / 86_400 for key, value in expiries.items()}


def ages(now: Samples) -> dict[Key, float]:
    read = now.one(
        'quantconnect_read_last_success_timestamp_seconds{source="portfolio"}', "project_id"
    )
    return {key: now.at - value for key, value in read.items()}


def failing(now: Samples) -> dict[Key, float]:
    reads = now.one("quantconnect_read_success", "project_id", "source")
    return {key: value for key, value in reads.items() if not value}


def used(now: Samples) -> dict[Key, float]:
    calls = now.sums("rate(quantconnect_api_requests_total[5m])", "account")
    budget = now.one("quantconnect_api_request_budget_per_second", "account")
    return {key: calls[key] / budget[key] for key in budget}


ANSWERS: dict[str, tuple[Callable[[Samples], dict[Key, float]], tuple[str, ...]]] = {
    "What is everything worth, in each currency?": (worth, ("account_currency",)),
    "How much more is that than a day ago?": (than_a_day_ago, ("project_id",)),
    "What do I hold of each symbol, over all projects?": (
        by_symbol,
        ("symbol", "account_currency"),
    ),
    "Which are the five largest positions of each project?": (five_largest, HOLDING),
    "How much of a project's equity is in each position?": (weights, HOLDING),
    "What is each project's unrealized profit or loss?": (
        gained,
        ("project", "account_currency"),
    ),
    "How many times its equity does a project hold, long and short together?": (
        leverage,
        ("project_id",),
    ),
    "How much cash is there, in each currency?": (cash, ("currency",)),
    "Which projects hold positions and do not run?": (stopped, ("project_id",)),
    "In how many days do my positions expire?": (expiring, HOLDING),
    "How old are the portfolios, in seconds?": (ages, ("project_id",)),
    "Which reads fail at the moment?": (failing, ("project_id", "source")),
    "How much of the budget of calls is used?": (used, ("account",)),
}
# The demo's reads do not fail.
NO_ANSWER = {"Which reads fail at the moment?"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has scraped the demo, one project of which has stopped, and knows equity a day ago."""
    directory = tmp_path_factory.mktemp("questions")
    started = f"--simulator.started={time.time() - 290:.3f}"
    simulator = "--simulator.listen-address=127.0.0.1:0"
    with ExporterProcess(directory, "demo", started, simulator) as exporter:
        with urllib.request.urlopen(f"http://{exporter.address}/metrics", timeout=20) as response:
            served = response.read().decode()
        labels = f'{EQUITY}{{instance="{exporter.address}",job="quantconnect",'
        yesterday = re.findall(rf"(?m)^{EQUITY}{{(.+}}) (.+)$", served)
        past = directory / "past"
        past.write_text(
            f"# TYPE {EQUITY} gauge\n"
            + "".join(
                f"{labels}{rest} {float(value) - 100} {time.time() - 86_400:.3f}\n"
                for rest, value in yesterday
            )
            + "# EOF\n"
        )
        create = ("promtool", "tsdb", "create-blocks-from", "openmetrics")
        subprocess.run([*create, past, directory / "data"], check=True, capture_output=True)
        running = Prometheus(directory, targets=[exporter.address], rules=False)
        try:
            running.start()
            calls = "sum(rate(quantconnect_api_requests_total[5m])) > 0"
            eventually(lambda: bool(running.query(calls)), "it has scraped twice", seconds=60)
            yield running
        finally:
            running.stop()


def test_every_question_of_the_page_is_asked_here() -> None:
    assert list(QUESTIONS) == list(ANSWERS)


@pytest.mark.parametrize("question", ANSWERS)
def test_the_answer_is_true(question: str, prometheus: Prometheus) -> None:
    answer, labels = ANSWERS[question]
    now = Samples(prometheus, float(int(time.time())))
    found = now.one(QUESTIONS[question], *labels)
    assert found == pytest.approx(answer(now))
    assert bool(found) == (question not in NO_ANSWER)
