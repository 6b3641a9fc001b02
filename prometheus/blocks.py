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
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
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

    def __post_init__(self) -> None:
        if len(self.times) > _MOST_SAMPLES:
            raise ValueError(f"{len(self.times)} times are more than a chunk takes")
        intervals = [after - before for before, after in pairwise(self.times)]
        # The indices at which another interval begins.
        self._turns = [i + 1 for i, (a, b) in enumerate(pairwise(intervals), 1) if a != b]

    def add(self, labels: Labels, changes: Iterable[Change]) -> None:
        """Add a series; a series without samples is left out.

        ``changes`` are in the order of their indices.
        """
        runs = tuple(self._runs(changes))
        if not runs:
            return
        if runs not in self._made:
            self._made[runs] = self._chunk(runs)
        self._chunks[labels] = self._made[runs]

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
        first = times[runs[0][0]]
        before = runs[0][2]
        data = bytearray(_varint(first) + before.to_bytes(8, "big"))
        bits: list[str] = []
        last, interval, samples = first, None, 0
        for start, end, value in runs:
            index = start
            while index < end:
                time = times[index]
                if interval is not None:
                    bits += _interval(time - last - interval), _number(value ^ before)
                    interval = time - last
                elif samples:
                    interval = time - last
                    data += _uvarint(interval)
                    bits.append(_number(value ^ before))
                before, last = value, time
                index, samples = index + 1, samples + 1
                # Without a change of value or interval, a sample takes two bits.
                turn = bisect_right(self._turns, index)
                row = min(end, self._turns[turn] if turn < len(self._turns) else end)
                if index < row and times[index] - last == interval:
                    bits.append("00" * (row - index))
                    samples += row - index
                    index, last = row, times[row - 1]
        packed = "".join(bits)
        packed += "0" * (-len(packed) % 8)
        data += int(packed or "0", 2).to_bytes(len(packed) // 8, "big")
        encoded = bytes([_XOR]) + struct.pack(">H", samples) + data
        stored = _uvarint(len(encoded) - 1) + encoded + _checksum(encoded)
        return _Chunk(first, last, samples, stored)


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
    return f"11{leading:05b}{size & 63:06b}{difference >> trailing:0{size}b}"


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


_CASTAGNOLI = tuple(map(_remainder, range(256)))


def _checksum(content: bytes | bytearray) -> bytes:
    """Return the CRC-32C, which the standard library lacks."""
    crc, table = 0xFFFFFFFF, _CASTAGNOLI
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big")


def _ulid(milliseconds: int) -> str:
    """Return a block name in Prometheus's form: a time and 80 random bits."""
    number = milliseconds << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
