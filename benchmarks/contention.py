"""Scraping while polling: how much longer a scrape takes while every project is read each second.

That is sixty times the default rate.
"""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.exporters import exporter, quantconnect
from benchmarks.table import Row, at_most, duration, quantile

if TYPE_CHECKING:
    from benchmarks.process import Process
    from benchmarks.sizes import Sizes

_VERSIONS = 10
_PAUSE = 0.02


def measure(sizes: Sizes) -> list[Row]:
    """The rows of p50 and p99, each against the p50 at rest."""
    with (
        quantconnect(sizes.projects, sizes.holdings, versions=_VERSIONS) as api,
        exporter(api, sizes.projects) as idle,
        exporter(api, sizes.projects, interval="1s") as busy,
    ):
        at_rest, polling = [], []
        for _ in range(4):
            at_rest += _scrapes(idle, sizes.scrapes // 4)
            polling += _scrapes(busy, sizes.scrapes // 4)
    rest = median(at_rest)
    p50, p99 = median(polling), quantile(polling, 0.99)
    what = f"scrape while {sizes.projects} portfolios are read each second"
    return [
        Row("scrape at rest, p99 against p50", duration(quantile(at_rest, 0.99)), duration(rest)),
        Row(
            f"{what}, p50 against p50 at rest", duration(p50), duration(rest), f"{p50 / rest:.3g} ×"
        ),
        at_most(f"{what}, p99 against p50 at rest", duration(p99), duration(rest), p99 / rest, 5),
    ]


def _scrapes(process: Process, count: int) -> list[float]:
    client = Client(process)
    client.scrape()
    seconds = []
    for _ in range(count):
        time.sleep(_PAUSE)
        seconds.append(client.scrape().seconds)
    client.close()
    return seconds
