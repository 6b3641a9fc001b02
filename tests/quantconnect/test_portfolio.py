from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.model import Cash, Holding, Portfolio, Problem, Security
from exporter.quantconnect.portfolio import account_currency, decode_portfolio
from exporter.quantconnect.symbols import parse_identifier

DATA = Path(__file__).parent / "data"
AAPL = "AAPL R735QTJ8XC9X"
SPY = "SPY R735QTJ8XC9X"
USD = {
    "securitySymbols": [],
    "symbol": "USD",
    "amount": 100000,
    "conversionRate": 1,
    "currencySymbol": "$",
    "valueInAccountCurrency": 100000,
}
SHORT = {
    "quantity": "q",
    "averagePrice": "a",
    "marketPrice": "p",
    "conversionRate": "r",
    "marketValue": "v",
    "unrealizedPnl": "u",
    "unrealizedPnLPercent": "up",
    "currencySymbol": "c",
}
NUMBERS = [name for name in SHORT if name != "currencySymbol"]
WHOLE: dict[str, object] = {"q": 10, "a": 100, "p": 105, "v": 1050, "u": 49, "up": 4.9}


def sample(name: str) -> dict[str, object]:
    payload: dict[str, object] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return payload


def answer(holdings: object = (), cash: object = ()) -> dict[str, object]:
    portfolio = {
        "holdings": {} if holdings == () else holdings,
        "cash": {"USD": USD} if cash == () else cash,
    }
    return {"portfolio": portfolio, "success": True}


def decode(payload: dict[str, object], max_holdings: int = 10_000) -> Portfolio:
    return decode_portfolio(payload, max_holdings=max_holdings)


def holding(raw: object, key: str = AAPL) -> tuple[Holding | None, tuple[Problem, ...]]:
    """How one holding is read beside another that is in order."""
    portfolio = decode(answer({key: raw, SPY: {"q": 1}}))
    assert portfolio.holdings[-1].symbol_id == SPY
    assert len(portfolio.holdings) <= 2
    return (portfolio.holdings[0] if len(portfolio.holdings) == 2 else None), portfolio.problems


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


def pascal(name: str) -> str:
    return name[0].upper() + name[1:]


class TestSamples:
    def test_full_names(self) -> None:
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
                    amount=100000.0,
                    conversion_rate=1.0,
                    value=100000.0,
                    has_conversion_securities=False,
                ),
            ),
            problems=(),
        )

    def test_short_names(self) -> None:
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
                amount=100000.5,
                conversion_rate=1.0,
                value=100000.5,
                has_conversion_securities=False,
            ),
            Cash(
                currency="GBP",
                amount=-150.0,
                conversion_rate=1.27,
                value=-190.5,
                has_conversion_securities=True,
            ),
        )

    def test_capitalised_names(self) -> None:
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
                    amount=5.25,
                    conversion_rate=1.0,
                    value=5.25,
                    has_conversion_securities=False,
                ),
                Cash(
                    currency="USD",
                    amount=0.0,
                    conversion_rate=0.9,
                    value=0.0,
                    has_conversion_securities=True,
                ),
            ),
            problems=(),
        )


