"""What Prometheus needs for what the exporter publishes: disk, memory, and time for our rules.

    python -m benchmarks.storage

Disk: a day of generated projects is played through the exporter's decoding and rendering in
virtual time, as QuantConnect would tell it (a snapshot every ten minutes), written as OpenMetrics
and made into blocks by promtool; their size over their samples is what is asked for.
Memory and rules: a real Prometheus scrapes an exporter with a thousand projects and evaluates our
rules. It needs Debian's prometheus. Prints what docs/scale.md says.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from benchmarks.exporters import exporter, quantconnect
from benchmarks.queries import EVERY
from exporter.clock import Clock
from exporter.config import Config, load
from exporter.exposition.scrape import samples
from exporter.poller.project import Project
from exporter.simulator.api import Api
from exporter.sources.portfolio import PORTFOLIO, decode_portfolio
from exporter.sources.status import STATUS, Status, running
from exporter.store import Store
from prometheus.stack import Prometheus, eventually
from tests.support import generated_world

if TYPE_CHECKING:
    from collections.abc import Iterator

# A Saturday's midnight, so that promtool makes one block of each two hours.
_STARTED = 1_795_219_200.0
_HOURS = 24
_SNAPSHOTS = 600.0
_TARGET = '{job="quantconnect",instance="127.0.0.1:10270",'
_CONFIGURATION = "accounts: [{user_id: 1, api_token: demo, base_url: 'http://127.0.0.1:1'}]\n"


@dataclass
class _Now:
    """The moment that is being played."""

    at: float


def disk(*, projects: int, holdings: int, scraped_every: float) -> tuple[int, int]:
    """Samples in a day of blocks, and the bytes that these take."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        text = directory / "day.om"
        with text.open("w", encoding="utf-8") as out:
            out.writelines(_day(directory, projects, holdings, scraped_every))
            out.write("# EOF\n")
        blocks = directory / "blocks"
        subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)],
            check=True,
            capture_output=True,
        )
        count = size = 0
        for meta in blocks.glob("*/meta.json"):
            count += json.loads(meta.read_text())["stats"]["numSamples"]
            size += sum(file.stat().st_size for file in meta.parent.rglob("*") if file.is_file())
    return count, size


def _day(directory: Path, projects: int, holdings: int, scraped_every: float) -> Iterator[str]:
    """The sample lines of a day, each with its time; portfolios are read every minute."""
    now = _Now(_STARTED)
    world = generated_world(
        projects=projects, holdings=holdings, held_for=86_400.0 * 5, clock=lambda: now.at
    )
    world.snapshot_lag = _SNAPSHOTS
    api = Api(world)
    clock = Clock(monotonic=lambda: now.at, now=lambda: now.at)
    store = Store(clock)
    file = directory / "quantconnect.yaml"
    file.write_text(_CONFIGURATION)
    config = load(file, {})
    read_from = {each: _project(each, config, clock) for each in world.project_ids}
    read = -60.0
    lines: list[str] = []
    while now.at < _STARTED + _HOURS * 3600.0:
        if now.at - read >= 60.0:
            read = now.at
            _read(api, read_from, store, clock)
            text = samples(store.snapshots())
            lines = [line.replace("{", _TARGET, 1) for line in text.splitlines()]
        stamp = f" {now.at:.3f}\n"
        yield from (line + stamp for line in lines)
        now.at += scraped_every


def _project(project_id: int, config: Config, clock: Clock) -> Project:
    settings = replace(config.accounts[0].settings_for(project_id), name=f"Project {project_id}")
    return Project(settings, account="default", config=config, clock=clock, first_priority=0)


