"""What is put together from compressed pieces is gzip, to every reader of it."""

from __future__ import annotations

import gzip as stdlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from exporter.exposition import Piece, gzip

LINES = st.lists(st.binary(max_size=50) | st.binary(max_size=50).map(lambda each: each * 1000))


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
