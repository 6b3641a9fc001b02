"""A past for the demo: what Prometheus would hold if it had scraped the simulator for weeks.

The simulated account is a function of time, so its past is asked for as its present is: through
QuantConnect's wire format, the exporter's decoding and its samples. What comes out is written as
OpenMetrics with timestamps, made into blocks by promtool, and the recording rules are evaluated
over it.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from exporter.clock import Clock
from exporter.metrics.reading import Source
from exporter.poller.project import PublishedProject
from exporter.quantconnect.live import decode_deployments, newest
from exporter.quantconnect.portfolio import decode_portfolio
from exporter.simulator import World
from exporter.simulator.api import Api
from exporter.store import Store
from prometheus.stack import ROOT, Prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config import Config

DAY = 86_400.0
DAYS = 31
# A graph looks back five minutes for a sample.
_STAMP = 240.0
# Within the last day and a half somebody may look closely; before, new numbers hourly are enough.
_CLOSE, _NEAR, _FAR = 1.5 * DAY, _STAMP, 3600.0
# Blocks of Prometheus are 2 h, 6 h, 18 h, 54 h: one file for each of the largest that pays.
_BLOCK = 54 * 3600.0
# They wait for the disk most of the time, and the next file is written meanwhile.
_PROMTOOLS = 2
# What weeks-long panels and rules look at; the last day and a half has everything.
_FAR_FAMILIES = (
    "quantconnect_project_info",
    "quantconnect_live_equity",
    "quantconnect_live_launched_timestamp_seconds",
    "quantconnect_live_info",
    'quantconnect_live_status{status="Running"',
    "quantconnect_holdings",
    "quantconnect_cash_value",
    "quantconnect_holding_market_value",
    "quantconnect_holding_unrealized_pnl{",
    "quantconnect_holding_quantity",
    "quantconnect_holding_info",
)


@dataclass
class _Time:
    """The moment that is being played."""

    now: float


class Past:
    """Plays the account's past, as ``settings`` has it read and ``target`` scraped.

    ``started`` is that of the demo whose past this is, ``until`` when the past ends if not then.
    """

    def __init__(
        self, settings: Config, *, started: float, target: str, until: float | None = None
    ) -> None:
        self.until = started if until is None else until
        self._time = _Time(self.until)
        self._world = World.demo(started=started, clock=lambda: self._time.now)
        self._api = Api(self._world)
        clock = Clock(monotonic=lambda: self._time.now, now=lambda: self._time.now)
        self._store = Store(clock)
        self._labels = f'job="quantconnect",instance="{target}",'
        self._config = settings
        account = settings.accounts[0]
        self._projects: dict[int, PublishedProject] = {}
        for project in self._world.projects:
            self._projects[project.project_id] = PublishedProject(
                account.settings_for(project.project_id),
                name=project.name,
                account=account.name,
                config=settings,
                intervals={Source.PORTFOLIO: _STAMP, Source.STATUS: _STAMP},
                store=self._store,
                clock=clock,
            )

    def files(self, directory: Path) -> Iterator[Path]:
        """OpenMetrics files, the oldest first, one for each block that promtool is to make."""
        start = self.until - DAYS * DAY
        while start < self.until:
            end = min(self.until, (start // _BLOCK + 1) * _BLOCK)
            file = directory / f"{start:.0f}.om"
            with file.open("w", encoding="utf-8") as out:
                out.writelines(self._lines(start, end))
                out.write("# EOF\n")
            yield file
            start = end

    def _lines(self, start: float, end: float) -> Iterator[str]:
        at = start
        while at < end:
            close = at >= self.until - _CLOSE
            until = min(end, at + (_NEAR if close else _FAR))
            lines = self._samples(at, close=close)
            while at < until:
                stamp = f" {at:.3f}\n"
                yield from (line + stamp for line in lines)
                at += _STAMP

    def _samples(self, at: float, *, close: bool) -> list[str]:
        """The sample lines at a time, with the target's labels and without a timestamp."""
        self._time.now = at
        running = newest(decode_deployments(self._ask("live/list", status="Running"))[0])
        for project_id, deployment in running.items():
            project = self._projects[project_id]
            answer = self._ask("live/portfolio/read", projectId=project_id)
            portfolio = decode_portfolio(answer, max_holdings=10_000)
            project.portfolio(portfolio, duration=0.1, interval=_STAMP)
            project.status(deployment, duration=0.1, interval=_STAMP)
        samples = [
            line
            for project_id in running
            for snapshot in self._store.snapshots_of(project_id)
            for lines in snapshot.values()
            for line in lines.decode().splitlines()
            if close or _wanted(line)
        ]
        return [line.replace("{", "{" + self._labels, 1) for line in samples]

    def _ask(self, endpoint: str, **parameters: object) -> dict[str, object]:
        answer = msgspec.json.decode(self._api.answer(endpoint, parameters), type=dict[str, object])
        if answer.get("success") is not True:
            raise ValueError(f"the simulator answers {endpoint} with {answer}")
        return answer


