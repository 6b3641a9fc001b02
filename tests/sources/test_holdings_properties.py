"""Every holding that an answer can have: three encodings, two ways to read, and never a sale."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.holdings import decode_holdings
from tests.sources.given import NUMBERS, SHORT, pascal
from tests.sources.test_holdings import AAPL, SPY, figures, holding, position

if TYPE_CHECKING:
    from exporter.quantconnect.fields import Problem
    from exporter.sources.holdings import Holding

Answer = dict[str, dict[str, object]]

KEYS = st.sampled_from(
    [AAPL, "SPY XUERCY1BHRMU|SPY R735QTJ8XC9X", "BTCUSD 2XR", "no identifier", "É 2T", "\ud800 2XR"]
)
FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300)
NUMBERS_SENT: st.SearchStrategy[object] = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 0.0, -0.0, 1e308, -1e308, 10**400, math.nan])
    | st.sampled_from([True, None, "1", "0", "-1.5e3", "", "x", []])
)
GLYPHS = st.sampled_from(["$", "€", "", "\ud800", None, 7])
TODAYS = st.fixed_dictionaries(
    {}, optional={**{SHORT[name]: NUMBERS_SENT for name in NUMBERS}, "c": GLYPHS}
)
JSON = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.floats(), st.integers(), st.just(10**400)),
        st.sampled_from([0, 1, -5.5, "3", "0"]),
        st.text(st.characters(codec=None), max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELD_NAMES = st.sampled_from(
    [*SHORT, *SHORT.values(), *map(pascal, SHORT), "symbol", "Type", "type", "amount", "new"]
)
ANY = st.dictionaries(FIELD_NAMES | st.text(max_size=3), JSON, max_size=6)


def decoded(holdings: Answer) -> tuple[list[Holding], list[Problem]]:
    problems: list[Problem] = []
    return decode_holdings(holdings, 6, problems), problems


@given(st.dictionaries(KEYS, TODAYS, max_size=3))
@example({AAPL: {"q": 1, "a": 2.5, "p": 2.5, "v": 1e308, "u": 1e308}})
@example({AAPL: {"q": None, "v": 5.0}})
@example({AAPL: {"q": 0.0, "p": 5.0}})
@example({AAPL: {"q": 5, "a": -0.0, "p": 5, "v": 25, "u": -0.0, "up": -0.0}})
@example({AAPL: {"q": 5, "a": 7, "p": 0, "u": 3}})
@example({AAPL: {"q": 5, "a": 7, "p": 6, "r": 0, "v": 3}})
def test_both_ways_to_read_come_to_the_same(holdings: Answer) -> None:
    """A null name of a symbol says nothing, but today's form never has one."""
    other_way = {key: {**raw, "symbol": None} for key, raw in holdings.items() if raw}
    # repr, for 0.0 is equal to -0.0.
    assert repr(decoded(holdings)) == repr(decoded(other_way))


POSITIONS = st.fixed_dictionaries(
    {"quantity": FINITE.filter(bool)},
    optional={name: FINITE for name in NUMBERS if name != "quantity"}
    | {"currencySymbol": st.text(max_size=3)},
)


@given(POSITIONS)
def test_the_three_encodings_say_the_same(raw: dict[str, Any]) -> None:
    defaults: dict[str, Any] = {**dict.fromkeys(NUMBERS, 0), "conversionRate": 1}
    defaults["currencySymbol"] = "$"
    spelled_out = defaults | raw | {"type": 1, "symbol": {"value": "", "id": AAPL}}
    encodings = [
        {SHORT[name]: value for name, value in raw.items() if value != defaults[name]},
        spelled_out,
        {pascal(name): value for name, value in spelled_out.items()},
    ]
    found = [holding(json.loads(json.dumps(each))) for each in encodings]
    assert found[0] == found[1] == found[2]
    read, problems = found[0]
    assert read is not None
    for name, value in figures(read).items():
        assert value in (None, float((defaults | raw)[name]))
    if None not in figures(read).values():
        assert problems == ()


