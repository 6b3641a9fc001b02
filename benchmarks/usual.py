"""The usual size: what most people run."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks import memory
from benchmarks.client import Client
from benchmarks.exporters import exporter, quantconnect, series
from benchmarks.scrape import size_of, take_turns
from benchmarks.table import Row, duration

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

_MOST = 0.003


def measure(sizes: Sizes) -> list[Row]:
    """The rows of the usual size."""
    with (
        quantconnect(sizes.usual_projects, sizes.usual_holdings) as api,
        exporter(api, sizes.usual_projects) as ours,
    ):
        client = Client(ours)
        scraped = client.scrape()
        client.close()
        timings = take_turns({"ours": ours}, sizes.rounds)["ours"]
        resident = memory.usual(ours)
    wall = median(timings.wall)
    count = series(scraped.text())
    label = f"{sizes.usual_projects} × {sizes.usual_holdings}, {count} series"
    return [
        Row(
            f"scrape at the usual size, {label}",
            duration(wall),
            f"{duration(median(timings.cpu))} CPU",
            "",
            f"≤ {duration(_MOST)}",
            wall <= _MOST,
        ),
        size_of(scraped, label),
        resident,
    ]
