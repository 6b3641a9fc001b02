"""What is put together from compressed pieces is gzip, to every reader of it."""

from __future__ import annotations

import gzip as stdlib
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from exporter.exposition import Compressor, Piece

if TYPE_CHECKING:
    from collections.abc import Iterable

LINES = st.lists(st.binary(max_size=50) | st.binary(max_size=50).map(lambda each: each * 1000))
# Bytes of pieces: small ones, those about which a piece is compressed alone, and larger ones.
SIZES = (*range(0, 40_000, 4_000), 16_383, 16_384, 16_385, 60_000, 70_000, 200_000)


def gzip(pieces: Iterable[Piece]) -> bytes:
    return b"".join(Compressor().gzip(pieces))


@given(LINES)
def test_pieces_together_are_one_gzip_member(parts: list[bytes]) -> None:
    body = gzip(map(Piece, parts))
    whole = b"".join(parts)
    assert stdlib.decompress(body) == whole
    assert isal_zlib.decompress(body, wbits=31) == whole
    reader = zlib.decompressobj(wbits=31)
    assert reader.decompress(body) == whole
    assert reader.eof, "readers of one member only must not miss anything"
    assert reader.unused_data == b""


@given(LINES)
def test_no_time_is_in_it(parts: list[bytes]) -> None:
    assert gzip(map(Piece, parts)) == gzip(map(Piece, parts))


@given(st.binary())
def test_a_piece_is_its_bytes(data: bytes) -> None:
    assert Piece(data) == data
    assert b"".join([Piece(data), b"more"]) == data + b"more"


def test_a_damaged_answer_does_not_pass() -> None:
    body = bytearray(gzip([Piece(b"quantconnect_holdings 1.0\n")]))
    body[-8] ^= 1
    with pytest.raises(stdlib.BadGzipFile, match="CRC"):
        stdlib.decompress(bytes(body))


def test_lines_that_repeat_themselves_become_small() -> None:
    line = b'quantconnect_holding_quantity{project="p",symbol_id="AAPL R735QTJ8XC9X"} 1.0\n'
    assert len(gzip([Piece(line * 100), Piece(line * 100)])) < len(line) * 200 / 20


def lines(size: int, project: int = 1) -> bytes:
    """About so many bytes of an exposition."""
    some = (
        b'quantconnect_holding_quantity{account="main",project="p",project_id="%d",'
        b'symbol="S%d",symbol_id="S%d R735QTJ8XC9X"} %d.0\n' % (project, n, n, n * 37 % 1009)
        for n in range(size // 100)
    )
    return b"".join(some)


@pytest.mark.parametrize("size", SIZES)
def test_a_scrape_is_at_most_a_third_larger_than_gzips_level_1_makes_it(size: int) -> None:
    parts = [lines(size, project) for project in range(max(2, 400_000 // (size + 200)))]
    parts.append(b"quantconnect_exporter_build_info 1.0\n")
    whole = len(stdlib.compress(b"".join(parts), compresslevel=1))
    assert len(gzip(map(Piece, parts))) <= 1.3 * whole


@given(st.lists(st.sampled_from([Piece(lines(size)) for size in SIZES]), max_size=20))
def test_a_scrape_after_another_is_what_it_would_be_alone(pieces: list[Piece]) -> None:
    compressor = Compressor()
    first = compressor.gzip(pieces)
    for changed in (pieces, pieces[1:], pieces[::-1], [*pieces[:2], Piece(b"new"), *pieces[2:]]):
        assert compressor.gzip(changed) == Compressor().gzip(changed)
    assert compressor.gzip(pieces) == first


def test_what_a_scrape_shares_with_the_last_one_is_compressed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compressed: list[int] = []
    compress = isal_zlib.compressobj

    def counted(*arguments: int) -> object:
        compressed.append(1)
        return compress(*arguments)

    monkeypatch.setattr(isal_zlib, "compressobj", counted)
    pieces = [Piece(lines(10_000, project)) for project in range(70)]
    assert not compressed
    compressor = Compressor()
    compressor.gzip(pieces)
    groups = len(compressed)
    assert 8 <= groups <= 12
    compressor.gzip(pieces)
    assert len(compressed) == groups
    pieces[35] = Piece(lines(10_000, 35))
    compressor.gzip(pieces)
    assert len(compressed) == groups + 1
    pieces[35] = Piece(lines(40_000, 35))
    assert len(compressed) == groups + 2  # a large one at once, when it is rendered
