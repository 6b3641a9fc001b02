"""An hour of an account with a hundred thousand projects: spacing, fairness, memory, planning time.

    python -m benchmarks.schedule

The schedule is played through in virtual time, without threads and network. Measured are which call
it gives when, what it costs to decide, and what it remembers. Prints the table of docs/scale.md.
"""

from __future__ import annotations

import multiprocessing
import platform
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from exporter.poller.project import STOPPED_FACTOR
from exporter.poller.schedule import Budget
from tests.poller.virtual import DOWN, VirtualAccount

if TYPE_CHECKING:
    from exporter.poller.task import Task
    from exporter.quantconnect.errors import ApiError

HOUR = 3600.0
_STOPPED = 100  # one project in so many does not run
_FAILS = 100  # one call for a project in so many fails


@dataclass(frozen=True)
class Case:
    """One account, or one shard of it; intervals in seconds, 0 is off."""

    name: str
    projects: int
    calls_per_minute: float
    interval: float
    statistics_interval: float = 0.0
    troubled: bool = False
    """Some projects are stopped and some calls fail."""

    def runs(self, project_id: int) -> bool:
        """Whether a project runs."""
        return not self.troubled or project_id % _STOPPED > 0


@dataclass(frozen=True)
class Result:
    """What an hour of a case came to; times in seconds, memory in bytes."""

    case: Case
    calls: int
    spacing: float
    closest: float
    interval: float
    median: float
    longest: float
    unread: int
    memory: float
    growth: float
    planning: float


CASES = (
    Case("1,000 projects, 1m, as configured", 1_000, 1_200, 60.0),
    Case("10,000 projects, 1m, as configured", 10_000, 12_000, 60.0),
    Case("100,000 projects, 5m", 100_000, 20_000, 300.0),
    Case("〃, one of 4 shards", 25_000, 5_000, 300.0),
    Case("〃, 1 % stopped, 1 % of calls fail", 100_000, 20_000, 300.0, troubled=True),
    Case("100,000 projects, 1m and 5m, a twentieth of the budget", 100_000, 6_000, 60.0, 300.0),
)


def play(case: Case, *, seconds: float = HOUR) -> Result:
    """Play a case through, from the exporter's start on."""
    random = Random(1)
    before = _resident()
    budget = Budget(case.calls_per_minute / 60, 60.0)

    def answer(task: Task, _now: float) -> ApiError | None:
        fails = case.troubled and task.project_id is not None and not random.randrange(_FAILS)
        return DOWN if fails else None

    account = VirtualAccount(budget, random=random, answer=answer)
    for project_id in range(1, case.projects + 1):
        # What does not run is read more rarely, and asked for its status by itself.
        factor = 1 if case.runs(project_id) else STOPPED_FACTOR
        intervals = {
            "portfolio": case.interval * factor,
            "statistics": case.statistics_interval * factor,
            "status": 0.0 if case.runs(project_id) else 60.0 * factor,
        }
        account.add(project_id, **intervals)
    started = time.process_time()
    account.run(until=seconds * 3 / 4)
    earlier = _resident()
    account.run(until=seconds)
    planning = time.process_time() - started
    portfolios = account.waits["portfolio"]
    waits = [wait for project_id, wait in portfolios.of.items() if case.runs(project_id)]
    return Result(
        case=case,
        calls=account.taken,
        spacing=1 / budget.calls_per_second,
        closest=account.closest,
        interval=account.schedule.interval(account.tasks["portfolio", 1]),
        median=median(waits),
        longest=max(waits),
        unread=case.projects - len(portfolios.last),
        memory=_resident() - before,
        growth=_resident() / earlier - 1,
        planning=planning,
    )


def _resident() -> int:
    """This process's resident memory, bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def table(results: list[Result]) -> str:
    """The results as Markdown."""
    columns = (
        "an hour of",
        "calls",
        "spacing: least / due (ms)",
        "interval in force",
        "median wait",
        "longest / median",
        "never read",
        "memory per project",
        "growth in the last 15 min",
        "planning per call",
    )
    lines = [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    lines += [
        f"| {r.case.name} | {r.calls:,} | {r.closest * 1000:.2f} / {r.spacing * 1000:.2f}"
        f" | {r.interval:.0f} s | {r.median:.0f} s | {r.longest / r.median:.2f} | {r.unread}"
        f" | {r.memory / r.case.projects / 1024:.1f} KiB | {r.growth:.1%}"
        f" | {r.planning / r.calls * 1e6:.0f} µs |"
        for r in results
    ]
    return "\n".join(lines)


def main() -> None:
    """Play every case, each in a process of its own, so that memory is its own."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, maxtasksperchild=1) as pool:
        results = pool.map(play, CASES, chunksize=1)
    print(table(results))
    print(f"\nPython {platform.python_version()}, {platform.machine()}")


if __name__ == "__main__":
    main()
