"""gzip of a scrape, most of which was compressed before the scrape began.

Blocks of deflate that end on a byte, as a full flush makes them, may be put one behind the other,
and the checksum of the whole follows from those of the blocks. So large pieces are compressed once,
when they are rendered. Small pieces would lose most of their compression by not knowing each other:
a scrape compresses them together, and keeps the result for the next scrape that has the same ones.
isal compresses as well as zlib's level 1 in a third of the time.
"""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LEVEL: Final = 1  # more takes twice the time and saves a hundredth
_RAW_DEFLATE: Final = -15
# RFC 1952: magic, deflate, no flags, no time, fastest, unknown system.
_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LAST_BLOCK: Final = b"\x03\x00"  # an empty one
_MODULUS: Final = 2**32
# Bytes from which a piece alone is at most a quarter larger than as a part of the whole.
_LARGE: Final = 16 * 1024
# Bytes after which small pieces are compressed: more would save little, and be lost by one change.
_GROUP: Final = 64 * 1024


class Block(NamedTuple):
    """Deflate that ends on a byte; ``checksum`` (CRC-32) and ``length`` are the original's."""

    deflated: bytes
    checksum: int
    length: int

    @classmethod
    def of(cls, data: bytes) -> Block:
        """Compress the bytes."""
        compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW_DEFLATE)
        deflated = compressor.compress(data) + compressor.flush(isal_zlib.Z_FULL_FLUSH)
        return cls(deflated, isal_zlib.crc32(data), len(data))


class Piece(bytes):
    """A part of many scrapes: its bytes and, where they are many, their block."""

    block: Block | None

    def __new__(cls, data: bytes) -> Self:
        """Compress the bytes if they are many."""
        piece = super().__new__(cls, data)
        piece.block = Block.of(data) if len(data) >= _LARGE else None
        return piece


class Compressor:
    """Makes gzip of scrapes, from any thread; one scrape's small pieces are kept for the next."""

    def __init__(self) -> None:
        # By the identity of a group's first piece. Never changed, only replaced.
        self._kept: dict[int, tuple[Sequence[Piece], Block]] = {}

    def gzip(self, pieces: Iterable[Piece]) -> list[bytes]:
        """Return one gzip member with all the pieces, in parts that the next scrapes share."""
        kept, groups = self._kept, {}
        blocks: list[Block] = []
        for part in _grouped(pieces):
            if isinstance(part, Block):
                blocks.append(part)
                continue
            known = kept.get(id(part[0]))
            if known is None or len(known[0]) != len(part) or not all(map(is_, known[0], part)):
                known = part, Block.of(b"".join(part))
            groups[id(part[0])] = known
            blocks.append(known[1])
        self._kept = groups
        return _member(blocks)


def _grouped(pieces: Iterable[Piece]) -> Iterable[Block | Sequence[Piece]]:
    """The blocks of large pieces, and groups of the small ones between them."""
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if piece.block is None:
            group.append(piece)
            size += len(piece)
            if size < _GROUP:
                continue
        if group:
            yield group
            group, size = [], 0
        if piece.block is not None:
            yield piece.block
    if group:
        yield group


def _member(blocks: Sequence[Block]) -> list[bytes]:
    checksum = size = 0
    for block in blocks:
        checksum = isal_zlib.crc32_combine(checksum, block.checksum, block.length)
        size += block.length
    end = checksum.to_bytes(4, "little") + (size % _MODULUS).to_bytes(4, "little")
    return [_HEAD, *(block.deflated for block in blocks), _LAST_BLOCK + end]
