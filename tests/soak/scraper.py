"""A Prometheus that scrapes each second, and looks closely at what it gets."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import lru_cache
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import requests
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families

if TYPE_CHECKING:
    from collections.abc import Iterator

_TEXT = "text/plain;version=0.0.4"
_OPENMETRICS = "application/openmetrics-text;version=1.0.0"
_PAGES = ("/", "/config", "/-/healthy")
_PAGE_EVERY = 7  # scrapes

Labels: TypeAlias = tuple[tuple[str, str], ...]


class Scraper:
    """Scrapes ``url`` every ``interval`` seconds; ``wrong`` is what it has to complain about."""

    def __init__(self, url: str, interval: float = 1.0) -> None:
        self.scrapes = 0
        self.late = 0
        self.slowest = 0.0
        self.samples = 0
        self.wrong: list[str] = []
        self._url = url
        self._interval = interval
        self._stopping = threading.Event()
        self._session = requests.Session()
        self._ways = cycle(
            [(_TEXT, "gzip"), (_OPENMETRICS, "gzip"), (_TEXT, "identity"), ("*/*", "identity")]
        )
        self._pages = cycle(_PAGES)

    @contextmanager
    def scraping(self) -> Iterator[None]:
        """Scrape while the block runs."""
        thread = threading.Thread(target=self._run, name="scraper")
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()
            self._session.close()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += self._interval
            if due < time.monotonic():
                self.late += 1
                due = time.monotonic()
            try:
                self._scrape()
                if self.scrapes % _PAGE_EVERY == 0:
                    self._page(next(self._pages))
            except (requests.RequestException, ValueError, KeyError) as error:
                self.wrong.append(f"scrape {self.scrapes}: {type(error).__name__}: {error}")

    def _scrape(self) -> None:
        accept, encoding = next(self._ways)
        started = time.monotonic()
        headers = {"Accept": accept, "Accept-Encoding": encoding}
        answer = self._session.get(f"{self._url}/metrics", headers=headers, timeout=10)
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.scrapes += 1
        if answer.status_code != 200:
            self.wrong.append(f"scrape {self.scrapes}: HTTP {answer.status_code}")
            return
        is_openmetrics = "openmetrics" in answer.headers["Content-Type"]
        found = inconsistencies(answer.content.decode(), is_openmetrics=is_openmetrics)
        self.samples = found.samples
        self.wrong += [f"scrape {self.scrapes}: {each}" for each in found.wrong]

    def _page(self, path: str) -> None:
        answer = self._session.get(self._url + path, timeout=10)
        if answer.status_code != 200:
            self.wrong.append(f"{path}: HTTP {answer.status_code}")


class TextSample(NamedTuple):
    """A sample; its labels are sorted."""

    name: str
    labels: Labels
    value: float


def openmetrics_samples(exposition: str) -> Iterator[TextSample]:
    """Yield the samples as prometheus-client parses them; raise ValueError if it can't."""
    for family in openmetrics_families(exposition):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            yield TextSample(sample.name, tuple(sorted(sample.labels.items())), sample.value)


def text_samples(exposition: str) -> Iterator[TextSample]:
    """Yield the samples of the text format, which has a line for each; raise ValueError.

    prometheus-client parses them. From one scrape to the next most series stay, so each is parsed
    once.
    """
    for line in exposition.splitlines():
        if line.startswith("#"):
            _comment(line)
        else:
            series, _, number = line.rpartition(" ")
            name, labels = _series(series)
            yield TextSample(name, labels, float(number))


@lru_cache(maxsize=100_000)
def _series(text: str) -> tuple[str, Labels]:
    (family,) = text_families(f"{text} 0\n")
    (sample,) = family.samples
    return sample.name, tuple(sorted(sample.labels.items()))


@lru_cache(maxsize=10_000)
def _comment(line: str) -> None:
    assert all(not family.samples for family in text_families(f"{line}\n"))


class Found:
    """What an exposition holds, and what is wrong with it."""

    def __init__(self) -> None:
        self.samples = 0
        self.wrong: list[str] = []


def inconsistencies(exposition: str, *, is_openmetrics: bool) -> Found:
    """Whatever no exposition may have: a series twice, NaN, half a portfolio.

    Raises ValueError if it can't be parsed.
    """
    found = Found()
    seen: set[tuple[str, Labels]] = set()
    positions: dict[str, float] = {}
    held: Counter[str] = Counter()
    for sample in openmetrics_samples(exposition) if is_openmetrics else text_samples(exposition):
        found.samples += 1
        series = (sample.name, sample.labels)
        if series in seen:
            found.wrong.append(f"{series} is there twice")
        seen.add(series)
        if not math.isfinite(sample.value):
            found.wrong.append(f"{series} is {sample.value}")
        match sample.name:
            case "quantconnect_holdings":
                positions[dict(sample.labels)["project_id"]] = sample.value
            case "quantconnect_holding_info":  # there whatever of the holding can't be read
                held[dict(sample.labels)["project_id"]] += 1
    for project_id in positions.keys() | held.keys():
        if positions.get(project_id) != held[project_id]:
            said = f"{positions.get(project_id)} positions, {held[project_id]} there"
            found.wrong.append(f"project {project_id}: half a portfolio: {said}")
    return found
