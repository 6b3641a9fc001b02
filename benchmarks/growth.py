"""Growth: what a series costs at a scrape, and in memory, from few to many of them."""

from __future__ import annotations

from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.exporters import exporter, quantconnect, series
from benchmarks.scrape import take_turns
from benchmarks.table import Row, at_most, duration, median_ratio, size

if TYPE_CHECKING:
    from benchmarks.process import Process
    from benchmarks.sizes import Sizes

_HOLDINGS = 120
_SERIES_A_HOLDING = 8.2
_MOST = 1.3


def measure(sizes: Sizes) -> list[Row]:
    """A row a size, and one for the largest against the second smallest, in CPU time."""
    servers: dict[str, Process] = {}
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        for wanted in sizes.growth:
            holdings = min(_HOLDINGS, max(1, int(wanted / _SERIES_A_HOLDING) - 1))
            projects = max(1, round(wanted / (holdings * _SERIES_A_HOLDING)))
            with quantconnect(projects, holdings) as api:
                server = stack.enter_context(exporter(api, projects))
            client = Client(server)
            name = str(wanted)
            servers[name], counts[name] = server, series(client.scrape().text())
            client.close()
        timings = take_turns(servers, sizes.rounds)
        memory = {name: server.resident_bytes() for name, server in servers.items()}
    rows = []
    costs: dict[str, list[float]] = {}
    for name, count in counts.items():
        costs[name] = [seconds / count for seconds in timings[name].cpu]
        rows.append(
            Row(
                f"scrape of {count} series, {size(memory[name])} resident",
                duration(median(timings[name].wall)),
                f"{duration(median(timings[name].cpu))} CPU",
                f"{median(costs[name]) * 1e9:.3g} ns a series",
            )
        )
    small, large = (str(sizes.growth[index]) for index in (1, -1))
    rows.append(
        at_most(
            f"CPU a series at {counts[large]} against {counts[small]}",
            f"{median(costs[large]) * 1e9:.3g} ns",
            f"{median(costs[small]) * 1e9:.3g} ns",
            median_ratio(costs[large], costs[small]),
            _MOST,
        )
    )
    return rows
