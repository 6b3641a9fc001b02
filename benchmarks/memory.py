"""Resident memory: after start, after load, and after many polls while positions come and go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.client import Client
from benchmarks.exporters import exporter, quantconnect, series, wait_for_reads
from benchmarks.table import Row, size

if TYPE_CHECKING:
    from benchmarks.process import Process
    from benchmarks.sizes import Sizes

_MOST = 160e6
_MOST_USUAL = 45e6
_NO_GROWTH = 1.05
_PATIENCE = 600.0
_READS = b'\nquantconnect_api_requests_total{account="default",endpoint="live/portfolio/read"} '
# All forty of the books that come about before the first comes again.
_VERSIONS = 40


def measure(sizes: Sizes) -> list[Row]:
    """The rows of memory at the large size, where a tenth of the positions changes at each poll."""
    label = f"{sizes.projects} × {sizes.holdings}"
    with (
        quantconnect(sizes.projects, sizes.holdings, versions=_VERSIONS, held_for=600.0) as api,
        exporter(api, sizes.projects, interval="1s", loaded=False) as ours,
    ):
        client = Client(ours)
        started = ours.resident_bytes()
        wait_for_reads(ours, sizes.projects)
        count = series(client.scrape().text())
        loaded = _highest(ours, client, reads=2 * sizes.projects)
        first = _highest(ours, client, reads=sizes.polls)
        last = _highest(ours, client, reads=2 * sizes.polls)
        client.close()
    growth = last / first
    return [
        Row(f"memory after start, {label}", size(started)),
        Row(
            f"memory after load, scraped each second, {count} series",
            size(loaded),
            "",
            "",
            f"≤ {size(_MOST)}",
            loaded <= _MOST,
        ),
        Row(
            f"memory after {sizes.polls} polls with positions opening and closing",
            size(first),
            "",
            "",
            f"≤ {size(_MOST)}",
            first <= _MOST,
        ),
        Row(
            f"memory after {2 * sizes.polls} polls, against after {sizes.polls}",
            size(last),
            size(first),
            f"{growth:.3g} ×",
            f"≤ {_NO_GROWTH} ×",
            growth <= _NO_GROWTH,
        ),
    ]


def usual(process: Process) -> Row:
    """The row of memory at the usual size."""
    used = process.resident_bytes()
    target = f"≤ {size(_MOST_USUAL)}"
    return Row("memory at the usual size", size(used), "", "", target, used <= _MOST_USUAL)


def _highest(process: Process, client: Client, *, reads: int) -> int:
    """The most memory seen in the last few scrapes until so many reads were begun."""
    seen: list[int] = []
    deadline = time.monotonic() + _PATIENCE
    while True:
        text = client.scrape().text()
        seen.append(process.resident_bytes())
        begun = float(text.partition(_READS)[2].partition(b"\n")[0])
        if begun >= reads:
            return max(seen[-3:])
        if time.monotonic() > deadline:
            raise RuntimeError(f"{begun:.0f} of {reads} polls in {_PATIENCE:.0f} seconds")
        time.sleep(min(1.0, reads / 1000))