class TestWholeAnswers:
    @pytest.mark.parametrize("nothing", [{}, [], None])
    def test_nothing_inside_a_portfolio_is_an_empty_one(self, nothing: object) -> None:
        assert decode(answer(nothing)).holdings == ()
        assert len(decode(answer(nothing)).cash) == 1
        assert decode(answer(nothing, nothing)) == Portfolio(holdings=(), cash=(), problems=())

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
    def test_success_without_a_portfolio_is_not_ready(self, payload: dict[str, object]) -> None:
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
                    "found object of 1, expected an object of known fields"
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
    def test_a_hole_is_no_empty_portfolio(self, portfolio: object, message: str) -> None:
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
    def test_errors_beside_nothing_are_not_a_liquidation(
        self, holdings: object, errors: object, said: str
    ) -> None:
        books: tuple[object, ...] = ([], {"USD": USD})
        for cash in books:
            with pytest.raises(ApiError) as caught:
                decode(answer(holdings, cash) | {"errors": errors})
            assert (caught.value.reason, caught.value.message) == (
                Reason.API_ERROR,
                f"live/portfolio/read: no open position beside errors: {said}",
            )

    @pytest.mark.parametrize("errors", [[], {}, None, ""])
    def test_no_errors_beside_nothing_is_an_empty_portfolio(self, errors: object) -> None:
        assert decode(answer({}, []) | {"errors": errors}).holdings == ()

    def test_errors_beside_positions_are_a_warning(self) -> None:
        assert len(decode(answer({AAPL: {"q": 1}}) | {"errors": ["deprecated"]}).holdings) == 1

    def test_more_open_positions_than_allowed(self) -> None:
        holdings = {f"A{i} 2T": {"q": i} for i in range(4)}  # the first is flat
        assert len(decode(answer(holdings), max_holdings=3).holdings) == 3
        with pytest.raises(ApiError, match="3 open positions, at most 2 expected") as caught:
            decode(answer(holdings), max_holdings=2)
        assert caught.value.reason is Reason.TOO_LARGE


