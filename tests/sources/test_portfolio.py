"""Whole answers of live/portfolio/read, the cash book, and what is published of both."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.table import Row
from exporter.quantconnect.client import Endpoint
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import Problem
from exporter.quantconnect.symbols import Security, parse_identifier
from exporter.sources.holdings import Holding
from exporter.sources.portfolio import (
    PORTFOLIO,
    Cash,
    Portfolio,
    account_currencies,
    decode_portfolio,
)
from exporter.sources.source import Known
from tests.sources.given import (
    CONFIG,
    DATA,
    ENCODINGS,
    PROJECT,
    USD,
    A,
    P,
    answer_of,
    published_portfolio,
    sample,
    spelled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

AAPL, SPY = "AAPL R735QTJ8XC9X", "SPY R735QTJ8XC9X"


def decode(payload: Mapping[str, object], max_holdings: int = 10_000) -> Portfolio:
    return decode_portfolio(payload, max_holdings=max_holdings)


# --- Samples --------------------------------------------------------------------------------------


def test_full_names() -> None:
    assert decode(sample("portfolio_long.json")) == Portfolio(
        holdings=(
            Holding(
                symbol_id=AAPL,
                value="AAPL",
                security=Security(ticker="AAPL", security_type="Equity", market="usa"),
                security_type="Equity",
                currency_symbol="$",
                quantity=1.0,
                average_price=1.0,
                market_price=183.28999999999999,
                conversion_rate=1.0,
                market_value=183.28977991799999,
                unrealized_pnl=181.28999999999999,
                unrealized_pnl_percent=18128.98,
            ),
        ),
        cash=(
            Cash(
                currency="USD",
                currency_symbol="$",
                amount=100000.0,
                conversion_rate=1.0,
                value=100000.0,
                has_conversion_securities=False,
            ),
        ),
        problems=(),
    )


def test_short_names() -> None:
    portfolio = decode(sample("portfolio_short.json"))
    assert portfolio.problems == ()
    # QQQ is flat
    assert [found.symbol_id for found in portfolio.holdings] == [
        SPY,
        "BTCUSD 2XR",
        "EURGBP 8G",
        "ES XCZJLC9NOB29",
    ]
    assert portfolio.holdings[0] == Holding(
        symbol_id=SPY,
        value="",
        security=Security(ticker="SPY", security_type="Equity", market="usa"),
        security_type="Equity",
        currency_symbol="$",
        quantity=10.0,
        average_price=10.1,
        market_price=10.0,
        conversion_rate=1.0,
        market_value=100.0,
        unrealized_pnl=-2.0,
        unrealized_pnl_percent=-1.98,
    )
    assert portfolio.holdings[2] == Holding(
        symbol_id="EURGBP 8G",
        value="",
        security=Security(ticker="EURGBP", security_type="Forex", market="oanda"),
        security_type="Forex",
        currency_symbol="₤",
        quantity=-1000.0,
        average_price=0.85,
        market_price=0.86,
        conversion_rate=1.27,
        market_value=-1092.2,
        unrealized_pnl=-12.7,
        unrealized_pnl_percent=-1.18,
    )
    future = portfolio.holdings[3].security
    assert future is not None
    assert (future.security_type, future.expiry) == ("Future", date(2020, 3, 20))
    assert portfolio.cash == (
        Cash(
            currency="USD",
            currency_symbol="$",
            amount=100000.5,
            conversion_rate=1.0,
            value=100000.5,
            has_conversion_securities=False,
        ),
        Cash(
            currency="GBP",
            currency_symbol="₤",
            amount=-150.0,
            conversion_rate=1.27,
            value=-190.5,
            has_conversion_securities=True,
        ),
    )


def test_capitalised_names() -> None:
    payload: dict[str, object] = {
        "Portfolio": {
            "Holdings": {
                "FB V6OIPNZEM8V9": {
                    "Symbol": {"Value": "META", "ID": "FB V6OIPNZEM8V9", "Permtick": "META"},
                    "Type": 1,
                    "CurrencySymbol": "$",
                    "AveragePrice": 310.5,
                    "Quantity": -3,
                    "MarketPrice": 300.25,
                    "ConversionRate": None,
                    "MarketValue": -900.75,
                    "UnrealizedPnl": 29.75,
                    "UnrealizedPnLPercent": 3.19,
                }
            },
            "Cash": {
                "EUR": {
                    "SecuritySymbol": {"Value": "", "ID": " 0", "Permtick": ""},
                    "Symbol": "EUR",
                    "Amount": 5.25,
                    "ConversionRate": 1.0,
                    "CurrencySymbol": "€",
                    "ValueInAccountCurrency": 5.25,
                },
                "USD": {
                    "SecuritySymbol": {"Value": "EURUSD", "ID": "EURUSD 8G"},
                    "Amount": 0,
                    "ConversionRate": 0.9,
                    "ValueInAccountCurrency": 0,
                },
            },
        },
        "Success": True,
    }
    assert decode(payload) == Portfolio(
        holdings=(
            Holding(
                symbol_id="FB V6OIPNZEM8V9",
                value="META",
                security=parse_identifier("FB V6OIPNZEM8V9"),
                security_type="Equity",
                currency_symbol="$",
                quantity=-3.0,
                average_price=310.5,
                market_price=300.25,
                conversion_rate=1.0,
                market_value=-900.75,
                unrealized_pnl=29.75,
                unrealized_pnl_percent=3.19,
            ),
        ),
        cash=(
            Cash(
                currency="EUR",
                currency_symbol="€",
                amount=5.25,
                conversion_rate=1.0,
                value=5.25,
                has_conversion_securities=False,
            ),
            Cash(
                currency="USD",
                currency_symbol="",
                amount=0.0,
                conversion_rate=0.9,
                value=0.0,
                has_conversion_securities=True,
            ),
        ),
        problems=(),
    )


# --- Whole answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", [{}, [], None])
def test_nothing_inside_a_portfolio_is_an_empty_one(nothing: object) -> None:
    assert decode(answer_of(nothing)).holdings == ()
    assert len(decode(answer_of(nothing)).cash) == 1
    assert decode(answer_of(nothing, nothing)) == Portfolio(holdings=(), cash=(), problems=())


@pytest.mark.parametrize(
    "payload",
    [
        {"success": True},
        {"portfolio": None, "success": True},
        {"portfolio": {}, "success": True},
        {"portfolio": [], "success": True},
        {"progress": 0.5, "status": "loading", "success": True},
    ],
)
def test_success_without_a_portfolio_is_not_ready(payload: dict[str, object]) -> None:
    with pytest.raises(ApiError, match="there is no portfolio yet") as caught:
        decode(payload)
    assert caught.value.reason is Reason.NOT_READY


@pytest.mark.parametrize(
    ("portfolio", "message"),
    [
        ({"cash": {"USD": USD}}, "portfolio has no holdings, expected an object"),
        ({"holdings": {AAPL: {"q": 1}}}, "portfolio has no cash, expected an object"),
        ({"assets": {}}, "portfolio has no holdings, expected an object"),
        ("loading", 'portfolio: found string "loading", expected an object'),
        ([1], "portfolio: found array of 1, expected an object"),
        (0, "portfolio: found number 0, expected an object"),
        (False, "portfolio: found boolean false, expected an object"),
        (
            {"holdings": [{"q": 1}], "cash": {}},
            "portfolio.holdings: found array of 1, expected an object",
        ),
        (
            {"holdings": "none", "cash": {}},
            'portfolio.holdings: found string "none", expected an object',
        ),
        (
            {"holdings": {}, "cash": 100000.5},
            "portfolio.cash: found number 100000.5, expected an object",
        ),
        (  # one holding without the level of identifiers, as some documentation has it
            {"holdings": {"a": 10.1, "q": 10, "p": 10}, "cash": {"USD": USD}},
            (
                'portfolio.holdings: no holding can be read, holdings["p"]: '
                "found number 10, expected an object of known fields"
            ),
        ),
        (  # all names changed once more; what is flat is still empty
            {"holdings": {AAPL: {}, SPY: {"qty": 1}}, "cash": {"USD": USD}},
            (
                'portfolio.holdings: no holding can be read, holdings["SPY R735QTJ8XC9X"]: '
                'found the name "qty", expected a known one; missing: quantity, averagePrice, '
                "marketPrice, conversionRate, marketValue, unrealizedPnl, unrealizedPnLPercent"
            ),
        ),
        (
            {"holdings": {}, "cash": {"USD": 100000}},
            (
                'portfolio.cash: no currency can be read, cash["USD"]: '
                "found number 100000, expected an object"
            ),
        ),
    ],
)
def test_missing_data_is_no_empty_portfolio(portfolio: object, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode({"portfolio": portfolio, "success": True})
    assert caught.value.reason is Reason.MALFORMED
    assert caught.value.message == f"live/portfolio/read: {message}"


@pytest.mark.parametrize("holdings", [{}, [], None, {AAPL: {}}, {AAPL: {"q": 0}}])
@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (["partial", "answer"], 'string "partial"'),
        ("partial", 'string "partial"'),
        ([{"code": 7}], "object of 1"),
    ],
)
def test_errors_next_to_nothing_are_not_a_liquidation(
    holdings: object, errors: object, said: str
) -> None:
    books: tuple[object, ...] = ([], {"USD": USD})
    for cash in books:
        with pytest.raises(ApiError) as caught:
            decode(answer_of(holdings, cash) | {"errors": errors})
        assert (caught.value.reason, caught.value.message) == (
            Reason.API_ERROR,
            f"live/portfolio/read: no open position next to errors: {said}",
        )


@pytest.mark.parametrize("errors", [[], {}, None, ""])
def test_no_errors_next_to_nothing_is_an_empty_portfolio(errors: object) -> None:
    assert decode(answer_of({}, []) | {"errors": errors}).holdings == ()


def test_errors_next_to_positions_are_a_warning() -> None:
    assert len(decode(answer_of({AAPL: {"q": 1}}) | {"errors": ["deprecated"]}).holdings) == 1


def test_more_open_positions_than_allowed() -> None:
    holdings = {f"A{i} 2T": {"q": i} for i in range(4)}  # the first is flat
    assert len(decode(answer_of(holdings), max_holdings=3).holdings) == 3
    with pytest.raises(ApiError, match="3 open positions, at most 2 expected") as caught:
        decode(answer_of(holdings), max_holdings=2)
    assert caught.value.reason is Reason.TOO_LARGE


# --- Cash -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("nulls", [{}, {"conversionRate": None}])
def test_a_number_of_a_currency_under_a_new_name(nulls: dict[str, object]) -> None:
    book = {"USD": {"amount": 5, "rate": 1, "value": 5} | nulls}
    portfolio = decode(answer_of(cash=book))
    [found] = portfolio.cash
    assert (found.amount, found.conversion_rate, found.value) == (5, None, None)
    message = (
        'found the name "rate", expected a known one; missing: conversionRate, '
        "valueInAccountCurrency"
    )
    assert portfolio.problems == (Problem("other", 'cash["USD"]', message),)


def test_a_new_name_next_to_every_number_of_a_currency_changes_nothing() -> None:
    assert decode(answer_of(cash={"USD": USD | {"unsettled": 5}})) == decode(answer_of())


def test_new_names_are_no_empty_cash_book() -> None:
    renamed = {"symbol": "EUR", "amt": 5, "rate": 1.1}
    portfolio = decode(answer_of(cash={"USD": USD, "EUR": renamed}))
    assert [cash.currency for cash in portfolio.cash] == ["USD"]
    message = (
        'found the name "amt", expected a known one; missing: amount, conversionRate, '
        "valueInAccountCurrency"
    )
    assert portfolio.problems == (Problem("other", 'cash["EUR"]', message),)
    with pytest.raises(ApiError) as caught:
        decode(answer_of(cash={"EUR": renamed}))
    assert (caught.value.reason, caught.value.message) == (
        Reason.MALFORMED,
        f'live/portfolio/read: portfolio.cash: no currency can be read, cash["EUR"]: {message}',
    )


def test_nothing_is_made_up() -> None:
    book: dict[str, object] = {"USD": {}, "EUR": {"amount": None}, "JPY": [], "GBP": None}
    portfolio = decode(answer_of(cash=book))
    assert portfolio.cash == tuple(
        Cash(
            currency=currency,
            currency_symbol="",
            amount=None,
            conversion_rate=None,
            value=None,
            has_conversion_securities=False,
        )
        for currency in book
    )
    assert portfolio.problems == ()


@pytest.mark.parametrize("field", ["amount", "conversionRate", "valueInAccountCurrency"])
@pytest.mark.parametrize("value", ["5,0", True, math.nan, math.inf, 10**400, [], {}])
def test_a_number_that_is_none_is_left_out(field: str, value: object) -> None:
    portfolio = decode(answer_of(cash={"USD": USD | {field: value}}))
    found = portfolio.cash[0]
    read = {
        "amount": found.amount,
        "conversionRate": found.conversion_rate,
        "valueInAccountCurrency": found.value,
    }
    assert read == {name: USD[name] for name in read} | {field: None}
    assert [(problem.field, problem.where) for problem in portfolio.problems] == [
        (field, 'cash["USD"]')
    ]


def test_there_is_no_minus_zero() -> None:
    book = {"amount": -0.0, "conversionRate": -0.0, "valueInAccountCurrency": -0.0}
    (found,) = decode(answer_of(cash={"EUR": book})).cash
    assert [found.amount, found.conversion_rate, found.value] == [0.0, 0.0, 0.0]
    assert "-0.0" not in repr(found)


@pytest.mark.parametrize(
    ("amount", "rate", "value", "expected"),
    [
        (5, 0, 0, None),
        (-5, 0.0, 0, None),
        (5, -0.0, 7, None),
        ("many", 0, 0, None),
        (None, 0, 0, None),
        (math.nan, 0, 0, None),
        (0, 0, 0, 0.0),
        (-0.0, 0, 0, 0.0),
        (5, 1.5, 7.5, 7.5),
        ("many", 1.5, 7.5, 7.5),
        (5, None, 7.5, 7.5),
    ],
)
def test_an_amount_without_a_rate_has_no_value(
    amount: object, rate: object, value: object, expected: float | None
) -> None:
    book = {"amount": amount, "conversionRate": rate, "valueInAccountCurrency": value}
    assert decode(answer_of(cash={"EUR": book})).cash[0].value == expected


@pytest.mark.parametrize("entry", [True, "USD", 5, ["USD"]])
def test_what_is_no_object_is_left_out(entry: object) -> None:
    portfolio = decode(answer_of(cash={"USD": USD, "EUR": entry}))
    assert [found.currency for found in portfolio.cash] == ["USD"]
    assert [(problem.field, problem.where) for problem in portfolio.problems] == [
        ("other", 'cash["EUR"]')
    ]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"securitySymbols": None}, False),
        ({"securitySymbols": []}, False),
        ({"securitySymbols": {}}, False),
        ({"securitySymbols": [{"value": "EURUSD", "id": "EURUSD 8G"}]}, True),
        ({"SecuritySymbols": ["EURUSD 8G"]}, True),
        ({"securitySymbol": None}, False),
        ({"securitySymbol": ""}, False),
        ({"securitySymbol": {"value": "", "id": " 0", "permtick": ""}}, False),
        ({"securitySymbol": {"value": "EURUSD"}}, True),
        ({"SecuritySymbol": {"Value": "EURUSD"}}, True),
        ({"securitySymbol": "EURUSD 8G"}, True),
    ],
)
def test_conversion_securities(fields: dict[str, object], expected: bool) -> None:
    portfolio = decode(answer_of(cash={"EUR": fields}))
    assert portfolio.cash[0].has_conversion_securities is expected
    assert portfolio.problems == ()


def test_conversion_securities_that_cannot_be_read() -> None:
    portfolio = decode(answer_of(cash={"EUR": {"securitySymbols": 5}}))
    assert portfolio.cash[0].has_conversion_securities is True
    assert portfolio.problems == (
        Problem(
            field="securitySymbols",
            where='cash["EUR"]',
            message="found number 5, expected an array",
        ),
    )


def cash(currency: str, rate: float | None, *, is_converted: bool = False) -> Cash:
    return Cash(
        currency=currency,
        currency_symbol="",
        amount=1.0,
        conversion_rate=rate,
        value=1.0,
        has_conversion_securities=is_converted,
    )


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        ([], []),
        ([cash("USD", 1.0)], ["USD"]),
        ([cash("EUR", 1.1, is_converted=True), cash("USD", 1.0)], ["USD"]),
        ([cash("EUR", 1.0, is_converted=True), cash("USD", 1.0)], ["USD"]),
        ([cash("EUR", 1.1), cash("USD", 1.0, is_converted=True)], ["USD"]),
        ([cash("USDT", 1.0), cash("USD", 1.0)], ["USDT", "USD"]),
        (
            [cash("USDT", 1.0, is_converted=True), cash("USD", 1.0, is_converted=True)],
            ["USDT", "USD"],
        ),
        ([cash("EUR", 1.1), cash("JPY", None)], []),
    ],
)
def test_the_entries_that_may_be_the_accounts_own(book: list[Cash], expected: list[str]) -> None:
    assert [entry.currency for entry in account_currencies(book)] == expected


# --- What a portfolio tells -----------------------------------------------------------------------

NO_MONEY = USD | {"amount": 0, "valueInAccountCurrency": 0}


@pytest.mark.parametrize(
    ("holdings", "money", "is_blank"),
    [
        ({}, {}, True),
        ([], [], True),
        ({}, {"USD": NO_MONEY}, True),
        ({}, {"USD": NO_MONEY, "EUR": NO_MONEY | {"conversionRate": 0}}, True),
        ({SPY: {}, AAPL: {"q": 0}}, {"USD": NO_MONEY}, True),
        ({}, {"USD": {}}, True),  # an amount that is not known is no money
        ({}, {"USD": NO_MONEY | {"amount": "many"}}, True),
        ({}, {"USD": USD}, False),
        ({}, {"USD": NO_MONEY, "EUR": USD | {"amount": -5}}, False),
        ({}, {"USD": NO_MONEY | {"amount": None, "valueInAccountCurrency": 5}}, False),
        ({SPY: {"q": 1}}, {"USD": NO_MONEY}, False),
        ({SPY: {"q": 1}}, {}, False),
        ({SPY: {"v": 5}}, {}, False),
        ({SPY: {"quantity": 0, "type": 1}, AAPL: {"qty": 5, "p": 1}}, [], False),
    ],
)
def test_a_portfolio_without_positions_and_money_is_blank(
    holdings: object, money: object, *, is_blank: bool
) -> None:
    assert decode(answer_of(holdings, money)).is_blank is is_blank


@pytest.mark.parametrize(
    ("holdings", "has_pnl"),
    [
        ({}, False),
        ({SPY: {"q": 5, "a": 5, "p": 5, "v": 25}}, False),
        ({SPY: {"q": 5, "a": 5, "p": 5, "v": 25, "u": "?"}}, False),
        ({SPY: {"q": 5, "a": 5, "p": 5, "r": 0, "u": 3}}, False),
        ({SPY: {"q": 5, "a": 5, "p": 5, "v": 25, "u": -0.01}}, True),
        ({AAPL: {"q": 1}, SPY: {"q": 5, "a": 4, "p": 5, "v": 25, "u": 5}}, True),
    ],
)
def test_a_position_has_a_profit_or_loss(holdings: object, *, has_pnl: bool) -> None:
    assert decode(answer_of(holdings)).has_pnl is has_pnl


# --- What is published ----------------------------------------------------------------------------


def test_the_call_of_a_project() -> None:
    request = PORTFOLIO.request(PROJECT, CONFIG, Known())
    assert (request.endpoint, request.parameters) == (
        Endpoint.LIVE_PORTFOLIO_READ,
        {"projectId": 101},
    )
    most = CONFIG.max_holdings_per_project
    many = {f"A{index} 2T": {"q": 1} for index in range(most + 1)}
    with pytest.raises(ApiError, match=f"{most + 1} open positions, at most {most} expected"):
        request.decode(answer_of(many))
    many.popitem()
    assert len(request.decode(answer_of(many)).holdings) == most
    assert PORTFOLIO.interval(PROJECT, CONFIG) == PROJECT.scrape_interval


@pytest.mark.parametrize("name", ["portfolio_short", "portfolio_long"])
def test_a_whole_portfolio(name: str) -> None:
    expected = (DATA / f"{name}.prom").read_text(encoding="utf-8").splitlines()
    assert published_portfolio(sample(f"{name}.json")) == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_same_portfolio_in_each_encoding(encoding: str) -> None:
    expected = (DATA / "portfolio_short.prom").read_text(encoding="utf-8").splitlines()
    assert published_portfolio(spelled(sample("portfolio_short.json"), encoding)) == expected


@pytest.mark.parametrize("empty", [{}, [], None])
def test_an_empty_portfolio_is_no_positions(empty: object) -> None:
    assert published_portfolio(answer_of(empty, empty)) == [
        f"quantconnect_holdings{{{A},{P}}} 0.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 0.0",
    ]


def test_no_value_without_the_currency_it_is_in() -> None:
    spy = {"q": 1, "a": 4, "p": 5, "v": 5, "u": 1, "up": 25}
    lines = published_portfolio(answer_of({SPY: spy}), Row("main", 7, "Demo", None))
    assert [line.partition("{")[0] for line in lines] == [
        "quantconnect_holdings",
        "quantconnect_holdings_in_session",
        "quantconnect_holding_quantity",
        "quantconnect_holding_average_price",
        "quantconnect_holding_market_price",
        "quantconnect_holding_conversion_rate",
        "quantconnect_holding_unrealized_pnl_ratio",
        "quantconnect_holding_info",
        "quantconnect_cash_amount",
        "quantconnect_cash_conversion_rate",
    ]


def samples_of_pounds(fields: dict[str, object]) -> dict[str, float]:
    """The samples of one currency by family."""
    entry = {"symbol": "GBP", "securitySymbols": [{"id": "GBPUSD 8G"}], **fields}
    return {
        line.partition("{")[0].removeprefix("quantconnect_cash_"): float(line.split()[-1])
        for line in published_portfolio(answer_of({}, {"GBP": entry}))
        if "_cash_" in line
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"amount": -150, "conversionRate": 1.27, "valueInAccountCurrency": -190.5},
            {"amount": -150, "conversion_rate": 1.27, "value": -190.5},
        ),
        # No rate yet: the value of the amount is not known, and not 0.
        (
            {"amount": 10, "conversionRate": 0, "valueInAccountCurrency": 0},
            {"amount": 10, "conversion_rate": 0},
        ),
        # Nothing is worth nothing at any rate.
        (
            {"amount": 0, "conversionRate": 0, "valueInAccountCurrency": 0},
            {"amount": 0, "conversion_rate": 0, "value": 0},
        ),
        # Missing is missing: cash has no documented defaults.
        ({"amount": 5}, {"amount": 5}),
        ({"amount": "many", "conversionRate": 1}, {"conversion_rate": 1}),
        # Decimal strings are numbers.
        (
            {"amount": "-150.00", "conversionRate": "1.27", "valueInAccountCurrency": "-1.905e2"},
            {"amount": -150, "conversion_rate": 1.27, "value": -190.5},
        ),
    ],
)
def test_what_is_published_of_a_currency(
    fields: dict[str, object], expected: dict[str, float]
) -> None:
    assert samples_of_pounds(fields) == expected


# --- Every answer ---------------------------------------------------------------------------------

JSON = st.recursive(
    st.one_of(
        *(st.none(), st.booleans(), st.floats(), st.integers(), st.just(10**400)),
        st.text(st.characters(codec=None), max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELD_NAMES = st.sampled_from(
    ["amount", "conversionRate", "valueInAccountCurrency", "currencySymbol", "securitySymbols"]
)
KEYS = st.sampled_from([AAPL, SPY, "USD", "EUR"]) | st.text(max_size=10)
ENTRIES = JSON | st.dictionaries(FIELD_NAMES | st.sampled_from(["q", "p", "v", "new"]), JSON)
SECTIONS = JSON | st.dictionaries(KEYS, ENTRIES, max_size=4)


@given(JSON | st.fixed_dictionaries({"holdings": SECTIONS, "cash": SECTIONS}))
def test_no_answer_breaks_it(portfolio: object) -> None:
    try:
        decoded = decode({"portfolio": portfolio}, max_holdings=10)
    except ApiError as error:
        assert error.reason in (Reason.MALFORMED, Reason.NOT_READY)  # noqa: PT017
        return
    for found in decoded.cash:
        (found.currency + found.currency_symbol).encode()
        for number in (found.amount, found.conversion_rate, found.value):
            assert number is None or math.isfinite(number)
        assert found.conversion_rate != 0.0 or found.value is None or found.amount == 0.0
    for problem in decoded.problems:
        assert (problem.where + problem.message).isascii()
        assert len(problem.where + problem.message) < 1000
    published_portfolio({"portfolio": portfolio})
