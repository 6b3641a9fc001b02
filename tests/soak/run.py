"""The soak from beginning to end."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.soak import truth
from tests.soak.mischief import Mischief
from tests.soak.process import Exporter, Usage, exporter
from tests.soak.scraper import Scraper
from tests.soak.world import soaked
from tests.support import SimulatorServer

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from exporter.simulator import World

WARM_AFTER = 300.0
"""Seconds after which memory, threads and descriptors should have reached what they need."""

MEMORY_FACTOR, MEMORY_MORE = 1.10, 8 * 2**20
THREADS_MORE = 4
DESCRIPTORS_MORE = 8
"""How much more than after the warm-up is still the same."""

_EXHAUSTED = 20.0
_LONGEST_RECOVERY = 900.0
_MIB = 2**20


@dataclass
class Outcome:
    """What was done, what was used, and all that was wrong; nothing in ``wrong`` is a pass."""

    warm: Usage
    end: Usage
    peak: Usage
    minutes: list[Usage]
    done: Counter[str]
    faults: int
    scrapes: int
    slowest: float
    samples: int
    calls: int
    recovery: float
    compared: int
    wrong: list[str] = field(default_factory=list)


def soak(
    directory: Path,
    *,
    seconds: float,
    seed: int,
    generated: int = 10,
    interval: str = "3s",
    pause: tuple[float, float] = (0.5, 3.0),
    harmless: float = 0.2,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Let an exporter read a world of 10 + ``generated`` projects for so many seconds."""
    random = Random(seed)
    world = soaked(started=time.time(), generated=generated, seed=seed)
    with SimulatorServer(world, lockout_after=25, lockout_seconds=30.0) as server:
        mischief = Mischief(server, directory, random, interval=interval, harmless=harmless)
        with exporter(mischief.configuration) as running:
            scraper = Scraper(running.url)
            with scraper.scraping():
                used = _misbehave(running, mischief, random, seconds, pause, tell)
                world.freeze()
                frozen = time.time()
                mischief.stop(running)
                tell("faults cleared, the world frozen: waiting until everything is read")
                _await_reads(running, world, since=frozen + 1)
                recovery = time.time() - frozen
                are = truth.published(_exposition(running))
                end = _typical([_later(running) for _ in range(5)])
            log = running.log.read_text(errors="replace")
    should = truth.expected(world)
    warm = _typical(used[int(min(WARM_AFTER, seconds / 2)) :][:60])
    wrong = [
        *scraper.wrong,
        *mischief.wrong,
        *truth.differences(should, are),
        *_growth(warm, end),
        *_said(log, mischief.tokens),
    ]
    return Outcome(
        warm=warm,
        end=end,
        peak=Usage(*map(max, zip(*used, strict=True))),
        minutes=[_typical(used[start : start + 60]) for start in range(0, len(used), 60)],
        done=mischief.done,
        faults=len(mischief.faults),
        scrapes=scraper.scrapes,
        slowest=scraper.slowest,
        samples=scraper.samples,
        calls=len(server.requests),
        recovery=recovery,
        compared=len(should),
        wrong=wrong,
    )


def _misbehave(
    running: Exporter,
    mischief: Mischief,
    random: Random,
    seconds: float,
    pause: tuple[float, float],
    tell: Callable[[str], None],
) -> list[Usage]:
    """Do mischief for that long; what was used each second."""
    used: list[Usage] = []
    while requests.get(f"{running.url}/-/ready", timeout=20).status_code != 200:
        time.sleep(0.1)
    started = now = time.monotonic()
    mischief.tick(now)
    following = now
    if seconds >= _EXHAUSTED * 3:
        mischief.exhaust(_EXHAUSTED)
        following += _EXHAUSTED
    while (now := time.monotonic()) < started + seconds:
        mischief.tick(now)
        if following <= now:
            mischief.next(running, now)
            following = now + random.uniform(*pause)
        if now - started >= len(used):
            used.append(running.usage())
            if len(used) % 60 == 0:
                memory, threads, descriptors = _typical(used[-60:])
                tell(
                    f"{len(used) // 60:3d} min  {memory / _MIB:6.1f} MiB  {threads:3d} threads"
                    f"  {descriptors:3d} descriptors  {sum(mischief.done.values()):5d} things done"
                )
        time.sleep(0.05)
    return used