class TestHolding:
    @pytest.mark.parametrize(
        "raw",
        [
            {},
            [],
            {"q": 0},
            {"q": -0.0},
            {"q": 0, "v": 5},
            {"p": 183.25},
            {"q": None, "a": None},
            {"c": "€", "r": 1.27},
            {"p": 183.25, "unheard": 1},
            {"symbol": {"value": "AAPL"}, "type": 1},
            {"symbol": {"value": "AAPL"}, "type": 1, "quantity": 0, "conversionRate": 1},
        ],
    )
    def test_a_flat_security_is_no_position(self, raw: object) -> None:
        assert holding(raw) == (None, ())

    @pytest.mark.parametrize("blank", [{}, dict.fromkeys(SHORT.values())])
    def test_what_is_omitted_has_its_default(self, blank: dict[str, object]) -> None:
        found, problems = holding(blank | {"q": 2})
        assert found is not None
        assert figures(found) == dict.fromkeys(NUMBERS, 0.0) | {
            "quantity": 2.0,
            "conversionRate": 1.0,
        }
        assert (found.currency_symbol, found.value, found.security_type) == ("$", "", "Equity")
        assert problems == ()

    @pytest.mark.parametrize(
        ("value", "excerpt"),
        [
            ("12.5", 'string "12.5"'),
            (True, "boolean true"),
            (False, "boolean false"),
            (math.nan, "number nan"),
            (-math.inf, "number -inf"),
            (10**400, "number of 1329 bits"),
            ([], "array of 0"),
            ({"value": 1}, "object of 1"),
        ],
    )
    @pytest.mark.parametrize("spelling", [lambda name: SHORT[name], str, pascal, str.lower])
    @pytest.mark.parametrize("field", NUMBERS)
    def test_a_number_that_is_none_is_left_out(
        self, field: str, spelling: object, value: object, excerpt: str
    ) -> None:
        assert callable(spelling)
        good = {"quantity": 3, "marketPrice": 4.5, "marketValue": 13.5, "conversionRate": 1.5}
        raw = {spelling(name): number for name, number in (good | {field: value}).items()}
        found, problems = holding(raw)
        assert found is not None
        assert figures(found) == dict.fromkeys(NUMBERS, 0.0) | good | {field: None}
        assert problems == (
            Problem(
                field=field,
                where='holdings["AAPL R735QTJ8XC9X"]',
                message=f"found {excerpt}, expected a finite number",
            ),
        )

    def test_todays_spelling_counts_where_both_are_sent(self) -> None:
        short = {"q": 1, "up": 1.5}
        long = {"quantity": 2, "unrealizedPnLPercent": 2.5, "Q": None}
        for raw in (short | long, long | short):
            found, problems = holding(raw)
            assert found is not None
            assert (found.quantity, found.unrealized_pnl_percent) == (1.0, 1.5)
            assert problems == ()

    @pytest.mark.parametrize("spelling", [lambda name: SHORT[name], str, pascal])
    @pytest.mark.parametrize("field", [name for name in NUMBERS if name != "quantity"])
    def test_there_is_no_minus_zero(self, field: str, spelling: object) -> None:
        assert callable(spelling)
        found, problems = holding({spelling("quantity"): 1, spelling(field): -0.0})
        assert found is not None
        assert problems == ()
        assert repr(figures(found)[field]) == "0.0"

    def test_unknown_fields_are_drift(self) -> None:
        found, problems = holding({"q": 1, "zz": "?", "expiry": {}, "": None})
        assert found is not None
        assert problems == ()

    @pytest.mark.parametrize(
        "evidence",
        [
            *({"v": -100.5}, {"u": 3}, {"up": -0.5}, {"a": 5}),
            *({"v": "?"}, {"u": [1]}, {"up": True}, {"a": "5"}),
        ],
    )
    def test_a_quantity_under_a_new_name_is_no_sale(self, evidence: dict[str, object]) -> None:
        found, problems = holding({"qty": 10, "p": 7} | evidence)
        assert found is not None
        assert found.quantity is None
        assert found.market_price == 7.0
        assert problems[-1] == Problem(
            field="quantity",
            where='holdings["AAPL R735QTJ8XC9X"]',
            message=(
                "missing beside an average price, value or P/L that is not 0, expected a number"
            ),
        )

    @pytest.mark.parametrize(
        ("raw", "missing"),
        [
            ({"q": 10, "p": 460, "mv": 4600}, "marketValue"),
            ({"q": 10, "v": 4600, "px": 460}, "marketPrice"),
            ({"quantity": -10, "marketPrice": 4, "value": 40}, "marketValue"),
            (WHOLE | {"a": None, "avg": 100}, "averagePrice"),
            (WHOLE | {"p": None, "px": 105}, "marketPrice"),
            (WHOLE | {"v": None, "mv": 1050}, "marketValue"),
            (WHOLE | {"u": None, "upl": 49}, "unrealizedPnl"),
            (WHOLE | {"up": None, "pct": 4.9}, "unrealizedPnLPercent"),
            (WHOLE | {"p": None, "v": None, "px": 105}, "marketPrice marketValue"),
            (WHOLE | {"r": 0, "v": None, "x": 1}, ""),
        ],
    )
    def test_a_number_under_a_new_name_is_not_nothing(
        self, raw: dict[str, object], missing: str
    ) -> None:
        found, problems = holding(raw)
        assert found is not None
        assert [name for name, value in figures(found).items() if value is None] == missing.split()
        assert problems == tuple(
            Problem(
                field=field,
                where='holdings["AAPL R735QTJ8XC9X"]',
                message="missing beside names that are not known, expected a number",
            )
            for field in sorted(missing.split(), key=NUMBERS.index)
        )

    @pytest.mark.parametrize(
        "raw",
        [
            {"q": 10, "p": 460},
            {"q": 10, "v": 460},
            {"q": 10, "zz": 1},
            {"q": 10, "p": 460, "r": 0, "zz": 1},
            {"q": 10, "p": 460, "v": 0, "zz": 1},
            {"q": 10, "a": 5, "u": -50, "up": -100, "zz": 1},
            {"q": 10, "v": 460, "u": 460, "zz": 1, "p": 46},
        ],
    )
    def test_what_may_be_0_is_0(self, raw: dict[str, object]) -> None:
        found, problems = holding(raw)
        assert found is not None
        assert None not in figures(found).values()
        assert problems == ()

    @pytest.mark.parametrize(
        "raw",
        [
            {"m": 10},
            {"qty": 10, "px": 3, "mv": 30},
            {"": None},
            {"holding": {"q": 10}},
            {"symbol": {"value": "AAPL"}, "type": 1, "units": 10},
        ],
    )
    def test_all_under_new_names_is_no_sale(self, raw: dict[str, object]) -> None:
        found, problems = holding(raw)
        assert found is not None
        assert figures(found) == dict.fromkeys(NUMBERS)
        assert (found.value, found.currency_symbol) == ("", "")
        assert (found.security, found.security_type) == (parse_identifier(AAPL), "Equity")
        assert problems == (
            Problem(
                field="other",
                where='holdings["AAPL R735QTJ8XC9X"]',
                message=f"found object of {len(raw)}, expected an object of known fields",
            ),
        )

    def test_all_under_new_names_and_no_identifier(self) -> None:
        found, problems = holding({"qty": 10}, "nonsense")
        assert found is not None
        assert (found.symbol_id, found.security, found.security_type) == (
            "nonsense",
            None,
            "unknown",
        )
        assert [problem.field for problem in problems] == ["symbol", "other"]

    @pytest.mark.parametrize("raw", ["sold", 5, True, None, [{"q": 1}]])
    def test_what_is_no_holding_is_left_out(self, raw: object) -> None:
        found, problems = holding(raw)
        assert found is None
        assert [(problem.field, problem.where) for problem in problems] == [
            ("other", 'holdings["AAPL R735QTJ8XC9X"]')
        ]

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
    def test_the_type_that_was_sent_where_the_key_says_none(
        self, sent: object, expected: str
    ) -> None:
        found, problems = holding({"quantity": 1, "type": sent}, "nonsense")
        assert found is not None
        assert (found.security, found.security_type) == (None, expected)
        assert problems == (
            Problem(
                field="symbol",
                where='holdings["nonsense"]',
                message='"nonsense": "nonsense" is not a ticker and a number',
            ),
        )

    @pytest.mark.parametrize("sent", [-1, 100, 1.5, True, "Stonk", []])
    def test_a_type_that_is_none(self, sent: object) -> None:
        found, problems = holding({"quantity": 1, "type": sent}, "nonsense")
        assert found is not None
        assert found.security_type == "unknown"
        assert [problem.field for problem in problems] == ["symbol", "type"]

    def test_the_key_counts_before_the_type(self) -> None:
        found, problems = holding({"quantity": 1, "type": 0})
        assert found is not None
        assert found.security_type == "Equity"
        assert problems == ()

    @pytest.mark.parametrize("symbol", [{}, [], None, {"id": AAPL}, {"value": ""}])
    def test_a_symbol_without_a_value(self, symbol: object) -> None:
        found, problems = holding({"quantity": 1, "symbol": symbol})
        assert found is not None
        assert found.value == ""
        assert problems == ()

    @pytest.mark.parametrize("symbol", ["AAPL", 5, [1], {"value": 5}, {"value": None}])
    def test_a_symbol_that_is_none(self, symbol: object) -> None:
        found, problems = holding({"quantity": 1, "symbol": symbol})
        assert found is not None
        assert found.value == ""
        assert [problem.field for problem in problems] == ["symbol"]

    def test_a_currency_symbol_that_is_none(self) -> None:
        found, problems = holding({"q": 1, "c": 5})
        assert found is not None
        assert found.currency_symbol == ""
        assert problems == (
            Problem(
                field="currencySymbol",
                where='holdings["AAPL R735QTJ8XC9X"]',
                message="found number 5, expected a string",
            ),
        )

    def test_the_strike_scale_of_an_older_lean(self) -> None:
        option = "AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X"
        portfolio = decode_portfolio(answer({option: {"q": 1}}), max_holdings=1, strike_scale=4)
        assert portfolio.holdings[0].security == parse_identifier(option, 4)

    def test_the_strike_scale_of_todays_lean(self) -> None:
        option = "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X"
        portfolio = decode_portfolio(answer({option: {"q": 1}}), max_holdings=1)
        assert portfolio.holdings[0].security == parse_identifier(option, 6)

    def test_every_text_can_be_encoded(self) -> None:
        raw = {"q": 1, "c": "\udfff", "symbol": {"value": "\ud800"}}
        found, _ = holding(raw, "A\ud800 2T")
        assert found is not None
        texts = (found.symbol_id, found.value, found.currency_symbol)
        assert texts == (r"A\ud800 2T", r"\ud800", r"\udfff")


