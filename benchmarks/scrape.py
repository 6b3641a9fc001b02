"""The scrape: ours beside prometheus-client, client_golang and nginx, on the same series.

nginx with ``gzip_static`` is the physical limit: it sends a file that is compressed already.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import peers
from benchmarks.client import Client, Scrape
from benchmarks.exporters import exporter, quantconnect, series
from benchmarks.table import Row, at_least, at_most, duration, median_ratio, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.process import Process
    from benchmarks.sizes import Sizes

_SECONDS_PER_TURN = 0.4
_MOST_PER_TURN = 60

# At first 60, 5 and 2, which turned out to be easy.
_CLIENT, _GOLANG, _NGINX = 200, 50, 0.25
_NGINX_STATIC = 5
_LARGER = 1.3


@dataclass
class Timings:
    """One server's figures, an entry a round: seconds of wall and of CPU for a scrape."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def take_turns(servers: Mapping[str, Process], rounds: int) -> dict[str, Timings]:
    """Scrape all servers in turn, ``rounds`` times; a turn is as many scrapes as fit in it."""
    clients = {name: Client(server) for name, server in servers.items()}
    timings = {name: Timings() for name in servers}
    counts = {}
    for name, client in clients.items():
        client.scrape()
        seconds = client.scrape().seconds
        counts[name] = min(_MOST_PER_TURN, max(1, int(_SECONDS_PER_TURN / seconds)))
    for _ in range(rounds):
        for name, client in clients.items():
            before = servers[name].cpu_seconds()
            walls = [client.scrape().seconds for _ in range(counts[name])]
            used = servers[name].cpu_seconds() - before
            timings[name].wall.append(median(walls))
            timings[name].cpu.append(used / counts[name])
    for client in clients.values():
        client.close()
    return timings


def measure(sizes: Sizes) -> list[Row]:
    """The rows of the scrape at the large size."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        binary = peers.build_client_golang(directory)
        api = stack.enter_context(quantconnect(sizes.projects, sizes.holdings))
        ours = stack.enter_context(exporter(api, sizes.projects))
        client = Client(ours)
        scraped = client.scrape()
        client.close()
        text = scraped.text()
        (directory / "metrics").write_bytes(text)
        (directory / "metrics.gz").write_bytes(scraped.body)
        data = peers.families(text)
        (directory / "families.json").write_text(json.dumps(data))
        servers = {}
        servers["prometheus-client"] = stack.enter_context(peers.prometheus_client(directory))
        if binary is not None:
            servers["client_golang"] = stack.enter_context(peers.client_golang(binary, directory))
        program = peers.find_nginx()
        if program is not None:
            for name, static in (("nginx", False), ("nginx, gzip_static", True)):
                servers[name] = stack.enter_context(peers.nginx(program, directory, static=static))
        _check_same(servers, text)
        timings = take_turns({"ours": ours, **servers}, sizes.rounds)
        count = series(text)
        label = f"{sizes.projects} × {sizes.holdings}"
        rows = [size_of(scraped, f"{label}, {count} series")]
        rows += _rows("scrape against (a) prometheus-client", timings, "prometheus-client", _CLIENT)
        rows += _rows("scrape against (b) client_golang", timings, "client_golang", _GOLANG)
        rows += _rows("scrape against (c) nginx, gzip", timings, "nginx", _NGINX)
        limit = "nginx, gzip_static"
        rows += _rows(f"scrape against (d) {limit}", timings, limit, _NGINX_STATIC)
        return rows


def size_of(scraped: Scrape, label: str) -> Row:
    """The row of a scrape's bytes, against gzip at level 1 of the whole text."""
    whole = len(gzip.compress(scraped.text(), compresslevel=1))
    ours = len(scraped.body)
    what = f"size of a scrape at {label}, against gzip -1"
    return at_most(what, size(ours), size(whole), ours / whole, _LARGER)


def _check_same(servers: Mapping[str, Process], text: bytes) -> None:
    """Every server must say what the exporter said of the projects, or it is no comparison."""
    expected = peers.samples(text)
    for name, server in servers.items():
        client = Client(server)
        if peers.samples(client.scrape().text()) != expected:
            raise RuntimeError(f"{name} serves other samples than the exporter")
        client.close()


def _rows(what: str, timings: Mapping[str, Timings], peer: str, target: float) -> list[Row]:
    if peer not in timings:
        return [Row(what, "", "left out: not to be had here")]
    rows = []
    for kind in ("wall", "CPU"):
        ours: list[float] = getattr(timings["ours"], kind.lower())
        other: list[float] = getattr(timings[peer], kind.lower())
        figures = (f"{what}, {kind}", duration(median(ours)), duration(median(other)))
        if peer.startswith("nginx"):
            rows.append(at_most(*figures, median_ratio(ours, other), target))
        else:
            rows.append(at_least(*figures, median_ratio(other, ours), target))
    return rows
