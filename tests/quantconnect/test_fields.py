from __future__ import annotations

import json
import math
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    excerpt,
    finite,
    folded,
    is_empty,
    mapping,
    number,
    parse_timestamp,
    positive_integer,
    quoted,
    ratio,
    refuse_errors,
    sequence,
    text,
    timestamp,
    unknown_name,
    utf8,
)

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001

# --- Numbers --------------------------------------------------------------------------------------


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
    [math.nan, math.inf, -math.inf, 10**400, -(10**400), True, False, None, "", [], {}, [1]],
)
def test_what_is_no_number(value: object) -> None:
    assert finite(value) is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("10", 10.0),
        ("1000.50", 1000.5),
        ("-0.25", -0.25),
        ("+3", 3.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1.5E-05", 1.5e-05),
        ("-2.5e+2", -250.0),
        ("0" * 59 + "7", 7.0),
    ],
)
def test_a_decimal_string_is_a_number(sent: str, expected: float) -> None:
    assert finite(sent) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12))
def test_a_decimal_string_is_the_float_nearest_to_it(value: Decimal) -> None:
    if len(str(value)) <= 60:
        assert finite(str(value)) == float(value)


@pytest.mark.parametrize(
    "sent",
    [
        *("1,000.50", "1_000", "$5", "5 %", " 5", "5 ", "5\n", "0x10", "1e", "e5", ".", "-", "--5"),
        *("NaN", "Infinity", "inf", "1e999", "-1e400", "1e1000", "٣", "１", "0" * 60 + "7", "true"),
    ],
)
def test_any_other_string_is_no_number(sent: str) -> None:
    assert finite(sent) is None


@given(st.text())
def test_no_string_breaks_it(sent: str) -> None:
    found = finite(sent)
    assert found is None or math.isfinite(found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((7, 7), (10**400, 10**400), ("23456789", 23456789), ("007", 7)),
        *((0, None), (-5, None), (5.0, None), (True, None), (None, None), ([], None)),
        *(("", None), ("0", None), ("-5", None), ("5.0", None), (" 5", None), ("٣", None)),
        ("1" * 18, int("1" * 18)),
        ("1" * 19, None),
    ],
)
def test_positive_integers(value: object, expected: int | None) -> None:
    assert positive_integer(value) == expected


# --- Percentages ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (-1.98, -0.0198),
        (0.07, 0.0007),
        (1.1, 0.011),
        (18128.98, 181.2898),
        (100.0, 1.0),
        (-1.9801980198, -0.019801980198),
        (1e-7, 1e-9),
        (1e300, 1e298),
        (0.0, 0.0),
    ],
)
def test_the_decimal_point_moves(percent: float, expected: float) -> None:
    assert ratio(percent) == expected


@pytest.mark.parametrize("percent", [-0.0, -5e-324])
def test_there_is_no_minus_zero(percent: float) -> None:
    assert repr(ratio(percent)) == "0.0"


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2, allow_nan=False))
def test_two_decimals(sent: Decimal) -> None:
    assert ratio(float(sent)) == float(sent / 100)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(999_999_999.99)
@example(1e9)
def test_the_float_nearest_to_the_decimal(percent: float) -> None:
    """Of up to 17 digits, of which any float is made: those that write it the shortest."""
    found = ratio(percent)
    assert found == float(Decimal(repr(percent)) / 100)
    assert math.isclose(found, percent / 100, rel_tol=1e-15, abs_tol=5e-324)


