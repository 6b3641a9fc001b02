"""Blocks for Prometheus's data directory, written by the documentation of their format.

For series whose value seldom changes, such as the demo's past. ``promtool tsdb create-blocks-from``
reads every sample as a line of text. Here a value is given once, with its start time, so that a
month takes seconds. The format: tsdb/docs/format of Prometheus, index version 2.
"""

from __future__ import annotations

import json
import secrets
import struct
from array import array
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from crc32c import crc32c

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from pathlib import Path

Labels = tuple[tuple[str, str], ...]
"""A series' labels by ascending name, ``__name__`` among them; none of them is empty."""

Change = tuple[int, float | None]
"""A series' value from the time with this index on; None where the series has no samples."""

_Run = tuple[int, int, int]
"""A row of samples of one value: the first index, the one after the last, the value's bits."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MOST_SAMPLES = 0xFFFF
_XOR = 1
# For a difference of intervals: its number of bits, and the prefix for that number.
_INTERVALS = ((14, "10"), (17, "110"), (20, "1110"), (64, "1111"))


@dataclass(frozen=True)
class _Chunk:
    """A series' samples from ``first`` to ``last`` (milliseconds), as they are stored."""

    first: int
    last: int
    samples: int
    stored: bytes


@dataclass
class Block:
    """Series sampled at ``times``: unix milliseconds, ascending, at most 65,535 of them."""

    times: Sequence[int]
    _chunks: dict[Labels, _Chunk] = field(default_factory=dict)
    # Many series have the same values: those that stay 1, or count the same calls.
    _made: dict[tuple[_Run, ...], _Chunk] = field(default_factory=dict)
    _same: dict[Hashable, _Chunk | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.times) > _MOST_SAMPLES:
            raise ValueError(f"{len(self.times)} times are more than a chunk takes")
        # For each sample after two others without a gap: its encoded interval, and, in one string,
        # that with an unchanged value, beginning at its place.
        intervals = [after - before for before, after in pairwise(self.times)]
        self._intervals = ["", "", *(_interval(b - a) for a, b in pairwise(intervals))]
        self._unchanged = "".join(f"{interval}0" for interval in self._intervals)
        sizes = (len(interval) + 1 for interval in self._intervals)
        self._places = list(accumulate(sizes, initial=0))

    def add(self, labels: Labels, changes: Iterable[Change], *, same: Hashable = None) -> None:
        """Add a series; a series without samples is left out.

        ``changes`` are in the order of their indices. They are read once of all the series that
        have the same ``same``, unless it is None.
        """
        if same is None or same not in self._same:
            self._same[same] = self._made_of(tuple(self._runs(changes)))
        if (chunk := self._same[same]) is not None:
            self._chunks[labels] = chunk

    def _made_of(self, runs: tuple[_Run, ...]) -> _Chunk | None:
        if runs and runs not in self._made:
            self._made[runs] = self._chunk(runs)
        return self._made.get(runs)

    def include(self, other: Block) -> None:
        """Add the series of a block of the same times."""
        self._chunks |= other._chunks

    def write(self, data: Path) -> None:
        """Add the block to a data directory, unless the block has no series."""
        if not self._chunks:
            return
        ulid = _ulid(self.times[0])
        directory = data / f"{ulid}.tmp"  # a running Prometheus ignores it until it is complete
        (directory / "chunks").mkdir(parents=True)
        series = sorted(self._chunks.items())
        segment = bytearray(struct.pack(">IB3x", 0x85BD40DD, 1))
        references = []
        for _, chunk in series:
            references.append(len(segment))
            segment += chunk.stored
        (directory / "chunks" / "000001").write_bytes(segment)
        (directory / "index").write_bytes(_index(series, references))
        meta = {
            "ulid": ulid,
            "minTime": min(chunk.first for _, chunk in series),
            "maxTime": max(chunk.last for _, chunk in series) + 1,
            "stats": {
                "numSamples": sum(chunk.samples for _, chunk in series),
                "numSeries": len(series),
                "numChunks": len(series),
            },
            "compaction": {"level": 1, "sources": [ulid]},
            "version": 1,
        }
        (directory / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        directory.rename(data / ulid)

    def _runs(self, changes: Iterable[Change]) -> Iterator[_Run]:
        starts, numbers = [], []
        for start, number in changes:
            starts.append(start)
            numbers.append(number)
        floats = array("d", [0.0 if number is None else number for number in numbers])
        ends = (*starts[1:], len(self.times))
        for start, end, number, bits in zip(
            starts, ends, numbers, array("Q", floats.tobytes()), strict=False
        ):
            if number is not None and end > start:
                yield start, end, bits

    def _chunk(self, runs: Sequence[_Run]) -> _Chunk:
        times = self.times
        first, _, before = runs[0]
        data = bytearray(_varint(times[first]) + before.to_bytes(8, "big"))
        bits: list[str] = []
        last, interval, samples, without_gap = -1, 0, 0, 0
        for start, end, value in runs:
            if start != last + 1:
                without_gap = 0
            number, before = _number(value ^ before), value
            while start < end and without_gap < 2:
                longer = times[start] - times[last] - interval
                interval += longer
                if samples > 1:
                    bits += _interval(longer), number
                elif samples:
                    data += _uvarint(interval)
                    bits.append(number)
                last, number = start, _number(0)
                start, samples, without_gap = start + 1, samples + 1, without_gap + 1
            if start < end:
                bits += (
                    self._intervals[start],
                    number,
                    self._unchanged[self._places[start + 1] : self._places[end]],
                )
                last, interval = end - 1, times[end - 1] - times[end - 2]
                samples += end - start
        packed = "".join(bits)
        packed += "0" * (-len(packed) % 8)
        data += int(packed or "0", 2).to_bytes(len(packed) // 8, "big")
        encoded = bytes([_XOR]) + struct.pack(">H", samples) + data
        stored = _uvarint(len(encoded) - 1) + encoded + _checksum(encoded)
        return _Chunk(times[first], times[last], samples, stored)


def _index(series: Sequence[tuple[Labels, _Chunk]], references: Sequence[int]) -> bytes:
    """Return the index file: the series, their labels and where their samples are."""
    strings = sorted({text for labels, _ in series for pair in labels for text in pair})
    symbols = {text: number for number, text in enumerate(strings)}
    index = bytearray(struct.pack(">IB", 0xBAAAD700, 2))
    at_symbols = len(index)
    index += _section(struct.pack(">I", len(strings)) + b"".join(map(_text, strings)))
    at_series = len(index)
    postings: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for (labels, chunk), reference in zip(series, references, strict=True):
        index += bytes(-len(index) % 16)
        for pair in (("", ""), *labels):  # the empty pair lists every series
            postings[pair].append(len(index) // 16)
        entry = _uvarint(len(labels))
        for name, value in labels:
            entry += _uvarint(symbols[name]) + _uvarint(symbols[value])
        entry += _uvarint(1) + _varint(chunk.first)
        entry += _uvarint(chunk.last - chunk.first) + _uvarint(reference)
        index += _uvarint(len(entry)) + entry + _checksum(entry)
    index += bytes(-len(index) % 4)
    at_postings = len(index)
    offsets = bytearray(struct.pack(">I", len(postings)))
    for pair, listed in sorted(postings.items()):
        offsets += b"\x02" + b"".join(map(_text, pair)) + _uvarint(len(index))
        index += _section(struct.pack(f">{len(listed) + 1}I", len(listed), *listed))
    at_offsets = len(index)
    index += _section(offsets)
    # The two zeros are for sections that Prometheus no longer reads.
    contents = struct.pack(">6Q", at_symbols, at_series, 0, 0, at_postings, at_offsets)
    return bytes(index + contents + _checksum(contents))


def _section(content: bytes | bytearray) -> bytes:
    return struct.pack(">I", len(content)) + content + _checksum(content)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _uvarint(len(encoded)) + encoded


def _uvarint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _varint(number: int) -> bytes:
    return _uvarint(2 * number if number >= 0 else -2 * number - 1)


def _interval(difference: int) -> str:
    """Encode how much longer an interval is than the previous one, in milliseconds."""
    if difference == 0:
        return "0"
    size, prefix = next(
        each for each in _INTERVALS if -(1 << each[0] - 1) < difference <= 1 << each[0] - 1
    )
    return f"{prefix}{difference & (1 << size) - 1:0{size}b}"


def _number(difference: int) -> str:
    """Encode the bits in which a value differs from the previous one."""
    if difference == 0:
        return "0"
    leading = min(64 - difference.bit_length(), 31)
    trailing = (difference & -difference).bit_length() - 1
    size = 64 - leading - trailing
    prefix = (0b11 << 5 | leading) << 6 | size & 63
    return f"{prefix << size | difference >> trailing:b}"


def _checksum(content: bytes | bytearray) -> bytes:
    return crc32c(content).to_bytes(4, "big")


def _ulid(milliseconds: int) -> str:
    """Return a block name in Prometheus's form: a time and 80 random bits."""
    number = milliseconds << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