def _read(api: Api, projects: dict[int, Project], store: Store, clock: Clock) -> None:
    def ask(endpoint: str, **parameters: object) -> dict[str, Any]:
        return msgspec.json.decode(api.answer(endpoint, parameters), type=dict[str, Any])

    listed = running().decode(ask("live/list", status="Running")).newest()
    for project_id, project in projects.items():
        answer = ask("live/portfolio/read", projectId=project_id)
        portfolio = decode_portfolio(answer, max_holdings=10_000)
        for source, value in ((PORTFOLIO, portfolio), (STATUS, Status(listed[project_id]))):
            outcome = project.take_in(source, value, asked=clock.monotonic(), interval=60.0)
            project.tasks[source].note(outcome, at=clock.now(), duration=0.1, interval=60.0)
        store.put(project.collect())


class Group(NamedTuple):
    """A group of rules: seconds that an evaluation takes (the median), and between two of them."""

    taken: float
    interval: float
    name: str


class Needs(NamedTuple):
    """What a Prometheus needs: numbers of series, bytes of memory, groups of rules."""

    scraped: int
    head: int
    prometheus: int
    exporter: int
    groups: list[Group]


def live(*, projects: int, holdings: int, seconds: float) -> Needs:
    """What a Prometheus and its exporter need after so many seconds of scrapes."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        quantconnect(projects, holdings) as api,
        exporter(api, projects, requests_per_minute=12_000) as process,
    ):
        prometheus = Prometheus(
            Path(scratch), targets=[f"127.0.0.1:{process.port}"], interval=EVERY
        )
        prometheus.start()
        try:
            eventually(
                lambda: bool(prometheus.query("scrape_samples_scraped > 0")), "a scrape", seconds=60
            )
            groups = _groups(prometheus, seconds)
            (scraped,) = prometheus.query("scrape_samples_scraped")
            head = prometheus.get("/api/v1/status/tsdb")["data"]["headStats"]["numSeries"]
            return Needs(
                int(scraped["value"][1]),
                int(head),
                _own(prometheus, "process_resident_memory_bytes"),
                process.resident_bytes(),
                groups,
            )
        finally:
            prometheus.stop()


def _groups(prometheus: Prometheus, seconds: float) -> list[Group]:
    """Watch the rules for so many seconds."""
    evaluations: defaultdict[tuple[str, float], dict[str, float]] = defaultdict(dict)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(5.0)
        for group in prometheus.get("/api/v1/rules")["data"]["groups"]:
            of_group = evaluations[group["name"], float(group["interval"])]
            of_group[group["lastEvaluation"]] = float(group["evaluationTime"])
    return sorted(
        (
            Group(statistics.median(taken.values()), interval, name)
            for (name, interval), taken in evaluations.items()
        ),
        reverse=True,
    )


def _own(prometheus: Prometheus, metric: str) -> int:
    """What Prometheus says of itself."""
    with urllib.request.urlopen(f"{prometheus.url}/metrics", timeout=60) as response:
        for line in response.read().decode().splitlines():
            if line.startswith(f"{metric} "):
                return int(float(line.split()[1]))
    raise ValueError(f"Prometheus has no {metric}")


def main() -> None:
    """Measure and print."""
    for scraped_every in (30.0, 60.0):
        count, size = disk(projects=10, holdings=20, scraped_every=scraped_every)
        print(
            f"disk: {count:,} samples of a day, scraped every {scraped_every:.0f} s,"
            f" in {size:,} bytes: {size / count:.2f} bytes a sample"
        )
    needs = live(projects=1_000, holdings=10, seconds=300.0)
    print(
        f"memory: {needs.scraped:,} series scraped, {needs.head:,} with what the rules record:"
        f" Prometheus {needs.prometheus / 2**20:,.0f} MiB,"
        f" {needs.prometheus / needs.head / 1024:.1f} KiB a series;"
        f" the exporter {needs.exporter / 2**20:,.0f} MiB"
    )
    for group in needs.groups:
        print(f"rules: {group.taken * 1e3:5.0f} ms every {group.interval:3.0f} s, {group.name}")
    once = sum(group.taken for group in needs.groups)
    usual = sum(group.taken * EVERY / group.interval for group in needs.groups)
    print(f"rules: each once {once:.2f} s; of every {EVERY:.0f} s {usual:.2f} s")


if __name__ == "__main__":
    main()
