"""A Prometheus that scrapes each second, and looks closely at what it gets."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING

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


class Found:
    """What an exposition holds, and what is wrong with it."""

    def __init__(self) -> None:
        self.samples = 0
        self.wrong: list[str] = []


def inconsistencies(exposition: str, *, is_openmetrics: bool) -> Found:
    """Whatever no exposition may have: a series twice, NaN, half a portfolio.

    Raises ValueError if it can't be parsed.
    """
    families = openmetrics_families if is_openmetrics else text_families
    found = Found()
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    positions: dict[str, float] = {}
    held: Counter[str] = Counter()
    for family in families(exposition):
        for sample in family.samples:
            found.samples += 1
            series = (sample.name, tuple(sorted(sample.labels.items())))
            if series in seen:
                found.wrong.append(f"{series} is there twice")
            seen.add(series)
            if not math.isfinite(sample.value):
                found.wrong.append(f"{series} is {sample.value}")
            match sample.name:
                case "quantconnect_holdings":
                    positions[sample.labels["project_id"]] = sample.value
                case "quantconnect_holding_info":  # there whatever of the holding can't be read
                    held[sample.labels["project_id"]] += 1
    for project_id in positions.keys() | held.keys():
        if positions.get(project_id) != held[project_id]:
            said = f"{positions.get(project_id)} positions, {held[project_id]} there"
            found.wrong.append(f"project {project_id}: half a portfolio: {said}")
    return found
