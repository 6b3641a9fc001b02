"""Blocks as a real Prometheus reads them."""

from __future__ import annotations

import math
import random
import subprocess
import time
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from prometheus.blocks import Block
from prometheus.stack import Prometheus

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus.blocks import Change, Labels

pytestmark = pytest.mark.needs_prometheus

HOUR = 3_600_000
# Differences between these need each of the sizes that the format has for them.
STEPS = (*[5] * 40, 6, 8_197, 3, 65_540, 2, 524_291, 1, 4 * HOUR, *[15_000] * 90, *[60_000] * 300)
NUMBERS = (None, 0.0, -0.0, 1.0, -1.0, 0.1, math.pi, 1e300, -5e-324, math.inf, 2.0**53 + 2)


def times() -> list[int]:
    return list(accumulate(STEPS, initial=round(time.time() * 1000) - 30 * HOUR))


def series(name: str, key: str) -> Labels:
    return (("__name__", name), ("key", key))


def random_changes(chance: random.Random, most: int) -> list[Change]:
    indices = sorted(chance.sample(range(len(STEPS)), chance.randint(1, most)))
    return [(index, chance.choice([*NUMBERS, chance.random()])) for index in indices]


def expected(at: list[int], changes: list[Change]) -> dict[int, str]:
    """Return a series' value at each time, sample by sample."""
    given = dict(changes)
    found, number = {}, None
    for index, millisecond in enumerate(at):
        number = given.get(index, number)
        if number is not None:
            found[millisecond] = repr(number)
    return found


def read(directory: Path, name: str) -> dict[str, dict[int, str]]:
    """Return Prometheus's samples of each series of a name, by the label ``key``."""
    prometheus = Prometheus(directory, targets=[], rules=False)
    prometheus.start()
    try:
        return {
            found["metric"]["key"]: {
                round(1000 * at): repr(float(number)) for at, number in found["values"]
            }
            for found in prometheus.query(f"{name}[2d]", at=time.time())
        }
    finally:
        prometheus.stop()


def test_prometheus_reads_every_sample(tmp_path: Path) -> None:
    at, chance = times(), random.Random(7)
    data = tmp_path / "data"
    data.mkdir()
    block = Block(at)
    given = {f'{number} "ä"\\': random_changes(chance, 1 + 3 * number) for number in range(80)}
    given |= {"once": [(5, 1.0), (6, None)], "twice": [(5, 1.0), (7, None)], "last": [(469, 2.0)]}
    for key, changes in given.items():
        block.add(series("some", key), changes)
    block.write(data)
    found = read(tmp_path, "some")
    wanted = {key: expected(at, changes) for key, changes in given.items()}
    assert found == {key: samples for key, samples in wanted.items() if samples}
    assert sum(map(len, found.values())) > 10_000


def test_values_that_only_their_signs_tell_apart(tmp_path: Path) -> None:
    at = times()
    data = tmp_path / "data"
    data.mkdir()
    block = Block(at)
    block.add(series("zero", "plus"), [(0, 0.0)])
    block.add(series("zero", "minus"), [(0, -0.0)])
    block.write(data)
    assert read(tmp_path, "zero") == {
        "plus": expected(at, [(0, 0.0)]),
        "minus": expected(at, [(0, -0.0)]),
    }


def test_a_block_takes_in_another(tmp_path: Path) -> None:
    at = times()
    data = tmp_path / "data"
    data.mkdir()
    first, second = Block(at), Block(at)
    first.add(series("one", "a"), [(0, 1.0)])
    second.add(series("one", "b"), [(3, 2.0)])
    first.include(second)
    first.write(data)
    assert read(tmp_path, "one") == {
        "a": expected(at, [(0, 1.0)]),
        "b": expected(at, [(3, 2.0)]),
    }


def test_a_block_describes_itself(tmp_path: Path) -> None:
    block = Block(times())
    block.add(series("one", "a"), [(0, 1.0), (1, 0.5)])
    block.add(series("two", "a"), [(10, 1.0)])
    block.write(tmp_path)
    (directory,) = tmp_path.iterdir()
    listed = subprocess.run(
        ["promtool", "tsdb", "list", str(tmp_path)], check=True, capture_output=True, text=True
    ).stdout
    (row,) = (line.split() for line in listed.splitlines()[1:] if line)
    assert row[0] == directory.name
    assert [int(row[1]), int(row[2])] == [block.times[0], block.times[-1] + 1]
    assert row[-4:-1] == [str(2 * len(block.times) - 10), "2", "2"]


def test_nothing_is_no_block(tmp_path: Path) -> None:
    block = Block(times())
    block.add(series("one", "a"), [])
    block.add(series("one", "b"), [(3, None)])
    block.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_more_times_than_a_chunk_takes_are_refused() -> None:
    with pytest.raises(ValueError, match="65536 times are more than a chunk takes"):
        Block(range(65_536))