# --- Dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-11-20 14:30:00", 1_795_185_000.0),
        ("2026-11-20T14:30:00", 1_795_185_000.0),
        ("2026-11-20T14:30:00Z", 1_795_185_000.0),
        ("2026-11-20T14:30:00.25Z", 1_795_185_000.25),
        ("2026-11-20T14:30:00.5000000Z", 1_795_185_000.5),
        ("2026-11-20T09:30:00-05:00", 1_795_185_000.0),
        ("2026-11-20T14:30:00.000+00:00", 1_795_185_000.0),
        ("1970-01-01 00:00:00", 0.0),
        ("", None),
        ("0001-01-01 00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_both_forms_of_a_date(sent: str, expected: float | None) -> None:
    assert parse_timestamp(sent) == expected


@given(MOMENTS)
def test_the_form_of_the_wire(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    assert parse_timestamp(whole.isoformat(sep=" ")) == whole.replace(tzinfo=UTC).timestamp()


@given(MOMENTS, st.integers(-23 * 60, 23 * 60))
def test_the_form_of_the_documentation(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_timestamp(aware.isoformat()) == pytest.approx(aware.timestamp(), abs=1e-5)


@pytest.mark.parametrize(
    "sent",
    [
        "2026-11-20",
        "20261120T143000Z",
        "2026-W47-5 14:30:00",
        "2026-13-20 14:30:00",
        "2026-02-29 14:30:00",
        "2026-11-20 24:00:01",
        "2026-11-20 14:30:60",
        "2026-11-20 14:30",
        "2026-11-20 14:30:00 ",
        "2026-11-20 14:30:00+99:00",
        "٢٠٢٦-11-20 14:30:00",
        "1795185000",
        "yesterday",
    ],
)
def test_what_is_no_date(sent: str) -> None:
    with pytest.raises(ValueError, match=r"^\".*\" is no date.*, expected 2026-01-02 03:04:05 or "):
        parse_timestamp(sent)


def test_the_message_says_how_a_date_is_written() -> None:
    with pytest.raises(ValueError, match=r'^"soon" is no date, expected 2026-01-02 03:04:05 or '):
        parse_timestamp("soon")


@given(st.text())
def test_nonsense_raises_nothing_but_a_value_error(sent: str) -> None:
    with suppress(ValueError):
        parse_timestamp(sent)


# --- Messages and texts ---------------------------------------------------------------------------


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
def test_an_excerpt_of_a_text_is_bounded_ascii(sent: str) -> None:
    found = quoted(sent)
    assert found.isascii()
    assert found.isprintable()
    assert len(found) <= 2 + 61 * 12
    if len(sent) <= 60:
        assert json.loads(found) == sent


def test_a_long_text_is_cut() -> None:
    assert quoted("x" * 60) == '"' + "x" * 60 + '"'
    assert quoted("x" * 61) == '"' + "x" * 60 + '\\u2026"'


@given(st.text(st.characters(codec=None)))
def test_every_text_becomes_utf8(sent: str) -> None:
    utf8(sent).encode()
    if not any("\ud800" <= c <= "\udfff" for c in sent):
        assert utf8(sent) == sent


def test_a_lone_surrogate_is_escaped() -> None:
    assert utf8("a\ud800€") == r"a\ud800€"


# --- Objects, lists and fields --------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_three_ways_to_write_nothing(nothing: object) -> None:
    assert is_empty(nothing)
    assert mapping(nothing, "live") == {}
    assert sequence(nothing, "live") == []


@pytest.mark.parametrize("something", [0, False, "", [0], {"": None}])
def test_anything_else_is_not_empty(something: object) -> None:
    assert not is_empty(something)


def test_objects_and_lists() -> None:
    assert mapping({"a": 1}, "live") == {"a": 1}
    assert sequence([1], "live") == [1]
    assert folded({"AveragePrice": 1, "averagePrice": 2}) == {"averageprice": 2}
    with pytest.raises(ApiError, match=r"^live: found array of 1, expected an object$") as caught:
        mapping([1], "live")
    assert caught.value.reason is Reason.MALFORMED
    with pytest.raises(ApiError, match=r"^live: found object of 1, expected an array$") as caught:
        sequence({"a": 1}, "live")
    assert caught.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("errors", "named"),
    [(["a", "b"], 'string "a"'), ("a", 'string "a"'), ([{}], "object of 0"), ({"a": 1}, "object")],
)
def test_errors_are_refused_where_nothing_else_was_sent(errors: object, named: str) -> None:
    with pytest.raises(ApiError, match=f"^live/list: nothing next to errors: {named}") as caught:
        refuse_errors({"errors": errors}, "live/list: nothing")
    assert caught.value.reason is Reason.API_ERROR
    refuse_errors({"errors": type(errors)()}, "live/list: nothing")
    refuse_errors({}, "live/list: nothing")


def test_fields_of_a_folded_object() -> None:
    raw = {"amount": "-0", "name": "Fünf \ud800", "launched": "2026-11-20 14:30:00", "none": None}
    problems: list[Problem] = []
    assert repr(number(raw, "Amount", "x", problems)) == "0.0"
    assert text(raw, "Name", "x", problems) == r"Fünf \ud800"
    assert timestamp(raw, "launched", "x", problems) == 1_795_185_000.0
    assert (number(raw, "none", "x", problems), number(raw, "absent", "x", problems)) == (None,) * 2
    assert (text(raw, "none", "x", problems), text(raw, "absent", "x", problems)) == ("", "")
    assert timestamp(raw, "absent", "x", problems) is None
    assert problems == []


def test_fields_that_cannot_be_read_are_problems() -> None:
    raw = {"amount": True, "name": 5, "launched": "soon"}
    problems: list[Problem] = []
    assert number(raw, "Amount", "x", problems) is None
    assert text(raw, "name", "x", problems) == ""
    assert timestamp(raw, "launched", "x", problems) is None
    assert timestamp({"launched": 5}, "launched", "x", problems) is None
    assert problems == [
        Problem("Amount", "x", "found boolean true, expected a finite number"),
        Problem("name", "x", "found number 5, expected a string"),
        Problem(
            "launched",
            "x",
            '"soon" is no date, expected 2026-01-02 03:04:05 or 2026-01-02T03:04:05Z',
        ),
        Problem("launched", "x", "found number 5, expected a string"),
    ]


def test_a_name_that_is_not_known() -> None:
    assert unknown_name("qty\n", "x", ["quantity", "averagePrice"]) == Problem(
        "other",
        "x",
        r'found the name "qty\n", expected a known one; missing: quantity, averagePrice',
    )
