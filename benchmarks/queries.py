"""``python -m benchmarks.queries``: what dashboards and rules take on a large account.

A Prometheus is given a month of every series that a dashboard or rule names, with invented numbers
(of the holdings a whole project, one symbol of every project, and the last hours of all), and asked
each query as Grafana asks it for 30 days, and each rule as Prometheus evaluates it. The slowest
are printed, and what each group of rules takes: time, CPU of Prometheus, and CPU for every 30
seconds by the interval of the group. It takes minutes and gigabytes of disk.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import promql_parser as promql
import yaml

from benchmarks.process import Process
from benchmarks.table import duration
from prometheus.stack import Prometheus
from tests.dashboards.promql import RULES, Series, children, rules
from tests.dashboards.queries import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

DAY = 86_400.0
# The interval of scrapes and rules that docs/scale.md counts with, in seconds.
EVERY = 30.0
# Grafana asks for about a thousand points.
POINTS = 1000
BLOCK = 54 * 3600.0
LAST = 2.5 * 3600.0
FIRST_ID = 30_000_001
WHAT = {"__range": "30d", "__interval": "45m", "__rate_interval": "1m", "account_currency": "USD"}
# How many values a label has that nothing else decides.
VALUES = {
    "source": ["portfolio", "status", "statistics"],
    "status": ["Running", "Stopped", "RuntimeError", *(f"Other{n}" for n in range(11))],
    "currency": ["USD", "EUR"],
    "endpoint": [
        "authenticate",
        "live/list",
        "live/portfolio/read",
        "live/read",
        "projects/read",
    ],
    "le": ["0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "+Inf"],
    "account_currency": ["USD"],
    "job": ["quantconnect"],
    "limit": [
        "max_drawdown",
        "max_daily_loss",
        "max_gross_leverage",
        "max_position_weight",
        "max_position_loss",
        "min_cash_ratio",
        "max_orders_per_hour",
        "max_days_without_fill",
    ],
}


class Timing(NamedTuple):
    """Seconds that something took, by the clock and of Prometheus's CPU."""

    seconds: float
    cpu: float
    what: str


class Group(NamedTuple):
    """Seconds that the rules of a group take together, and how often they are evaluated."""

    seconds: float
    cpu: float
    interval: float
    name: str

    @property
    def usual_cpu(self) -> float:
        """Of every 30 seconds."""
        return self.cpu * EVERY / self.interval


