"""How one holding is read, in all its spellings, and what is published of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from exporter.quantconnect.fields import Problem
from exporter.quantconnect.symbols import parse_identifier
from exporter.sources.portfolio import decode_portfolio
from tests.sources.given import (
    ENCODINGS,
    NUMBERS,
    ROW,
    SHORT,
    A,
    P,
    answer_of,
    pascal,
    published_portfolio,
    spelled,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.metrics.table import Row
    from exporter.sources.holdings import Holding

AAPL, SPY = "AAPL R735QTJ8XC9X", "SPY R735QTJ8XC9X"
OPTION = "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X"
OF_AAPL = 'holdings["AAPL R735QTJ8XC9X"]'
WHOLE: dict[str, object] = {"q": 10, "a": 100, "p": 105, "v": 1050, "u": 49, "up": 4.9}
SPELLINGS: list[Callable[[str], str]] = [lambda name: SHORT[name], str, pascal, str.lower]


def holding(raw: object, key: str = AAPL) -> tuple[Holding | None, tuple[Problem, ...]]:
    """How one holding is read next to another that is in order."""
    portfolio = decode_portfolio(answer_of({key: raw, SPY: {"q": 1}}), max_holdings=10)
    assert portfolio.holdings[-1].symbol_id == SPY
    assert len(portfolio.holdings) <= 2
    return (portfolio.holdings[0] if len(portfolio.holdings) == 2 else None), portfolio.problems


def position(raw: object, key: str = AAPL) -> tuple[Holding, tuple[Problem, ...]]:
    found, problems = holding(raw, key)
    assert found is not None
    return found, problems


def figures(found: Holding) -> dict[str, float | None]:
    return {
        "quantity": found.quantity,
        "averagePrice": found.average_price,
        "marketPrice": found.market_price,
        "conversionRate": found.conversion_rate,
        "marketValue": found.market_value,
        "unrealizedPnl": found.unrealized_pnl,
        "unrealizedPnLPercent": found.unrealized_pnl_percent,
    }


def unknown(found: Holding) -> list[str]:
    """The numbers that are not known."""
    return [name for name, value in figures(found).items() if value is None]


# --- Numbers and their spellings ------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        {},
        [],
        {"q": 0},
        {"q": "0"},
        {"q": -0.0},
        {"q": 0, "v": 5},
        {"q": 0, "unheard": 5},
        {"p": 183.25},
        {"q": None, "a": None},
        {"c": "€", "r": 1.27},
        {"symbol": {"value": "AAPL"}, "type": 1},
        {"symbol": {"value": "AAPL"}, "type": 1, "quantity": 0, "conversionRate": 1},
    ],
)
def test_a_flat_security_is_no_position(raw: object) -> None:
    assert holding(raw) == (None, ())


@pytest.mark.parametrize("blank", [{}, dict.fromkeys(SHORT.values())])
def test_what_is_omitted_has_its_default(blank: dict[str, object]) -> None:
    found, problems = position(blank | {"q": 2})
    assert figures(found) == dict.fromkeys(NUMBERS, 0.0) | {"quantity": 2.0, "conversionRate": 1.0}
    assert (found.currency_symbol, found.value, found.security_type) == ("$", "", "Equity")
    assert problems == ()


@pytest.mark.parametrize(
    ("value", "excerpt"),
    [
        ("12,5", 'string "12,5"'),
        ("", 'string ""'),
        (True, "boolean true"),
        (False, "boolean false"),
        (math.nan, "number nan"),
        (-math.inf, "number -inf"),
        (10**400, "number of 1329 bits"),
        ([], "array of 0"),
        ({"value": 1}, "object of 1"),
    ],
)
@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_that_is_none_is_left_out(
    field: str, spelling: Callable[[str], str], value: object, excerpt: str
) -> None:
    good = {"quantity": 3, "marketPrice": 4.5, "marketValue": 13.5, "conversionRate": 1.5}
    raw = {spelling(name): number for name, number in (good | {field: value}).items()}
    found, problems = position(raw)
    assert figures(found) == dict.fromkeys(NUMBERS, 0.0) | good | {field: None}
    assert problems == (Problem(field, OF_AAPL, f"found {excerpt}, expected a finite number"),)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_decimal_strings_are_numbers(spelling: Callable[[str], str]) -> None:
    sent = {
        "quantity": "10",
        "averagePrice": "500.50",
        "marketPrice": "5.1e2",
        "marketValue": "5100",
    }
    sent |= {"unrealizedPnl": "-.25", "unrealizedPnLPercent": "1.98", "conversionRate": "1"}
    found, problems = position({spelling(name): value for name, value in sent.items()})
    assert figures(found) == {name: float(value) for name, value in sent.items()}
    assert problems == ()


def test_todays_spelling_counts_where_both_are_sent() -> None:
    short = {"q": 1, "up": 1.5}
    long = {"quantity": 2, "unrealizedPnLPercent": 2.5, "Q": None}
    for raw in (short | long, long | short):
        found, problems = position(raw)
        assert (found.quantity, found.unrealized_pnl_percent) == (1.0, 1.5)
        assert problems == ()


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("field", [name for name in NUMBERS if name != "quantity"])
def test_there_is_no_minus_zero(field: str, spelling: Callable[[str], str]) -> None:
    found, _ = position({spelling(name): 1 for name in NUMBERS} | {spelling(field): -0.0})
    assert "-0.0" not in repr(found)


# --- Names that are not known ---------------------------------------------------------------------


def named(name: str, missing: list[str]) -> Problem:
    message = f'found the name "{name}", expected a known one; missing: {", ".join(missing)}'
    return Problem("other", OF_AAPL, message)


@pytest.mark.parametrize("new", [{"zz": "?"}, {"expiry": {}}, {"": None}, {"zz": 1, "yy": 2}])
def test_a_new_name_next_to_every_known_number_changes_nothing(new: dict[str, object]) -> None:
    known = WHOLE | {"r": 1}
    assert holding(known | new) == holding(known)


@pytest.mark.parametrize(
    ("raw", "name", "missing"),
    [
        ({"q": 10, "r": 1, "px": 460}, "px", [1, 2, 4, 5, 6]),
        ({"q": 10, "p": 460, "mv": 4600, "zz": 1}, "mv", [1, 3, 4, 5, 6]),
        ({"quantity": -10, "marketPrice": 4, "Value": 40}, "Value", [1, 3, 4, 5, 6]),
        (WHOLE | {"zz": 1}, "zz", [3]),
        (WHOLE | {"r": 1, "q": None, "qty": 10}, "qty", [0]),
        (WHOLE | {"r": 1, "a": None, "avg": 100}, "avg", [1]),
        (WHOLE | {"r": 1, "p": None, "px": 105}, "px", [2]),
        (WHOLE | {"r": None, "rate": 1.1}, "rate", [3]),
        (WHOLE | {"r": 1, "v": None, "mv": 1050}, "mv", [4]),
        (WHOLE | {"r": 1, "u": None, "upl": 49}, "upl", [5]),
        (WHOLE | {"r": 1, "up": None, "pct": 4.9}, "pct", [6]),
        ({"p": 183.25, "unheard": 1}, "unheard", [0, 1, 3, 4, 5, 6]),
        ({"qty": 10, "p": 7, "v": -100.5}, "qty", [0, 1, 3, 5, 6]),
    ],
)
def test_a_missing_number_next_to_a_new_name_is_not_known(
    raw: dict[str, object], name: str, missing: list[int]
) -> None:
    found, problems = position(raw)
    fields = [NUMBERS[index] for index in missing]
    assert unknown(found) == fields
    assert problems == (named(name, fields),)


def test_without_price_and_value_there_is_no_profit_or_loss() -> None:
    """A restored position sends -100 % until it has a price, whatever else is new."""
    found, problems = position({"a": 500, "q": 100, "r": 1, "u": -50001, "up": -100, "zz": 1})
    assert unknown(found) == [
        *("marketPrice", "marketValue", "unrealizedPnl", "unrealizedPnLPercent"),
    ]
    assert problems == (named("zz", ["marketPrice", "marketValue"]),)


@pytest.mark.parametrize(
    "raw",
    [
        {"m": 10},
        {"qty": 10, "px": 3, "mv": 30},
        {"": None},
        {"holding": {"q": 10}},
        {"q": None, "qty": 10},
        {"units": 10, "symbol": {"value": "AAPL"}, "type": 1},
    ],
)
def test_all_under_new_names_is_no_sale(raw: dict[str, object]) -> None:
    found, problems = position(raw)
    assert figures(found) == dict.fromkeys(NUMBERS)
    assert found.currency_symbol == ""
    assert (found.security, found.security_type) == (parse_identifier(AAPL), "Equity")
    name = next(name for name in raw if name != "q")
    assert problems == (named(name, NUMBERS),)


def test_all_under_new_names_and_no_identifier() -> None:
    found, problems = position({"qty": 10}, "nonsense")
    assert (found.symbol_id, found.security, found.security_type) == ("nonsense", None, "unknown")
    assert [problem.field for problem in problems] == ["other", "symbol"]


@pytest.mark.parametrize(
    "evidence",
    [
        *({"v": -100.5}, {"u": 3}, {"up": -0.5}, {"a": 5}, {"v": "12.5"}),
        *({"v": "?"}, {"u": [1]}, {"up": True}, {"a": "5,5"}),
    ],
)
@pytest.mark.parametrize("quantity", [{}, {"q": None}])
def test_a_missing_quantity_next_to_a_value_is_no_sale(
    evidence: dict[str, object], quantity: dict[str, object]
) -> None:
    found, problems = position({"p": 7} | quantity | evidence)
    assert found.quantity is None
    assert found.market_price == 7.0
    message = "missing next to an average price, value or P/L that is not 0, expected a number"
    assert Problem("quantity", OF_AAPL, message) in problems


@pytest.mark.parametrize("raw", ["sold", 5, True, None, [{"q": 1}]])
def test_what_is_no_holding_is_left_out(raw: object) -> None:
    found, problems = holding(raw)
    assert found is None
    assert [(problem.field, problem.where) for problem in problems] == [("other", OF_AAPL)]


# --- What cannot be -------------------------------------------------------------------------------

NO_PRICE = Problem(
    "marketPrice", OF_AAPL, "missing or 0 next to an average price, expected a price"
)
NO_VALUE = Problem(
    "marketValue",
    OF_AAPL,
    "missing or 0 next to a quantity, a price and a rate, expected a value",
)
COMPUTED = ["marketValue", "unrealizedPnl", "unrealizedPnLPercent"]


@pytest.mark.parametrize(
    ("raw", "missing", "problems"),
    [
        ({"q": 10, "a": 5, "p": 6, "r": 0}, COMPUTED, ()),
        ({"q": 10, "a": 5, "p": 6, "r": "0", "v": 60, "u": 1, "up": 1}, COMPUTED, ()),
        ({"q": 10, "a": 5, "r": 0}, ["marketPrice", *COMPUTED], (NO_PRICE,)),
        ({"q": 10, "a": 5, "u": -51, "up": -100}, ["marketPrice", *COMPUTED], (NO_PRICE,)),
        ({"q": -10, "a": 5, "p": 0, "u": 49, "up": 100}, ["marketPrice", *COMPUTED], (NO_PRICE,)),
        ({"q": 10, "a": 5, "v": 50, "u": 1, "up": 2}, ["marketPrice"], (NO_PRICE,)),
        ({"q": 10, "p": 460}, ["marketValue"], (NO_VALUE,)),
        ({"q": 10, "p": 460, "v": 0, "u": 3, "up": 1}, ["marketValue"], (NO_VALUE,)),
        ({"q": 10, "v": 460, "p": 46}, [], ()),
        ({"q": 10, "v": 460}, [], ()),
    ],
)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_number_that_lean_does_not_know_is_not_0(
    raw: dict[str, object], missing: list[str], problems: tuple[Problem, ...], encoding: str
) -> None:
    answer = spelled(answer_of({AAPL: raw}), encoding)
    portfolio = decode_portfolio(answer, max_holdings=1)
    assert unknown(portfolio.holdings[0]) == missing
    assert portfolio.problems == problems


@pytest.mark.parametrize(
    "key",
    [OPTION, "ES 31C3JQS9DCF1G|ES XCZJLC9NOB29"],
)
def test_an_option_can_be_worth_0(key: str) -> None:
    found, problems = position({"a": 5, "q": 2, "u": -1001, "up": -100}, key)
    assert figures(found) == {
        "quantity": 2,
        "averagePrice": 5,
        "marketPrice": 0,
        "conversionRate": 1,
        "marketValue": 0,
        "unrealizedPnl": -1001,
        "unrealizedPnLPercent": -100,
    }
    assert problems == ()


def test_an_option_that_has_a_price_is_worth_something() -> None:
    found, problems = position({"a": 5, "q": 2, "p": 3}, OPTION)
    assert unknown(found) == ["marketValue"]
    assert [problem.field for problem in problems] == ["marketValue"]


# --- What a position is of ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (None, "unknown"),
        (0, "Base"),
        (11, "CryptoFuture"),
        (77, "unknown(77)"),
        ("FutureOption", "FutureOption"),
        ("equity", "Equity"),
    ],
)
def test_the_type_that_was_sent_where_the_key_has_none(sent: object, expected: str) -> None:
    found, problems = position({"quantity": 1, "type": sent}, "nonsense")
    assert (found.security, found.security_type) == (None, expected)
    message = '"nonsense": "nonsense" is not a ticker and a number'
    assert problems == (Problem("symbol", 'holdings["nonsense"]', message),)


@pytest.mark.parametrize("sent", [-1, 100, 1.5, True, "Stonk", []])
def test_a_type_that_is_none(sent: object) -> None:
    found, problems = position({"quantity": 1, "type": sent}, "nonsense")
    assert found.security_type == "unknown"
    assert [problem.field for problem in problems] == ["symbol", "type"]


def test_the_key_counts_before_the_type() -> None:
    found, problems = position({"quantity": 1, "type": 0})
    assert found.security_type == "Equity"
    assert problems == ()


@pytest.mark.parametrize("symbol", [{}, [], None, {"id": AAPL}, {"value": ""}])
def test_a_symbol_without_a_value(symbol: object) -> None:
    found, problems = position({"quantity": 1, "symbol": symbol})
    assert found.value == ""
    assert problems == ()


@pytest.mark.parametrize("symbol", ["AAPL", 5, [1], {"value": 5}, {"value": None}])
def test_a_symbol_that_is_none(symbol: object) -> None:
    found, problems = position({"quantity": 1, "symbol": symbol})
    assert found.value == ""
    assert [problem.field for problem in problems] == ["symbol"]


def test_a_currency_symbol_that_is_none() -> None:
    found, problems = position({"q": 1, "c": 5})
    assert found.currency_symbol == ""
    message = "found number 5, expected a string"
    assert problems == (Problem("currencySymbol", OF_AAPL, message),)


@pytest.mark.parametrize(
    ("key", "strike_scale"),
    [("AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X", 4), (OPTION, 6)],
)
def test_the_strike_scale(key: str, strike_scale: int) -> None:
    raw = {"q": 1, "a": 2, "p": 3, "v": 300}
    answer = answer_of({key: raw, f" {key}": raw})
    portfolio = decode_portfolio(answer, max_holdings=2, strike_scale=strike_scale)
    assert [found.security for found in portfolio.holdings] == [
        parse_identifier(key, strike_scale),
    ] * 2


def test_every_text_can_be_encoded() -> None:
    raw = {"q": 1, "c": "\udfff", "symbol": {"value": "\ud800"}}
    found, _ = position(raw, "A\ud800 2T")
    texts = (found.symbol_id, found.value, found.currency_symbol)
    assert texts == (r"A\ud800 2T", r"\ud800", r"\udfff")


# --- What is published ----------------------------------------------------------------------------


def samples_of(
    raw: Mapping[str, object], key: str = SPY, row: Row = ROW, *, strike_scale: int = 6
) -> dict[str, str]:
    """The samples of one position, number or labels by family."""
    result = {}
    for line in published_portfolio(answer_of({key: raw}, {}), row, strike_scale=strike_scale):
        name, _, rest = line.removeprefix("quantconnect_").partition("{")
        labels, _, value = rest.rpartition("} ")
        result[name] = labels if name == "holding_info" else value
    return result


def test_defaults_are_published() -> None:
    assert samples_of({"q": 1}) == {
        "holdings": "1.0",
        "holdings_in_session": "0.0",
        "holding_quantity": "1.0",
        "holding_average_price": "0.0",
        "holding_market_price": "0.0",
        "holding_conversion_rate": "1.0",
        "holding_market_value": "0.0",
        "holding_unrealized_pnl": "0.0",
        "holding_unrealized_pnl_ratio": "0.0",
        "holding_info": (
            f'{A},currency_symbol="$",market="usa",option_right="",{P},security_type="Equity",'
            'strike="",symbol="SPY",symbol_id="SPY R735QTJ8XC9X",underlying=""'
        ),
    }


def test_a_field_that_cannot_be_read_is_no_sample_and_the_rest_stands() -> None:
    lines = samples_of({"q": 1, "p": "much", "v": math.nan, "u": [], "a": 12.5})
    assert "holding_market_price" not in lines
    assert "holding_market_value" not in lines
    assert "holding_unrealized_pnl" not in lines
    assert (lines["holding_average_price"], lines["holding_quantity"]) == ("12.5", "1.0")


def test_a_quantity_that_is_not_known_is_no_sample_and_the_position_stands() -> None:
    lines = samples_of({"a": 2, "p": 3, "v": 300, "r": 1, "u": 1, "up": 1, "qty": 100})
    assert "holding_quantity" not in lines
    assert (lines["holdings"], lines["holding_market_value"]) == ("1.0", "300.0")
    assert "holding_info" in lines


def test_a_position_of_nothing_is_none() -> None:
    assert samples_of({"q": 0, "a": 1, "p": 2}) == {"holdings": "0.0", "holdings_in_session": "0.0"}


def test_numbers_go_through_exactly() -> None:
    raw = {"q": 1e-8, "a": 183.28999999999999, "p": 123456789.123456789, "v": -0.1, "u": 2**53 + 1}
    lines = samples_of(raw, "BTCUSD 2XR")
    assert float(lines["holding_quantity"]) == 1e-8
    assert float(lines["holding_average_price"]) == 183.28999999999999
    assert float(lines["holding_market_price"]) == 123456789.123456789
    assert float(lines["holding_market_value"]) == -0.1
    assert float(lines["holding_unrealized_pnl"]) == float(2**53 + 1)


AAPL_PUT = (
    f'option_right="put",{P},security_type="Option",strike="100",symbol="AAPL 2020-05-21 P 100"'
)


@pytest.mark.parametrize(
    ("key", "strike_scale", "expiry", "labels"),
    [
        (  # 2020-05-21 00:00 UTC
            *(OPTION, 6, 1590019200.0),
            f'market="usa",{AAPL_PUT},symbol_id="{OPTION}",underlying="AAPL"',
        ),
        (
            *("AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X", 4, 1590019200.0),
            (
                f'market="usa",{AAPL_PUT},symbol_id="AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X",'
                'underlying="AAPL"'
            ),
        ),
        (  # 2020-03-20 00:00 UTC
            *("ES 31C3JQS9DCF1G|ES XCZJLC9NOB29", 6, 1584662400.0),
            (
                f'market="cme",option_right="put",{P},security_type="FutureOption",strike="3000",'
                'symbol="ES 2020-03-20 P 3000",symbol_id="ES 31C3JQS9DCF1G|ES XCZJLC9NOB29",'
                'underlying="ES 2020-03-20"'
            ),
        ),
    ],
)
def test_a_derivative(key: str, strike_scale: int, expiry: float, labels: str) -> None:
    lines = samples_of({"q": 1}, key, strike_scale=strike_scale)
    assert float(lines["holding_expiry_timestamp_seconds"]) == expiry
    assert lines["holding_info"] == f'{A},currency_symbol="$",{labels}'


def test_a_key_that_cannot_be_decoded_is_its_own_symbol() -> None:
    lines = samples_of({"q": 2}, "what is this?")
    assert lines["holding_quantity"] == "2.0"
    assert 'symbol="what is this?",symbol_id="what is this?",underlying=""' in lines["holding_info"]
    assert 'market="",option_right=""' in lines["holding_info"]
    lines = samples_of({"quantity": 2, "symbol": {"value": "This"}}, "what is this?")
    assert 'symbol="This",symbol_id="what is this?",underlying=""' in lines["holding_info"]


def test_todays_tickers() -> None:
    assert 'symbol="META"' in samples_of({"q": 1}, "FB V6OIPNZEM8V9")["holding_info"]
