"""Scraping while polling: how much longer a scrape takes while every project is read each second.

That is sixty times the default rate.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.exporters import exporter, quantconnect
from benchmarks.table import Row, at_most, duration, median_ratio, quantile

if TYPE_CHECKING:
    from benchmarks.process import Process
    from benchmarks.sizes import Sizes

_VERSIONS = 10
_PAUSE = 0.01
_MOST = 5


def measure(sizes: Sizes) -> list[Row]:
    """The rows of p50 and p99, each against the p50 at rest."""
    with (
        quantconnect(sizes.projects, sizes.holdings, versions=_VERSIONS) as api,
        exporter(api, sizes.projects) as idle,
        exporter(api, sizes.projects, interval="1s") as busy,
    ):
        rounds = [
            (_scrapes(idle, sizes.scrapes), _scrapes(busy, sizes.scrapes))
            for _ in range(sizes.rounds)
        ]
    rest = [median(at_rest) for at_rest, _ in rounds]
    rest_p99 = [quantile(at_rest, 0.99) for at_rest, _ in rounds]
    p50 = [median(polling) for _, polling in rounds]
    p99 = [quantile(polling, 0.99) for _, polling in rounds]
    what = f"scrape while {sizes.projects} portfolios are read each second"
    return [
        _row("scrape at rest, p99 against p50", rest_p99, rest),
        _row(f"{what}, p50 against p50 at rest", p50, rest),
        at_most(
            f"{what}, p99 against p50 at rest",
            duration(median(p99)),
            duration(median(rest)),
            median_ratio(p99, rest),
            _MOST,
        ),
    ]


def _row(what: str, ours: list[float], other: list[float]) -> Row:
    ratio = f"{median_ratio(ours, other):.3g} ×"
    return Row(what, duration(median(ours)), duration(median(other)), ratio)


def _scrapes(process: Process, count: int) -> list[float]:
    client = Client(process)
    client.scrape()
    seconds = []
    for _ in range(count):
        time.sleep(_PAUSE)
        seconds.append(client.scrape().seconds)
    client.close()
    return seconds
