"""Durations are read and written as Prometheus reads and writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.duration import format_duration, parse_duration

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("324ms", 0.324),
        ("3s", 3),
        ("5m", 300),
        ("1h", 3600),
        ("4d", 4 * DAY),
        ("4d1h", 4 * DAY + 3600),
        ("14d", 14 * DAY),
        ("3w", 21 * DAY),
        ("3w2d1h", 23 * DAY + 3600),
        ("10y", 3650 * DAY),
        ("1h30m", 5400),
        ("90m", 5400),
        ("1m30s500ms", 90.5),
        ("007s", 7),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "30",
        "1y1m1d",
        "-1w",
        "1.5d",
        "d",
        "1 m",
        "1m ",
        "1M",
        "1µs",
        "٣s",
        "s" * 99,
        "1h1h",
    ],
)
def test_what_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(it has no unit)?$"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["300y", "9223372036855000000ms", "9" * 60 + "y"])
def test_a_duration_that_prometheus_can_not_hold(text: str) -> None:
    with pytest.raises(ValueError, match="longer than 292 years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.324, "324ms"),
        (60, "1m"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (7 * DAY, "1w"),
        (8 * DAY, "8d"),
        (90 * DAY, "90d"),
        (365 * DAY, "1y"),
        (23 * DAY + 3600, "23d1h"),
    ],
)
def test_a_duration_is_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=(2**63 - 1) // 1_000_000))
def test_what_is_written_reads_the_same(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000


@given(st.text(alphabet="0123456789ywdhms", max_size=12))
def test_what_is_read_writes_to_an_equal(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(format_duration(seconds)) == seconds