def _wanted(line: str) -> bool:
    if line.startswith("quantconnect_live_status"):
        return 'status="Running"' in line
    return line.startswith(_FAR_FAMILIES)


def load(past: Past, data: Path) -> None:
    """Put the past into a Prometheus's data directory before it is started: some ten seconds."""
    stopping = threading.Event()
    with (
        tempfile.TemporaryDirectory(dir=data.parent) as scratch,
        ThreadPoolExecutor(_PROMTOOLS) as promtools,
    ):

        def create(file: Path) -> None:
            _create_blocks("openmetrics", str(file), str(data), stopping=stopping)
            file.unlink()

        try:
            made = [promtools.submit(create, file) for file in past.files(Path(scratch))]
            for each in made:
                each.result()
        finally:
            stopping.set()


def record(
    data: Path, *, until: float, days: float = DAYS, stopping: threading.Event | None = None
) -> None:
    """Add what the recording rules would have made of the past that a directory holds.

    That is its last ``days`` up to ``until``. A Prometheus that runs on the directory takes the new
    blocks up within a minute. Rules are evaluated by another one, on the same blocks; those that
    read what others record come after them, and see it once the blocks are there, hence a start
    for each level. With ``stopping`` set by somebody it returns soon, and adds nothing.
    """
    with contextlib.suppress(_StoppedError):
        _record(data, until - days * DAY, until, stopping)


def _record(data: Path, start: float, until: float, stopping: threading.Event | None) -> None:
    with tempfile.TemporaryDirectory(dir=data.parent) as scratch:
        directory = Path(scratch)
        made: list[Path] = []
        own = directory / "data"
        own.mkdir()
        for block in _blocks(data):
            shutil.copytree(block, own / block.name)
        for level in _levels():
            rules = directory / "level.yml"
            rules.write_text(yaml.safe_dump({"groups": [{"name": "level", "rules": level}]}))
            before = {block.name for block in _blocks(own)}
            evaluator = Prometheus(directory, targets=[], rules=False)
            evaluator.start()
            try:
                _create_blocks(
                    "rules",
                    f"--url={evaluator.url}",
                    f"--start={start:.0f}",
                    f"--end={until:.0f}",
                    f"--eval-interval={_STAMP:.0f}s",
                    f"--output-dir={own}",
                    str(rules),
                    stopping=stopping,
                )
            finally:
                evaluator.stop()
            made += [block for block in _blocks(own) if block.name not in before]
        for block in made:
            block.rename(data / block.name)


def _levels() -> list[list[dict[str, Any]]]:
    """The recording rules, so that each reads only what those of earlier levels record.

    A rule that reads its own past stands where what else it reads allows.
    """
    rules: list[dict[str, Any]] = [
        rule
        for file in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
    waiting = list(rules)
    levels: list[list[dict[str, Any]]] = []
    while waiting:
        unmade = {rule["record"] for rule in waiting}
        level = [
            rule
            for rule in waiting
            if not (set(_NAME.findall(rule["expr"])) & unmade - {rule["record"]})
        ]
        # Two that read each other can only be evaluated together.
        levels.append(level or waiting)
        waiting = [rule for rule in waiting if rule not in levels[-1]]
    return levels


_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*:[a-zA-Z0-9_:]+")


def _blocks(data: Path) -> list[Path]:
    return sorted(meta.parent for meta in data.glob("*/meta.json"))


class _StoppedError(Exception):
    """Somebody has set the event."""


def _create_blocks(*arguments: str, stopping: threading.Event | None = None) -> None:
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=54h", *arguments]
    # A session of its own: Ctrl-C in the terminal is for whoever started this.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as promtool:
        try:
            output = _output(promtool, stopping)
        except BaseException:
            promtool.kill()
            raise
    if promtool.returncode:
        raise RuntimeError(f"{' '.join(command[:5])}: {output}")


def _output(process: subprocess.Popen[str], stopping: threading.Event | None) -> str:
    while stopping is None or not stopping.is_set():
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=0.2)[0]
    raise _StoppedError
