"""The demo's past: data as if Prometheus had scraped the exporter for a month.

The simulated account is a function of time, so its past is read like its present: through
QuantConnect's wire format, the exporter's decoders and its samples. The exporter's own metrics are
extrapolated from those of the running exporter. So all series have the exporter's labels.
``records`` adds the recorded series.
"""

from __future__ import annotations

import time
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from math import inf
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from exporter.clock import Clock
from exporter.poller.project import Project
from exporter.poller.task import Outcome, Task
from exporter.simulator import World
from exporter.simulator.api import Api
from exporter.sources.projects import DESCRIPTION
from exporter.sources.status import STATUS, Status, running
from exporter.store import Store
from prometheus.blocks import Block
from prometheus.records import Stretch, add_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from exporter.config import Config
    from prometheus.blocks import Change, Labels

HOUR, DAY = 3600, 86_400
DAYS = 31
# Prometheus merges its blocks into 6, 18, 54 and 162 hours; it does not touch these.
_BLOCK = 162 * HOUR
# The simulator takes long to list orders, trades and the log: an answer is kept for a part of its
# age, from a quarter of an hour to a day.
_STANDS, _STANDS_LEAST, _STANDS_MOST = 1 / 4, HOUR / 4, DAY
# A timestamp that is no older than this at the scrape is the time of the last read.
_READ = 60.0
_LAST_READ = "quantconnect_read_last_success_timestamp_seconds"
# The shortest and longest call, in seconds, on loopback.
_READ_DURATIONS = (0.004, 0.009)


@dataclass(frozen=True)
class _Zoom:
    """The resolution of the past up to an age; all in seconds.

    Values are taken every ``values`` seconds and written as a sample every ``samples`` seconds. In
    a chart of 1,600 points over that age, Grafana's rates span four scrapes or one point, and need
    two samples. And no series may be without a sample for five minutes.
    """

    age: float
    values: int
    samples: int


_ZOOMS = (
    _Zoom(1.1 * HOUR, 60, 5),
    _Zoom(6.5 * HOUR, 300, 10),
    _Zoom(13 * HOUR, 900, 15),
    _Zoom(30 * HOUR, 900, 30),
    _Zoom(3.2 * DAY, 2 * HOUR, 60),
    _Zoom(8 * DAY, 3 * HOUR, 120),
    _Zoom(DAYS * DAY, 4 * HOUR, 270),
)


@dataclass(frozen=True)
class _Scrape:
    """The running exporter's own metrics at ``time`` (unix seconds), by labels.

    ``duration`` is in seconds; ``counters`` are the series of counters and histograms.
    """

    time: float
    duration: float
    numbers: Mapping[Labels, float]
    counters: frozenset[Labels]


class _Change(NamedTuple):
    """The number of a series from the index ``start`` on; None for no sample.

    The time of a read rises with each sample before the index ``rises_until``.
    """

    start: int
    number: float | None
    rises_until: int = 0


@dataclass
class _Time:
    """The simulated time, in unix seconds."""

    now: float