def _await_reads(running: Exporter, world: World, *, since: float) -> None:
    """Until every source that has an answer was read well since then (unix seconds)."""
    deadline = time.monotonic() + _LONGEST_RECOVERY
    sources = {
        (str(project_id), source)
        for project_id in world.project_ids
        for source in ("portfolio", "status", "statistics", "orders", "trades")
        # What was never deployed has neither portfolio nor statistics: QuantConnect says no.
        if world.truth(project_id).deployment is not None or source == "status"
    }
    while True:
        times: dict[tuple[str, str], float] = {}
        good: set[tuple[str, str]] = set()
        lines = _exposition(running).splitlines(keepends=True)
        reads = "".join(line for line in lines if "quantconnect_read_" in line)
        for family in text_string_to_metric_families(reads):
            for sample in family.samples:
                of = (sample.labels.get("project_id", ""), sample.labels.get("source", ""))
                if sample.name == "quantconnect_read_last_success_timestamp_seconds":
                    times[of] = sample.value
                elif sample.name == "quantconnect_read_success" and sample.value == 1:
                    good.add(of)
        missing = {of for of in sources if times.get(of, 0.0) <= since or of not in good}
        if not missing:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not read in {_LONGEST_RECOVERY:g} s: {sorted(missing)}")
        time.sleep(0.5)


def _exposition(running: Exporter) -> str:
    return requests.get(f"{running.url}/metrics", timeout=20).text


def _later(running: Exporter) -> Usage:
    time.sleep(0.2)
    return running.usage()


def _typical(used: Iterable[Usage]) -> Usage:
    return Usage(*(int(statistics.median(column)) for column in zip(*used, strict=True)))


def _growth(warm: Usage, end: Usage) -> list[str]:
    """What is used more of than after the warm-up."""
    bounds = Usage(
        int(warm.memory * MEMORY_FACTOR) + MEMORY_MORE,
        warm.threads + THREADS_MORE,
        warm.descriptors + DESCRIPTORS_MORE,
    )
    return [
        f"{name} grew from {before} to {after}, at most {most} expected"
        for name, before, after, most in zip(Usage._fields, warm, end, bounds, strict=True)
        if after > most
    ]


def _said(log: str, tokens: Iterable[str]) -> list[str]:
    """What the log must not say: a fault of the exporter's own, or a token."""
    wrong = [line for line in log.splitlines() if "A fault of this" in line or "Traceback" in line]
    return [f"log: {line}" for line in wrong] + [
        f"log: it has {token} in it" for token in tokens if token in log
    ]


def table(outcome: Outcome) -> str:
    """The outcome for people."""
    rows = [("", "memory", "threads", "descriptors")]
    for name, used in (
        ("after the warm-up", outcome.warm),
        ("peak", outcome.peak),
        ("at the end", outcome.end),
    ):
        memory = f"{used.memory / _MIB:.1f} MiB"
        rows.append((name, memory, str(used.threads), str(used.descriptors)))
    lines = [f"{a:20}{b:>12}{c:>10}{d:>14}" for a, b, c, d in rows]
    done = ", ".join(f"{count} × {what}" for what, count in sorted(outcome.done.items()))
    lines.append(
        f"""
{outcome.scrapes} scrapes of {outcome.samples} samples, the slowest {outcome.slowest:.3f} s
{outcome.calls} calls to QuantConnect, {outcome.faults} kinds of faults
{done}
{outcome.compared} numbers compared, {outcome.recovery:.0f} s after the last fault
"""
    )
    lines += outcome.wrong[:100] or ["nothing was wrong"]
    return "\n".join(lines)