class TestCash:
    def test_a_number_of_a_currency_under_a_new_name(self) -> None:
        portfolio = decode(answer(cash={"USD": {"amount": 5, "rate": 1, "value": 5}}))
        [found] = portfolio.cash
        assert (found.amount, found.conversion_rate, found.value) == (5, None, None)
        message = "missing beside names that are not known, expected a number"
        assert portfolio.problems == tuple(
            Problem(field, 'cash["USD"]', message)
            for field in ("conversionRate", "valueInAccountCurrency")
        )

    def test_new_names_are_no_empty_cash_book(self) -> None:
        renamed = {"symbol": "EUR", "amt": 5, "rate": 1.1}
        portfolio = decode(answer(cash={"USD": USD, "EUR": renamed}))
        assert [cash.currency for cash in portfolio.cash] == ["USD"]
        [found] = portfolio.problems
        assert (found.field, found.where) == ("other", 'cash["EUR"]')
        with pytest.raises(ApiError, match="no currency can be read") as told:
            decode(answer(cash={"EUR": renamed}))
        assert told.value.reason is Reason.MALFORMED

    def test_nothing_is_made_up(self) -> None:
        book: dict[str, object] = {"USD": {}, "EUR": {"amount": None}, "JPY": [], "GBP": None}
        portfolio = decode(answer(cash=book))
        assert portfolio.cash == tuple(
            Cash(
                currency=currency,
                amount=None,
                conversion_rate=None,
                value=None,
                has_conversion_securities=False,
            )
            for currency in book
        )
        assert portfolio.problems == ()

    @pytest.mark.parametrize("field", ["amount", "conversionRate", "valueInAccountCurrency"])
    @pytest.mark.parametrize("value", ["5", True, math.nan, math.inf, 10**400, [], {}])
    def test_a_number_that_is_none_is_left_out(self, field: str, value: object) -> None:
        portfolio = decode(answer(cash={"USD": USD | {field: value}}))
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

    def test_there_is_no_minus_zero(self) -> None:
        book = {"amount": -0.0, "conversionRate": -0.0, "valueInAccountCurrency": -0.0}
        (found,) = decode(answer(cash={"EUR": book})).cash
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
        self, amount: object, rate: object, value: object, expected: float | None
    ) -> None:
        book = {"amount": amount, "conversionRate": rate, "valueInAccountCurrency": value}
        assert decode(answer(cash={"EUR": book})).cash[0].value == expected

    @pytest.mark.parametrize("entry", [True, "USD", 5, ["USD"]])
    def test_what_is_no_object_is_left_out(self, entry: object) -> None:
        portfolio = decode(answer(cash={"USD": USD, "EUR": entry}))
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
    def test_conversion_securities(self, fields: dict[str, object], expected: bool) -> None:
        portfolio = decode(answer(cash={"EUR": fields}))
        assert portfolio.cash[0].has_conversion_securities is expected
        assert portfolio.problems == ()

    def test_conversion_securities_that_cannot_be_read(self) -> None:
        portfolio = decode(answer(cash={"EUR": {"securitySymbols": 5}}))
        assert portfolio.cash[0].has_conversion_securities is True
        assert portfolio.problems == (
            Problem(
                field="securitySymbols",
                where='cash["EUR"]',
                message="found number 5, expected an array",
            ),
        )


