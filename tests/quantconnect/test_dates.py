from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.dates import parse_timestamp

MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_both_forms(text: str, expected: float | None) -> None:
    assert parse_timestamp(text) == expected


@given(MOMENTS)
def test_the_form_of_the_wire(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    text = whole.isoformat(sep=" ")
    assert parse_timestamp(text) == whole.replace(tzinfo=UTC).timestamp()


@given(MOMENTS, st.integers(-23 * 60, 23 * 60))
def test_the_form_of_the_documentation(moment: datetime, minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_timestamp(aware.isoformat()) == pytest.approx(aware.timestamp(), abs=1e-5)


@pytest.mark.parametrize(
    "text",
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
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)


def test_the_message_says_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r'^"soon" is no date, expected 2026-01-02 03:04:05 or '):
        parse_timestamp("soon")


@given(st.text())
def test_nonsense_never_raises_anything_else(text: str) -> None:
    with suppress(ValueError):
        parse_timestamp(text)