@given(st.dictionaries(st.sampled_from(NUMBERS), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_and_its_string_say_the_same(raw: dict[str, float]) -> None:
    short = {SHORT[name]: value for name, value in raw.items()}
    assert holding({name: repr(value) for name, value in short.items()}) == holding(short)


def may_be_0(found: Holding) -> bool:
    return 0.0 in (found.quantity, found.market_price, found.conversion_rate)


@given(ANY)
@example({"q": 1000, "a": 120, "p": 130, "r": 0})
@example({"q": 1000, "a": 120, "p": 130})
@example({"q": 100, "a": 500, "u": -50001, "up": -100})
@example({"q": 100, "p": 500, "new": 0})
@example({"q": 100, "p": 500, "r": "x"})
def test_no_position_has_a_value_of_0_at_a_price_and_a_rate(raw: dict[str, object]) -> None:
    found, problems = holding(raw)
    if found is None:
        return
    assert found.market_value != 0.0 or may_be_0(found)
    if found.conversion_rate == 0.0:
        assert figures(found)["marketValue"] is figures(found)["unrealizedPnl"] is None
    if found.market_price == 0.0:  # AAPL is no option
        assert found.average_price == 0.0
    if None in figures(found).values() and found.conversion_rate != 0.0:
        assert problems


@given(ANY)
def test_only_what_says_that_it_is_flat_is_no_position(raw: dict[str, object]) -> None:
    found, problems = holding(raw)
    if found is not None:
        assert found.quantity != 0.0
        assert found.quantity is not None or problems
        return
    known = {name.lower(): name for name in SHORT} | {name: name for name in SHORT.values()}
    long = {short: name for name, short in SHORT.items()}
    sent = {
        long.get(known[name.lower()], known[name.lower()]): value
        for name, value in raw.items()
        if name.lower() in known and value is not None
    }
    if "quantity" not in sent:
        assert {name.lower() for name in raw} <= known.keys() | {"symbol", "type"}
        evidence = ("averagePrice", "marketValue", "unrealizedPnl", "unrealizedPnLPercent")
        assert all(float(str(sent.get(name, 0))) == 0 for name in evidence)
    else:
        quantities = [value for name, value in raw.items() if name.lower() in ("q", "quantity")]
        assert any(str(value).strip("-+") in ("0", "0.0") for value in quantities)


@given(POSITIONS, st.sets(st.sampled_from(NUMBERS), min_size=1), st.sampled_from(["x{}", "{}X"]))
def test_renamed_numbers_are_not_known_and_no_sale(
    raw: dict[str, Any], renamed: set[str], form: str
) -> None:
    """Whatever subset of the names changes, the position stays; what is not known is no number."""
    spelled = dict.fromkeys(NUMBERS, 1.5) | raw
    sent = {form.format(name) if name in renamed else name: v for name, v in spelled.items()}
    found, problems = position(sent)
    assert {name for name in renamed if figures(found)[name] is not None} == set()
    assert [problem.field for problem in problems if problem.field == "other"] == ["other"]


SECTIONS = st.one_of(
    JSON,
    st.dictionaries(
        st.sampled_from([AAPL, SPY, "ES 1S1", "USD"]) | st.text(max_size=10), ANY | JSON, max_size=4
    ),
)


@given(SECTIONS)
def test_no_answer_breaks_it_or_sells_what_is_held(sent: object) -> None:
    if not isinstance(sent, dict):
        return
    try:
        holdings, problems = decoded(sent)
    except ApiError as error:
        assert error.reason is Reason.MALFORMED  # noqa: PT017
        return
    numbers = [number for found in holdings for number in figures(found).values()]
    assert all(number is None or math.isfinite(number) for number in numbers)
    for found in holdings:
        (found.symbol_id + found.value + found.currency_symbol).encode()
    for problem in problems:
        assert (problem.where + problem.message).isascii()
        assert len(problem.where + problem.message) < 1000
    held = {
        key.encode("utf-8", "backslashreplace").decode()
        for key, raw in sent.items()
        if isinstance(raw, dict) and type(raw.get("q")) in (int, float) and raw["q"] != 0
    }
    assert held <= {found.symbol_id for found in holdings}
