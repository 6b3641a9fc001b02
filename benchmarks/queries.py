"""``python -m benchmarks.queries``: what dashboards and rules take on a large account.

A Prometheus is given a month of every series that a dashboard or rule names, with invented numbers
(of the holdings a whole project, one symbol of every project, and the last hours of all), and asked
each query as Grafana asks it for 30 days, and each rule as Prometheus evaluates it. The slowest
are printed, and what each group of rules takes. It takes minutes and gigabytes of disk.
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
from typing import TYPE_CHECKING, Any

import promql_parser as promql
import yaml

from benchmarks.table import duration
from prometheus.stack import Prometheus
from tests.dashboards.promql import RULES, Series, children, rules
from tests.dashboards.queries import queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

DAY = 86_400.0
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


class Month:
    """Every series, for a month before ``end`` (unix seconds), a sample each ``step`` seconds."""

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

    def write(self, data: Path) -> int:
        """Make the blocks; how many samples there are."""
        series = [(line, long) for name in self._names for line, long in self._series(name)]
        total = 0
        start = self.start
        while start < self.end:
            end = min(self.end, (start // BLOCK + 1) * BLOCK)
            with tempfile.NamedTemporaryFile("w", dir=data.parent, suffix=".om") as file:
                for line, long in series:
                    first = start if long else max(start, self.end - LAST)
                    first = -(-first // self._step) * self._step
                    stamps = range(round(first), round(end), round(self._step))
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


def groups(timings: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """The seconds that each group of rules takes together, the slowest first."""
    taken = dict(
        zip((what for _, what in timings), (seconds for seconds, _ in timings), strict=True)
    )
    found: dict[str, float] = {}
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            found[group["name"]] = sum(taken[_named(rule)] for rule in group["rules"])
    return sorted(((seconds, name) for name, seconds in found.items()), reverse=True)


def _named(rule: dict[str, Any]) -> str:
    kind = "record" if "record" in rule else "alert"
    return f"rule {rule[kind]} {rule.get('labels', '')}"


def measure(
    prometheus: Prometheus, month: Month, *, rules_only: bool = False
) -> list[tuple[float, str]]:
    """Seconds and what took them, the median of three."""
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
        timings.append((_seconds(prometheus, path, parameters), str(query)))
    for kind in ("record", "alert"):
        for rule in rules(kind):
            parameters = {"query": rule["expr"], "time": f"{month.end}"}
            seconds = _seconds(prometheus, "/api/v1/query", parameters)
            timings.append((seconds, _named(rule)))
    return sorted(timings, reverse=True)


def _seconds(prometheus: Prometheus, path: str, parameters: dict[str, str]) -> float:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        prometheus.get(path, **parameters)
        taken.append(time.perf_counter() - began)
    return sorted(taken)[1]


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
    print(f"{len(timings)} queries and rules, {sum(each for each, _ in timings):.1f} s together")
    for seconds, what in timings[: options.slowest]:
        print(f"{duration(seconds):>8}  {what}")
    for seconds, name in groups(timings):
        print(f"{duration(seconds):>8}  group {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
