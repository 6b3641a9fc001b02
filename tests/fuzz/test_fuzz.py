"""Each target on some hundred inputs, and on all that was ever found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.drawn import NUMBERS, Drawn
from tests.fuzz.found import FOUND
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Callable


@st.composite
def edited(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """Something good, a few bytes of which are others, gone, or twice there."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        data[start:end] = draw(
            st.one_of(st.binary(max_size=4), st.just(bytes(data[start:end]) * 2))
        )
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_any_input_is_dealt_with(name: str) -> None:
    @settings(max_examples=150, deadline=None)
    @given(st.one_of(st.binary(max_size=300), edited(seeds(name))))
    def dealt_with(data: bytes) -> None:
        TARGETS[name](data)

    dealt_with()


@pytest.mark.parametrize(("name", "data", "once"), FOUND, ids=[once for _, _, once in FOUND])
def test_what_was_found_is_mended(name: str, data: bytes, once: str) -> None:
    TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_are_good_ones(name: str) -> None:
    for seed in seeds(name):
        TARGETS[name](seed)


def fails(data: bytes) -> None:
    """A target with a fault."""
    if b"7" in data:
        raise KeyError("seven")


def test_a_fault_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    target: Callable[[bytes], None] = fails
    monkeypatch.setitem(TARGETS, "identifiers", target)
    with pytest.raises(KeyError):
        test_any_input_is_dealt_with("identifiers")


@given(st.binary(max_size=400))
def test_what_is_drawn_is_json(data: bytes) -> None:
    payload = Drawn(data).payload()
    assert json.dumps(payload)
    assert payload["success"] in (True, *NUMBERS) or "success" in payload