class Month:
    """Every series, for a month before ``end`` (unix seconds), a sample each ``step`` seconds.

    A record of a group with a longer interval has a sample at each of its evaluations.
    """

    def __init__(
        self, *, projects: int, holdings: int, days: float, step: float, rules_only: bool = False
    ) -> None:
        self._projects, self._holdings = projects, holdings
        self._known = Series()
        self._step = step
        self.end = time.time() // step * step
        self.start = self.end - days * DAY
        self._numbers = random.Random("month")
        expressions = [(q.expr, not q.instant) for q in queries(WHAT) if not rules_only]
        expressions += [(r["expr"], False) for kind in ("record", "alert") for r in rules(kind)]
        self._names: dict[str, bool] = {}
        for text, over_time in expressions:
            for name, reach in _reaches(promql.parse(text)):
                self._names[name] = self._names.get(name, False) or over_time or reach > LAST
        self._names.pop("ALERTS", None)
        self._intervals = {
            rule["record"]: interval
            for _, interval, of_group in rule_groups()
            for rule in of_group
            if "record" in rule
        }

    def write(self, data: Path) -> int:
        """Make the blocks; how many samples there are."""
        series = [
            (line, long, max(self._step, self._intervals.get(name, 0.0)))
            for name in self._names
            for line, long in self._series(name)
        ]
        total = 0
        start = self.start
        while start < self.end:
            end = min(self.end, (start // BLOCK + 1) * BLOCK)
            with tempfile.NamedTemporaryFile("w", dir=data.parent, suffix=".om") as file:
                for line, long, step in series:
                    first = start if long else max(start, self.end - LAST)
                    first = -(-first // step) * step
                    stamps = range(round(first), round(end), round(step))
                    number = self._numbers.uniform(1, 1e5)
                    file.writelines(
                        f"{line} {number + 13 * (stamp % 977):.2f} {stamp}\n" for stamp in stamps
                    )
                    total += len(stamps)
                file.write("# EOF\n")
                file.flush()
                subprocess.run(
                    [
                        "promtool",
                        "tsdb",
                        "create-blocks-from",
                        "--max-block-duration=54h",
                        "openmetrics",
                        file.name,
                        str(data),
                    ],
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            start = end
        return total

    def _series(self, name: str) -> Iterator[tuple[str, bool]]:
        """The series of a name, and whether it reaches back a month."""
        labels = sorted(self._known.labels(promql.parse(name)) or ())
        free = [label for label in labels if label not in ("project_id", "symbol_id")]
        projects = range(self._projects) if "project_id" in labels else [0]
        holdings = range(self._holdings) if "symbol_id" in labels else [0]
        for project, holding in product(projects, holdings):
            given = {
                "project_id": str(FIRST_ID + project),
                "project": f"Project {project}",
                # The first symbol is the same in all of them.
                "symbol_id": f"SYM{holding} {project if holding else 0}",
                "symbol": f"SYM{holding}",
                "security_type": "Equity",
            }
            long = self._names[name] and (project == 0 or holding == 0)
            for values in product(
                *(VALUES.get(label, [given.get(label, "one")]) for label in free)
            ):
                full = {**given, **dict(zip(free, values, strict=True))}
                inner = ",".join(f'{label}="{full[label]}"' for label in labels)
                yield f"{name}{{{inner}}}", long


def _reaches(expr: promql.Expr, back: float = 0.0) -> Iterator[tuple[str, float]]:
    """Each name in `expr`, and how far back it is read, in seconds."""
    if isinstance(expr, promql.MatrixSelector):
        back += _seconds_of(expr.range)
        expr = expr.vector_selector
    if isinstance(expr, promql.VectorSelector):
        yield str(expr.name), back + _seconds_of(expr.offset)
    elif isinstance(expr, promql.SubqueryExpr):
        back += _seconds_of(expr.range) + _seconds_of(expr.offset)
    for part in children(expr):
        yield from _reaches(part, back)


def _seconds_of(offset: timedelta | None) -> float:
    return 0.0 if offset is None else offset.total_seconds()


def groups(timings: list[Timing]) -> list[Group]:
    """What each group of rules takes, the slowest first."""
    taken = {timing.what: timing for timing in timings}
    found = []
    for name, interval, of_group in rule_groups():
        each = [taken[_named(rule)] for rule in of_group]
        seconds, cpu = sum(timing.seconds for timing in each), sum(timing.cpu for timing in each)
        found.append(Group(seconds, cpu, interval, name))
    return sorted(found, reverse=True)


def rule_groups() -> Iterator[tuple[str, float, list[dict[str, Any]]]]:
    """Each group of rules: its name, its interval in seconds, its rules."""
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            minutes = float(group.get("interval", f"{EVERY / 60}m").removesuffix("m"))
            yield group["name"], minutes * 60, group["rules"]


def _named(rule: dict[str, Any]) -> str:
    kind = "record" if "record" in rule else "alert"
    return f"rule {rule[kind]} {rule.get('labels', '')}"


def measure(prometheus: Prometheus, month: Month, *, rules_only: bool = False) -> list[Timing]:
    """What everything takes, the median of three."""
    timings = []
    values = {**WHAT, "project": str(FIRST_ID), "symbol": "SYM0 0"}
    # A dashboard of all projects is opened with all of them.
    fleet = ("quantconnect-fleet", "quantconnect-exporter")
    asked = [query for query in queries(values) if query.dashboard not in fleet]
    asked += [query for query in queries(WHAT) if query.dashboard in fleet]
    for query in () if rules_only else asked:
        expr = query.expr
        parameters = {"query": expr, "time": f"{month.end}"}
        if not query.instant:
            step = f"{(month.end - month.start) / POINTS:.0f}"
            parameters = {
                "query": expr,
                "start": f"{month.start}",
                "end": f"{month.end}",
                "step": step,
            }
        path = "/api/v1/query" if query.instant else "/api/v1/query_range"
        timings.append(_timed(prometheus, path, parameters, str(query)))
    for kind in ("record", "alert"):
        for rule in rules(kind):
            parameters = {"query": rule["expr"], "time": f"{month.end}"}
            timings.append(_timed(prometheus, "/api/v1/query", parameters, _named(rule)))
    return sorted(timings, reverse=True)


def _timed(prometheus: Prometheus, path: str, parameters: dict[str, str], what: str) -> Timing:
    process = Process(prometheus.pid, 0)
    taken, used = [], []
    for _ in range(3):
        began, before = time.perf_counter(), process.cpu_seconds()
        prometheus.get(path, **parameters)
        taken.append(time.perf_counter() - began)
        used.append(process.cpu_seconds() - before)
    return Timing(sorted(taken)[1], sorted(used)[1], what)


def main(argv: list[str]) -> int:
    """Print the slowest; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queries", description=__doc__)
    parser.add_argument("--projects", type=int, default=30)
    parser.add_argument("--holdings", type=int, default=100)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--step", type=float, default=240, help="seconds between samples")
    parser.add_argument("--slowest", type=int, default=25)
    parser.add_argument("--rules", action="store_true", help="the rules only, for a large fleet")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        data = directory / "data"
        data.mkdir()
        month = Month(
            projects=options.projects,
            holdings=options.holdings,
            days=options.days,
            step=options.step,
            rules_only=options.rules,
        )
        began = time.perf_counter()
        samples = month.write(data)
        print(f"{samples / 1e6:.1f} million samples in {time.perf_counter() - began:.0f} s")
        prometheus = Prometheus(directory, targets=[], rules=False)
        prometheus.start()
        try:
            timings = measure(prometheus, month, rules_only=options.rules)
        finally:
            prometheus.stop()
    together = sum(timing.seconds for timing in timings)
    print(f"{len(timings)} queries and rules, {together:.1f} s together; time, CPU")
    for timing in timings[: options.slowest]:
        print(f"{duration(timing.seconds):>8} {duration(timing.cpu):>8}  {timing.what}")
    print("each group of rules: time, CPU, CPU of every 30 seconds")
    found = groups(timings)
    for group in found:
        print(
            f"{duration(group.seconds):>8} {duration(group.cpu):>8} "
            f"{duration(group.usual_cpu):>8}  {group.name}"
        )
    usual = sum(group.usual_cpu for group in found)
    seconds, cpu = sum(group.seconds for group in found), sum(group.cpu for group in found)
    print(f"{duration(seconds):>8} {duration(cpu):>8} {duration(usual):>8}  all")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
