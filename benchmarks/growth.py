"""Growth: what a series costs at a scrape, and in memory, from few to many of them."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.exporters import exporter, quantconnect, series
from benchmarks.scrape import take_turns
from benchmarks.table import Row, at_most, duration, size

if TYPE_CHECKING:
    from benchmarks.sizes import Sizes

_HOLDINGS = 120
_SERIES_A_HOLDING = 8.2
_MOST = 1.3


def measure(sizes: Sizes) -> list[Row]:
    """A row a size, and one for the largest against the second smallest."""
    rows = []
    costs: list[tuple[int, float]] = []
    for wanted in sizes.growth:
        holdings = min(_HOLDINGS, max(1, int(wanted / _SERIES_A_HOLDING) - 1))
        projects = max(1, round(wanted / (holdings * _SERIES_A_HOLDING)))
        with quantconnect(projects, holdings) as api, exporter(api, projects) as ours:
            client = Client(ours)
            count = series(client.scrape().text())
            client.close()
            timings = take_turns({"ours": ours}, sizes.rounds)["ours"]
            memory = ours.resident_bytes()
        cost = median(timings.wall) / count
        costs.append((count, cost))
        rows.append(
            Row(
                f"scrape of {count} series",
                duration(median(timings.wall)),
                f"{size(memory)} resident",
                f"{cost * 1e9:.3g} ns a series",
            )
        )
    small, large = costs[1], costs[-1]
    rows.append(
        at_most(
            f"cost of a series at {large[0]} against {small[0]}",
            f"{large[1] * 1e9:.3g} ns",
            f"{small[1] * 1e9:.3g} ns",
            large[1] / small[1],
            _MOST,
        )
    )
    return rows