class Past:
    """The account's past, as read by ``settings`` and scraped from ``target``.

    ``target`` is the address of the demo's exporter, which must be running; Prometheus will scrape
    it every ``interval`` seconds. ``started`` is the start of the demo in unix seconds, up to which
    there are records. The past ends at the time of writing.
    """

    def __init__(
        self,
        settings: Config,
        *,
        target: str,
        interval: float,
        started: float,
    ) -> None:
        # No answer becomes outdated before the next one.
        self._settings = settings = replace(settings, stale_after=float(DAY))
        self._target = target
        self._interval = interval
        self._started = started
        self._time = _Time(started)
        world = World.demo(started=started, clock=lambda: self._time.now)
        self._api = Api(world)
        clock = Clock(monotonic=lambda: self._time.now, now=lambda: self._time.now)
        self._store = Store(clock)
        self._parsed: dict[str, Labels] = {}
        # The time of each source's last read, and its deployment.
        self._answered: dict[Task, tuple[float, str]] = {}
        account = settings.accounts[0]
        self._projects = {
            project.project_id: Project(
                replace(account.settings_for(project.project_id), name=project.name),
                account=account.name,
                config=settings,
                clock=clock,
                first_priority=0,
            )
            for project in world.projects
        }

    def write(self, data: Path) -> None:
        """Write the past to the data directory of Prometheus, before it runs."""
        own = len(self._scrape().numbers)
        end = int(self._started)
        stretches = list(_stretches(end - DAYS * DAY, end))
        self._play(stretches[0], own)
        first = self._scrape()  # by now the exporter has found all its projects
        for stretch in stretches[1:]:
            self._play(stretch, own)
        add_records(stretches, data.parent)
        # On a busy machine, this may have taken minutes.
        for stretch in _stretches(end, int(time.time())):
            self._play(stretch, own)
            stretches.append(stretch)
        # At Prometheus's interval.
        last = self._scrape()
        for _ in range(int((last.time - first.time) / self._interval) - 1):
            last = self._scrape()
        for stretch in stretches:
            self._extrapolate(stretch.block, first, last)
            stretch.block.write(data)

    def _play(self, stretch: Stretch, own: int) -> None:
        """Add the series of the account's projects; ``own`` is the number of other series."""
        times = stretch.block.times
        current: dict[str, float] = {}
        changes: defaultdict[str, list[_Change]] = defaultdict(list)
        ends = [index for index, _ in stretch.moments[1:]] + [len(times)]
        for (start, at), end in zip(stretch.moments, ends, strict=True):
            found = self._samples(at)
            found["scrape_samples_scraped"] = float(len(found) + own)
            for sample in current.keys() - found.keys():
                changes[sample].append(_Change(start, None))
                del current[sample]
            for sample, number in found.items():
                if 0 <= at - number <= _READ:  # reads continue until the next moment
                    changes[sample].append(_Change(start, number, end))
                    current[sample] = times[end - 1] / 1000 - at + number
                elif current.get(sample) != number:
                    changes[sample].append(_Change(start, number))
                    current[sample] = number
        for sample, changed in changes.items():
            # Most projects are read at the same times, and encoding that takes long.
            stretch.block.add(
                self._labels(sample), _every_change(changed, times), same=tuple(changed)
            )

    def _samples(self, at: float) -> dict[str, float]:
        """Return the exporter's samples of every project that ran at a time, as in its text."""
        chance = Random(at)  # the same past in every run
        duration = chance.uniform(*_READ_DURATIONS)
        stands = min(_STANDS_MOST, max(_STANDS_LEAST, _STANDS * (self._started - at)))
        self._time.now = at - chance.uniform(0, self._settings.scrape_interval)
        newest = running().decode(self._ask("live/list", status="Running")).newest()
        for project_id, deployment in newest.items():
            project = self._projects[project_id]
            for source, task in project.tasks.items():
                interval = source.interval(project.settings, self._settings)
                answered, deploy_id = self._answered.get(task, (-inf, ""))
                is_known = at - answered < stands and deploy_id == project.deploy_id
                is_rare = source.needs_deployment or source is DESCRIPTION
                outcome = Outcome(is_whole=is_rare and is_known)
                if source is STATUS:  # already in the list
                    outcome = project.take_in(
                        source, Status(deployment), asked=self._time.now, interval=interval
                    )
                while not outcome.is_whole:
                    self._answered[task] = at, project.deploy_id
                    request = project.request(source)
                    answer = request.decode(self._ask(request.endpoint, **request.parameters))
                    outcome = project.take_in(
                        source, answer, asked=self._time.now, interval=interval
                    )
                task.note(outcome, at=self._time.now, duration=duration, interval=interval)
            self._store.put(project.collect())
        found: dict[str, float] = {}
        for project_id in newest:
            for snapshot in self._store.snapshots_of(project_id):
                for lines in snapshot.values():
                    found |= _parsed(lines)
        return found

    def _labels(self, sample: str) -> Labels:
        """Return the labels of a sample line, without its value, as Prometheus stores them."""
        labels = self._parsed.get(sample)
        if labels is None:
            ((family,),) = zip(text_string_to_metric_families(f"{sample} 0\n"), strict=True)
            parsed = family.samples[0]
            labels = self._parsed[sample] = self._labeled(parsed.name, parsed.labels)
        return labels

    def _labeled(self, name: str, labels: Mapping[str, str]) -> Labels:
        target = {"__name__": name, "job": "quantconnect", "instance": self._target}
        # As in a scrape, an empty label is no label.
        return tuple(sorted(pair for pair in {**labels, **target}.items() if pair[1]))

    def _ask(self, endpoint: str, **parameters: object) -> dict[str, object]:
        answer = msgspec.json.decode(self._api.answer(endpoint, parameters), type=dict[str, object])
        if answer.get("success") is not True:
            raise ValueError(f"the simulator answers {endpoint} with {answer}")
        return answer

    def _scrape(self) -> _Scrape:
        """Scrape the running exporter and keep the series without a project."""
        began = time.time()
        with urllib.request.urlopen(f"http://{self._target}/metrics", timeout=10) as response:
            text = response.read().decode()
        ended = time.time()
        numbers, counters = {}, set()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.labels.get("project_id"):  # a read of an account has an empty one
                    continue
                labels = self._labeled(sample.name, sample.labels)
                numbers[labels] = float(sample.value)
                if family.type in ("counter", "histogram"):
                    counters.add(labels)
        return _Scrape(ended, ended - began, numbers, frozenset(counters))

    def _extrapolate(self, block: Block, first: _Scrape, last: _Scrape) -> None:
        """Add the exporter's own metrics: gauges unchanged, counters with their present rate.

        Counters start again at 0 with the demo, as after a restart.
        """
        begin = 1000 * (self._started - (DAYS + 1) * DAY)

        def risen(rise: float, *, counts: bool) -> Iterator[Change]:
            numbers = (rise * (at - begin) / 1000 for at in block.times)
            if not counts:
                return enumerate(numbers)
            whole = enumerate(float(int(number)) for number in numbers)
            return (next(same) for _, same in groupby(whole, lambda change: change[1]))

        for labels, number in last.numbers.items():
            if last.time - number >= 0 and ("__name__", _LAST_READ) in labels:
                lag = last.time - number
                block.add(labels, [(i, at / 1000 - lag) for i, at in enumerate(block.times)])
            elif labels in last.counters:
                rise = (number - first.numbers.get(labels, number)) / (last.time - first.time)
                counts = number.is_integer()
                block.add(labels, risen(rise, counts=counts), same=(rise, counts))
            else:
                block.add(labels, [(0, number)])
        duration = min(first.duration, last.duration)
        for name, number in {"up": 1.0, "scrape_duration_seconds": duration}.items():
            block.add(self._labeled(name, {}), [(0, number)])


@lru_cache(maxsize=1024)
def _parsed(lines: bytes) -> dict[str, float]:
    """Return the number of each sample in a family's lines; most families seldom change."""
    samples = (line.rpartition(" ") for line in lines.decode().splitlines())
    return {sample: float(number) for sample, _, number in samples}


def _every_change(changes: Iterable[_Change], times: Sequence[int]) -> Iterator[Change]:
    for start, number, rises_until in changes:
        yield start, number
        if number is not None:
            for index in range(start + 1, rises_until):
                yield index, (times[index] - times[start]) / 1000 + number


def _stretches(start: int, end: int) -> Iterator[Stretch]:
    for _, moments in groupby(_moments(start, end), lambda moment: moment[0] // _BLOCK):
        times: list[int] = []
        starts = []
        for at, until, every in moments:
            starts.append((len(times), at))
            times += range(1000 * at, 1000 * until, 1000 * every)
        yield Stretch(Block(times), starts)


def _moments(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the time of each value, the end of its validity, and the interval of its samples."""
    while start < end:
        zoom = next(zoom for zoom in _ZOOMS if end - start <= zoom.age)
        until = min(end, start - start % zoom.values + zoom.values)
        yield start, until, zoom.samples
        start = until
