"""Holdings as they are sent today are read by a shorter way, which comes to the same.

The longer way is taken by a holding with a field that nobody knows, and that says nothing.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.quantconnect.holdings import decode_holdings

if TYPE_CHECKING:
    from exporter.quantconnect.model import Holding, Problem

KEYS = st.sampled_from(
    [
        "AAPL R735QTJ8XC9X",
        "SPY XUERCY1BHRMU|SPY R735QTJ8XC9X",
        "BTCUSD 2XR",
        "no identifier",
        "É R735QTJ8XC9X",
        "\ud800 2XR",
    ]
)
NUMBERS: st.SearchStrategy[object] = (
    st.floats()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([0, 0.0, -0.0, 1e308, -1e308, 10**400, True, None, "1", [], math.nan])
)
GLYPHS = st.sampled_from(["$", "€", "", "\ud800", None, 7])
HOLDINGS = st.dictionaries(
    KEYS,
    st.fixed_dictionaries(
        {}, optional={**dict.fromkeys(("q", "a", "p", "r", "v", "u", "up"), NUMBERS), "c": GLYPHS}
    ),
    max_size=3,
)


def decoded(holdings: dict[str, dict[str, object]]) -> tuple[list[Holding], list[Problem]]:
    problems: list[Problem] = []
    return decode_holdings(holdings, 6, problems), problems


@given(HOLDINGS)
@example({"AAPL R735QTJ8XC9X": {"q": 1, "a": 2.5, "v": 1e308, "u": 1e308}})
@example({"AAPL R735QTJ8XC9X": {"v": 5.0}})
@example({"AAPL R735QTJ8XC9X": {"q": 0.0, "p": 5.0}})
def test_both_ways_come_to_the_same(holdings: dict[str, dict[str, object]]) -> None:
    longer = {key: {**holding, "unheard": None} for key, holding in holdings.items() if holding}
    # repr, for NaN is not equal to itself, and 0.0 is to -0.0.
    assert repr(decoded(holdings)) == repr(decoded(longer))


def test_what_is_sent_today() -> None:
    sent = (
        '{"AAPL R735QTJ8XC9X": {"a": 100.5, "q": -3, "p": 101, "v": -303, "u": -1.5, "up": -0.5}}'
    )
    ((holding,), problems) = decoded(json.loads(sent))
    assert problems == []
    assert (holding.symbol_id, holding.security_type) == ("AAPL R735QTJ8XC9X", "Equity")
    assert (holding.value, holding.currency_symbol) == ("", "$")
    assert (holding.quantity, holding.average_price, holding.market_price) == (-3, 100.5, 101)
    assert (holding.conversion_rate, holding.market_value) == (1, -303)
    assert (holding.unrealized_pnl, holding.unrealized_pnl_percent) == (-1.5, -0.5)