def cash(currency: str, rate: float | None, converted: bool = False) -> Cash:
    return Cash(
        currency=currency,
        amount=1.0,
        conversion_rate=rate,
        value=1.0,
        has_conversion_securities=converted,
    )


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        ([], None),
        ([cash("USD", 1.0)], "USD"),
        ([cash("EUR", 1.1, True), cash("USD", 1.0)], "USD"),
        ([cash("EUR", 1.0, True), cash("USD", 1.0)], "USD"),
        ([cash("EUR", 1.1), cash("USD", 1.0, True)], "USD"),
        ([cash("USDT", 1.0), cash("USD", 1.0)], None),
        ([cash("USDT", 1.0, True), cash("USD", 1.0, True)], None),
        ([cash("EUR", 1.1), cash("JPY", None)], None),
    ],
)
def test_account_currency(book: list[Cash], expected: str | None) -> None:
    assert account_currency(book) == expected


FINITE = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**300), 10**300)
)
POSITIONS = st.fixed_dictionaries(
    {"quantity": FINITE.filter(bool)},
    optional={name: FINITE for name in NUMBERS if name != "quantity"}
    | {"currencySymbol": st.text(max_size=3)},
)


@given(POSITIONS)
def test_the_three_encodings_say_the_same_exactly(position: dict[str, object]) -> None:
    defaults: dict[str, object] = dict.fromkeys(NUMBERS, 0.0)
    defaults |= {"conversionRate": 1.0, "currencySymbol": "$"}
    spelled_out = defaults | position | {"type": 1, "symbol": {"value": "", "id": AAPL}}
    encodings = [
        {SHORT[name]: value for name, value in position.items() if value != defaults[name]},
        spelled_out,
        {pascal(name): value for name, value in spelled_out.items()},
    ]
    found = [holding(json.loads(json.dumps(raw))) for raw in encodings]
    assert found[0] == found[1] == found[2]
    read, problems = found[0]
    assert read is not None
    assert problems == ()
    expected = {
        name: float(value)  # type: ignore[arg-type]
        for name, value in (defaults | position).items()
        if name != "currencySymbol"
    }
    assert figures(read) == expected


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.floats(),
        st.integers(),
        st.just(10**400),
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
KEYS = st.one_of(st.sampled_from([AAPL, SPY, "ES 1S1", "USD"]), st.text(max_size=10))
ENTRIES = st.one_of(JSON, st.dictionaries(FIELD_NAMES, JSON, max_size=5))
SECTIONS = st.one_of(JSON, st.dictionaries(KEYS, ENTRIES, max_size=4))
PORTFOLIOS = st.one_of(JSON, st.fixed_dictionaries({"holdings": SECTIONS, "cash": SECTIONS}))


