from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.fields import excerpt, finite, quoted, utf8


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_itself(value: float) -> None:
    assert finite(value) is value


@given(st.integers())
def test_an_integer_is_the_nearest_float(value: int) -> None:
    result = finite(value)
    try:
        expected: float | None = float(value)
    except OverflowError:
        expected = None
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 10**400, -(10**400), True, False, None, "1", "", [], {}, [1]],
)
def test_what_is_no_number(value: object) -> None:
    assert finite(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "boolean true"),
        (False, "boolean false"),
        (-5, "number -5"),
        (10**400, "number of 1329 bits"),
        (1.5, "number 1.5"),
        (math.nan, "number nan"),
        ("a\n€", r'string "a\n\u20ac"'),
        ([1, 2], "array of 2"),
        ({"token": "secret"}, "object of 1"),
        (b"", "bytes"),
    ],
)
def test_excerpts(value: object, expected: str) -> None:
    assert excerpt(value) == expected


@given(st.text())
def test_an_excerpt_of_a_text_is_bounded_ascii(text: str) -> None:
    found = quoted(text)
    assert found.isascii()
    assert found.isprintable()
    assert len(found) <= 2 + 61 * 12
    if len(text) <= 60:
        assert json.loads(found) == text


def test_a_long_text_is_cut() -> None:
    assert quoted("x" * 60) == '"' + "x" * 60 + '"'
    assert quoted("x" * 61) == '"' + "x" * 60 + '\\u2026"'


@given(st.text(st.characters(codec=None)))
def test_every_text_becomes_utf8(text: str) -> None:
    utf8(text).encode()
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert utf8(text) == text


def test_a_lone_surrogate_is_escaped() -> None:
    assert utf8("a\ud800€") == r"a\ud800€"
