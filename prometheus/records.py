"""Recorded series for a past that was never scraped.

A real Prometheus evaluates the recording rules over blocks with the past. It reads blocks at its
start, so it is started once for each level of rules that read other rules' records.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from prometheus.blocks import Block
from prometheus.stack import ROOT, Prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus.blocks import Change, Labels

# Queries under way at once, to keep Prometheus busy.
_QUERIES = 4
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*:[a-zA-Z0-9_:]+")


@dataclass
class Stretch:
    """A part of the past: its block, and the times at which its values were taken.

    ``moments`` are those times as indices of the block's times and as unix seconds.
    """

    block: Block
    moments: Sequence[tuple[int, int]]


def add_records(stretches: Sequence[Stretch], scratch: Path) -> None:
    """Evaluate the recording rules at every moment of a past and add the results to its blocks.

    ``scratch`` is an existing directory for the data of the Prometheus that evaluates.
    """
    spans = list(_spans([at for stretch in stretches for _, at in stretch.moments]))
    with tempfile.TemporaryDirectory(dir=scratch) as temporary:
        prometheus = Prometheus(Path(temporary), targets=[], rules=False)
        prometheus.data.mkdir()
        for stretch in stretches:
            stretch.block.write(prometheus.data)
        for level in levels():
            blocks = [Block(stretch.block.times) for stretch in stretches]
            for labels, numbers in _evaluated(level, prometheus, spans):
                for stretch, block in zip(stretches, blocks, strict=True):
                    block.add(labels, _changes(stretch, numbers))
            for stretch, block in zip(stretches, blocks, strict=True):
                block.write(prometheus.data)
                stretch.block.include(block)


def _evaluated(
    rules: Sequence[dict[str, Any]], prometheus: Prometheus, spans: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[Labels, dict[int, float]]]:
    """Yield the recorded series with their values by unix seconds, while others are evaluated."""

    def ask(query: tuple[dict[str, Any], tuple[int, int, int]]) -> list[dict[str, Any]]:
        rule, (start, end, step) = query
        answer = prometheus.get(
            "/api/v1/query_range",
            query=rule["expr"],
            start=f"{start}",
            end=f"{end}",
            step=f"{step}",
        )
        return list(answer["data"]["result"])

    try:
        prometheus.start()
        with ThreadPoolExecutor(_QUERIES) as asking:
            results = asking.map(ask, product(rules, spans))
            for rule in rules:
                recorded: defaultdict[Labels, dict[int, float]] = defaultdict(dict)
                for series in chain.from_iterable(islice(results, len(spans))):
                    labels = series["metric"] | rule.get("labels", {})
                    labels["__name__"] = rule["record"]
                    recorded[tuple(sorted(labels.items()))] |= {
                        int(at): float(number) for at, number in series["values"]
                    }
                yield from recorded.items()
    finally:
        prometheus.stop()


def _spans(moments: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and step of evenly spaced moments, for one range query each."""
    steps = [(start, after - start) for start, after in pairwise(moments)]
    steps.append((moments[-1], 1))
    for step, evenly in groupby(steps, lambda moment: moment[1]):
        starts = [start for start, _ in evenly]
        yield starts[0], starts[-1], step


def _changes(stretch: Stretch, numbers: dict[int, float]) -> Iterator[Change]:
    before: float | None = None
    for index, at in stretch.moments:
        number = numbers.get(at)
        if number != before:
            yield index, number
        before = number


def levels() -> list[list[dict[str, Any]]]:
    """Return the recording rules in levels; each reads only records of earlier levels.

    A rule that reads its own record is placed by the other records that it reads.
    """
    rules: list[dict[str, Any]] = [
        rule
        for file in sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    ]
    waiting = list(rules)
    found: list[list[dict[str, Any]]] = []
    while waiting:
        unmade = {rule["record"] for rule in waiting}
        level = [
            rule
            for rule in waiting
            if not (set(_NAME.findall(rule["expr"])) & unmade - {rule["record"]})
        ]
        if not level:
            raise ValueError(f"these rules read each other: {sorted(unmade)}")
        found.append(level)
        waiting = [rule for rule in waiting if rule not in level]
    return found