@given(PORTFOLIOS)
def test_no_answer_breaks_it_or_sells_what_is_held(portfolio: object) -> None:
    try:
        decoded = decode({"portfolio": portfolio}, max_holdings=10)
    except ApiError as error:
        assert error.reason in (Reason.MALFORMED, Reason.NOT_READY)  # noqa: PT017
        return
    assert isinstance(portfolio, dict)
    numbers = [number for found in decoded.holdings for number in figures(found).values()]
    numbers += [n for found in decoded.cash for n in (found.amount, found.value)]
    assert all(number is None or math.isfinite(number) for number in numbers)
    for found in decoded.holdings:
        (found.symbol_id + found.value + found.currency_symbol).encode()
        assert found.quantity != 0.0
    for problem in decoded.problems:
        assert (problem.where + problem.message).isascii()
        assert len(problem.where + problem.message) < 1000
    sent = portfolio["holdings"] or {}
    held = {
        key.encode("utf-8", "backslashreplace").decode()
        for key, raw in sent.items()
        if isinstance(raw, dict) and type(raw.get("q")) in (int, float) and raw["q"] != 0
    }
    assert held <= {found.symbol_id for found in decoded.holdings}


KNOWN_NAMES = {name.lower() for name in (*SHORT, *SHORT.values())}
OF_A_POSITION = [
    *("averagePrice", "marketValue", "unrealizedPnl", "unrealizedPnLPercent"),
    *("quantity", "q", "a", "v", "u", "up"),
]


@given(st.dictionaries(st.one_of(FIELD_NAMES, st.text(max_size=3)), JSON, max_size=5))
def test_only_what_says_that_it_is_flat_is_no_position(raw: dict[str, object]) -> None:
    found, problems = holding(raw)
    if found is not None:
        assert found.quantity != 0.0
        assert found.quantity is not None or problems
        return
    of_a_position = {name.lower() for name in OF_A_POSITION}
    said = [value for name, value in raw.items() if name.lower() in of_a_position]
    quantities = [value for name, value in raw.items() if name.lower() in ("quantity", "q")]
    assert 0 in quantities or all(value is None or value == 0 for value in said)
    names = {name.lower() for name in raw}
    assert names & KNOWN_NAMES or names <= {"symbol", "type"}
