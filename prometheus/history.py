"""A past for the demo: what Prometheus would hold if it had scraped the exporter for a month.

The simulated account is a function of time, so its past is asked for as its present is: through
QuantConnect's wire format, the exporter's decoding and its samples. What the exporter tells of
itself is carried back from what the running one tells. Both come with the labels that the exporter
gives them. Recording rules are evaluated over it: see ``records``.
"""

from __future__ import annotations

import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from exporter import config
from exporter.clock import Clock
from exporter.metrics.reading import Source
from exporter.poller.project import PublishedProject
from exporter.quantconnect.live import decode_deployments, newest
from exporter.quantconnect.portfolio import decode_portfolio
from exporter.quantconnect.statistics import decode_statistics
from exporter.simulator import World
from exporter.simulator.api import Api
from exporter.store import Store
from prometheus.blocks import Block
from prometheus.records import Stretch, add_records

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from exporter.config import Config
    from prometheus.blocks import Change, Labels

HOUR, DAY = 3600, 86_400
DAYS = 31
# Blocks of Prometheus are 2, 6, 18, 54 and 162 hours long, so it has nothing to join in these.
_BLOCK = 162 * HOUR
# A timestamp that is no older than this when it is scraped says when something was read last.
_READ = 60.0
_READ_DURATIONS = (0.004, 0.009)


@dataclass(frozen=True)
class _Zoom:
    """How closely the past is looked at, up to an age; all in seconds.

    New numbers come each ``numbers``, samples each ``samples``. A chart of 1,600 points whose range
    is the age wants two samples in every four scrapes or in every point, which a rate needs, and
    no chart is without one for five minutes.
    """

    age: float
    numbers: int
    samples: int


_ZOOMS = (
    _Zoom(1.1 * HOUR, 60, 5),
    _Zoom(6.5 * HOUR, 300, 10),
    _Zoom(13 * HOUR, 900, 15),
    _Zoom(30 * HOUR, 900, 30),
    _Zoom(3.2 * DAY, HOUR, 60),
    _Zoom(8 * DAY, HOUR, 120),
    _Zoom(DAYS * DAY, 3 * HOUR, 270),
)


@dataclass(frozen=True)
class _Scrape:
    """What the running exporter told of itself at ``time`` (unix seconds), by the series' labels.

    ``duration`` in seconds; ``counters`` are the series of all that only rises.
    """

    time: float
    duration: float
    numbers: Mapping[Labels, float]
    counters: frozenset[Labels]


@dataclass
class _Time:
    """The moment that is being played."""

    now: float


