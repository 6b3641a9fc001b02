"""The poll path: from the bytes of QuantConnect's answer to the snapshot in the store.

The peer decodes with json and renders with prometheus-client. It is given the labels of every
holding for nothing, so only what any exporter must do at each read is compared.
"""

from __future__ import annotations

import gc
import json
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from requests.structures import CaseInsensitiveDict

from benchmarks.quantconnect import Answers
from benchmarks.table import Row, at_least, duration, median_ratio
from exporter import config
from exporter.clock import Clock
from exporter.metrics.table import Row as Labels
from exporter.poller.project import Project
from exporter.quantconnect.envelope import open_envelope
from exporter.quantconnect.fields import ratio
from exporter.quantconnect.transport import Answer
from exporter.sources.holdings import HOLDINGS
from exporter.sources.portfolio import CASH, PORTFOLIO, POSITIONS, decode_portfolio
from exporter.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client import Metric

    from benchmarks.sizes import Sizes

_READS_PER_TURN = 20
_FOR_EVER = 1_000_000
_TARGET = 20.0
_VERSIONS = 20


class Ours:
    """One project's read, as the poller does it."""

    def __init__(self, project_id: int) -> None:
        self.project_id = project_id
        self.store = Store(Clock())
        settings = config.ProjectSettings(
            id=project_id, scrape_interval=60.0, name="Generated", account_currency="USD"
        )
        environ = {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN": "demo"}
        self._clock = Clock()
        self._project = Project(
            settings,
            account="default",
            config=config.load_from_environment(environ),
            clock=self._clock,
            first_priority=0,
        )

    def __call__(self, body: bytes) -> None:
        """Read one answer."""
        payload = open_envelope(Answer(200, CaseInsensitiveDict(), body), scrub=str)
        portfolio = decode_portfolio(payload, max_holdings=10_000)
        task = self._project.tasks[PORTFOLIO]
        asked = self._clock.monotonic()
        outcome = self._project.take_in(PORTFOLIO, portfolio, asked=asked, interval=60.0)
        task.note(outcome, at=self._clock.now(), duration=0.5, interval=60.0)
        self.store.put(self._project.collect())


class Theirs:
    """The same with json and prometheus-client; ``output`` is what it rendered last."""

    def __init__(self, project_id: int) -> None:
        self._labels = {
            "account": "default",
            "project_id": str(project_id),
            "project": "Generated",
        }
        self._row = Labels("default", project_id, "Generated", "USD")
        self._known: dict[str, Mapping[str, str]] = {}
        self._expiries: dict[str, float | None] = {}
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self._body = b""
        self.output = b""

    def know(self, body: bytes) -> None:
        """Look up the labels of all holdings of an answer beforehand."""
        payload = open_envelope(Answer(200, CaseInsensitiveDict(), body), scrub=str)
        for holding in decode_portfolio(payload, max_holdings=10_000).holdings:
            self._known[holding.symbol_id] = HOLDINGS.labels(holding, self._row)
            expiry = next(c for c in HOLDINGS.columns if "expiry" in c.family.name)
            self._expiries[holding.symbol_id] = expiry.value(holding)

    def __call__(self, body: bytes) -> None:
        """Read one answer."""
        self._body = body
        self.output = generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The families of the answer."""
        if not self._body:
            return
        portfolio = json.loads(self._body)["portfolio"]
        holdings: dict[str, dict[str, Any]] = portfolio["holdings"]
        yield self._family(POSITIONS.families[0], {"": len(holdings)}, {"": {}})
        numbers: list[dict[str, float | None]] = [
            {key: each.get("q", 0) for key, each in holdings.items()},
            {key: each.get("a", 0) for key, each in holdings.items()},
            {key: each.get("p", 0) for key, each in holdings.items()},
            {key: each.get("r", 1) for key, each in holdings.items()},
            {key: each.get("v", 0) for key, each in holdings.items()},
            {key: each.get("u", 0) for key, each in holdings.items()},
            {key: ratio(each.get("up", 0)) for key, each in holdings.items()},
            {key: self._expiries[key] for key in holdings},
            dict.fromkeys(holdings, 1),
        ]
        for family, values in zip(HOLDINGS.families, numbers, strict=True):
            yield self._family(family, values, self._known)
        cash: dict[str, dict[str, Any]] = portfolio["cash"]
        labels = {key: {"currency": key} for key in cash}
        fields = ("amount", "conversionRate", "valueInAccountCurrency")
        for family, name in zip(CASH.families, fields, strict=True):
            yield self._family(family, {key: each[name] for key, each in cash.items()}, labels)

    def _family(
        self,
        family: Any,
        values: Mapping[str, float | None],
        labels: Mapping[str, Mapping[str, str]],
    ) -> Metric:
        metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        constant = {**self._labels, "account_currency": "USD"}
        for key, value in values.items():
            if value is not None:
                own = labels[key]
                metric.add_metric([constant.get(n) or own[n] for n in family.labels], value)
        return metric


def measure(sizes: Sizes) -> list[Row]:
    """The rows of the poll path."""
    moved = Answers(1, sizes.holdings, versions=_VERSIONS)
    traded = Answers(1, sizes.holdings, versions=_VERSIONS, held_for=600.0)
    rows = []
    for what, answers, reads, target in (
        ("poll path a holding, one read in ten finds new prices", moved, 10, _TARGET),
        ("poll path a holding, every price moved", moved, 1, _TARGET),
        ("poll path a holding, a tenth of the positions replaced too", traded, 1, None),
        ("poll path a holding, nothing changed since the last read", moved, _FOR_EVER, None),
    ):
        ours, theirs = _take_turns(answers, reads, sizes.rounds)
        per = [each / sizes.holdings for each in ours], [each / sizes.holdings for each in theirs]
        figures = (what, duration(median(per[0])), duration(median(per[1])))
        ratio = median_ratio(per[1], per[0])
        rows.append(
            Row(*figures, f"{ratio:.3g} ×") if target is None else at_least(*figures, ratio, target)
        )
    return rows


def _take_turns(answers: Answers, reads: int, rounds: int) -> tuple[list[float], list[float]]:
    """CPU seconds of a read, ours and theirs, where every version is read so many times."""
    project_id = answers.project_ids[0]
    ours, theirs = Ours(project_id), Theirs(project_id)
    versions = answers.portfolios(project_id)
    for _ in range(_VERSIONS):
        theirs.know(next(versions))
    bodies = (body for body in versions for _ in range(reads))
    _check_same(ours, theirs, next(bodies))
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        seconds[0].append(_time(ours, bodies))
        seconds[1].append(_time(theirs, bodies))
    return seconds


def _time(read: Callable[[bytes], None], bodies: Iterator[bytes]) -> float:
    gc.collect()
    started = time.process_time()
    for _ in range(_READS_PER_TURN):
        read(next(bodies))
    return (time.process_time() - started) / _READS_PER_TURN


def _check_same(ours: Ours, theirs: Theirs, body: bytes) -> None:
    ours(body)
    theirs(body)
    names = {family.name for table in (POSITIONS, HOLDINGS, CASH) for family in table.families}
    rendered = {
        line
        for snapshot in ours.store.snapshots()
        for name, lines in snapshot.items()
        if name in names
        for line in lines.splitlines()
    }
    if rendered != {line for line in theirs.output.splitlines() if not line.startswith(b"#")}:
        raise RuntimeError("the poll path and its peer render different samples")