@dataclass
class Past:
    """The account's past, as ``settings`` has it read and ``target`` scraped.

    ``target`` is the address at which the demo's exporter answers. ``started`` is that of the demo
    whose past this is, ``until`` when the past ends if not then; both are unix seconds.
    """

    settings: Config
    target: str
    started: float
    until: float = 0.0
    _projects: dict[int, PublishedProject] = field(default_factory=dict)
    _parsed: dict[str, Labels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.until = self.until or self.started
        self._time = _Time(self.until)
        world = World.demo(started=self.started, clock=lambda: self._time.now)
        self._api = Api(world)
        clock = Clock(monotonic=lambda: self._time.now, now=lambda: self._time.now)
        self._store = Store(clock)
        account = self.settings.accounts[0]
        configured = {project.id: project for project in account.projects}
        for project in world.projects:
            found = configured.get(project.project_id) or config.Project.discovered(
                project.project_id, self.settings
            )
            self._projects[project.project_id] = PublishedProject(
                found,
                name=project.name,
                account=account.name,
                config=self.settings,
                intervals={
                    Source.PORTFOLIO: found.scrape_interval,
                    Source.STATUS: self.settings.status_interval,
                    Source.STATISTICS: self.settings.statistics_interval,
                },
                store=self._store,
                clock=clock,
            )

    def write(self, data: Path) -> None:
        """Put the past into a Prometheus's data directory before it is started."""
        first = self._scrape()
        stretches = list(self._stretches())
        for stretch in stretches:
            self._play(stretch, first)
        add_records(stretches, data.parent)
        last = self._scrape()
        for stretch in stretches:
            self._carry_back(stretch.block, first, last)
            stretch.block.write(data)

    def _stretches(self) -> Iterator[Stretch]:
        for _, moments in groupby(self._moments(), lambda moment: moment[0] // _BLOCK):
            times: list[int] = []
            starts = []
            for at, end, every in moments:
                starts.append((len(times), at))
                times += range(1000 * at, 1000 * end, 1000 * every)
            yield Stretch(Block(times), starts)

    def _moments(self) -> Iterator[tuple[int, int, int]]:
        """From when on and until when there are new numbers, and how often samples, in seconds."""
        end = int(self.until)
        coarsest = _ZOOMS[-1].numbers
        at = (end - DAYS * DAY) // coarsest * coarsest + coarsest
        while at < end:
            zoom = next(zoom for zoom in _ZOOMS if end - at <= zoom.age)
            following = min(end, at - at % zoom.numbers + zoom.numbers)
            yield at, following, zoom.samples
            at = following

    def _play(self, stretch: Stretch, scrape: _Scrape) -> None:
        """Add what would have been scraped of the account."""
        times = stretch.block.times
        current: dict[Labels, float] = {}
        changes: defaultdict[Labels, list[Change]] = defaultdict(list)
        ends = [index for index, _ in stretch.moments[1:]] + [len(times)]
        for (start, at), end in zip(stretch.moments, ends, strict=True):
            found = self._samples(at)
            found |= self._of_target(len(found) + len(scrape.numbers), scrape.duration)
            for labels in current.keys() - found.keys():
                changes[labels].append((start, None))
                del current[labels]
            for labels, number in found.items():
                if 0 <= at - number <= _READ:  # the next read follows
                    age = at - number
                    changes[labels].extend(
                        (index, times[index] / 1000 - age) for index in range(start, end)
                    )
                    current[labels] = times[end - 1] / 1000 - age
                elif current.get(labels) != number:
                    changes[labels].append((start, number))
                    current[labels] = number
        for labels, changed in changes.items():
            stretch.block.add(labels, changed)

    def _samples(self, at: float) -> dict[Labels, float]:
        """What the exporter would have told at a time of every project that ran."""
        chance = Random(at)  # the same past each time
        duration = chance.uniform(*_READ_DURATIONS)
        self._time.now = at - chance.uniform(0, self.settings.scrape_interval)
        running = newest(decode_deployments(self._ask("live/list", status="Running"))[0])
        for project_id, deployment in running.items():
            project, settings = self._projects[project_id], self._projects[project_id].settings
            project.portfolio(
                decode_portfolio(
                    self._ask("live/portfolio/read", projectId=project_id), max_holdings=10_000
                ),
                duration=duration,
                interval=settings.scrape_interval,
            )
            project.status(deployment, duration=duration, interval=self.settings.status_interval)
            project.statistics(
                decode_statistics(
                    self._ask("live/read", projectId=project_id), custom=settings.statistics
                ),
                duration=duration,
                interval=self.settings.statistics_interval,
            )
        found = {}
        for project_id in running:
            for snapshot in self._store.snapshots_of(project_id):
                for lines in snapshot.values():
                    for line in lines.decode().splitlines():
                        sample, _, number = line.rpartition(" ")
                        found[self._labels(sample)] = float(number)
        return found

    def _labels(self, sample: str) -> Labels:
        """The labels that Prometheus gives a series for what stands before its number."""
        labels = self._parsed.get(sample)
        if labels is None:
            ((family,),) = zip(text_string_to_metric_families(f"{sample} 0\n"), strict=True)
            parsed = family.samples[0]
            labels = self._parsed[sample] = self._of_series(parsed.name, parsed.labels)
        return labels

    def _of_series(self, name: str, labels: Mapping[str, str]) -> Labels:
        target = {"__name__": name, "job": "quantconnect", "instance": self.target}
        return tuple(sorted({**labels, **target}.items()))

    def _of_target(self, samples: int, duration: float) -> dict[Labels, float]:
        """What Prometheus itself tells of a scrape."""
        numbers = {
            "up": 1.0,
            "scrape_samples_scraped": float(samples),
            "scrape_duration_seconds": duration,
        }
        return {self._of_series(name, {}): number for name, number in numbers.items()}

    def _ask(self, endpoint: str, **parameters: object) -> dict[str, object]:
        answer = msgspec.json.decode(self._api.answer(endpoint, parameters), type=dict[str, object])
        if answer.get("success") is not True:
            raise ValueError(f"the simulator answers {endpoint} with {answer}")
        return answer

    def _scrape(self) -> _Scrape:
        """What the exporter that runs tells of itself: all that is of no project."""
        began = time.time()
        with urllib.request.urlopen(f"http://{self.target}/metrics", timeout=10) as response:
            text = response.read().decode()
        ended = time.time()
        numbers, counters = {}, set()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if "project_id" in sample.labels:
                    continue
                labels = self._of_series(sample.name, sample.labels)
                numbers[labels] = float(sample.value)
                if family.type in ("counter", "histogram"):
                    counters.add(labels)
        return _Scrape(ended, ended - began, numbers, frozenset(counters))

    def _carry_back(self, block: Block, first: _Scrape, last: _Scrape) -> None:
        """Add what the exporter told of itself: it stood as now, and rose as between two scrapes.

        All that rises begins at 0 with the past; with the present it does again, as after any
        restart.
        """
        begin = 1000 * (self.until - (DAYS + 1) * DAY)

        @cache
        def risen(rise: float, *, counts: bool) -> list[Change]:
            numbers = (rise * (at - begin) / 1000 for at in block.times)
            return list(enumerate(float(int(number)) if counts else number for number in numbers))

        for labels, number in last.numbers.items():
            if labels in last.counters:
                rise = (number - first.numbers.get(labels, number)) / (last.time - first.time)
                block.add(labels, risen(rise, counts=number.is_integer()))
            else:
                block.add(labels, [(0, number)])
