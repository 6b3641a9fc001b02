from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator import AccountState, Cash, Holding, wire
from exporter.simulator.instruments import Instrument, crypto, equity, forex, future, option
from exporter.simulator.project import Format
from exporter.simulator.state import smart_rounding_short

SPY = equity("SPY", "1998-01-02")
ES = future("ES", "cme", date(2020, 3, 20), 50.0, "SPX")


def state(*holdings: Holding, cash: tuple[Cash, ...] = (), currency: str = "USD") -> AccountState:
    return AccountState(
        currency=currency,
        holdings={holding.instrument.key: holding for holding in holdings},
        cash={entry.currency: entry for entry in cash},
        deposits=0.0,
        realized=0.0,
        fees=0.0,
        volume=0.0,
        unrealized=0.0,
        equity=0.0,
    )


def holding(instrument: Instrument, **numbers: float) -> Holding:
    fields = {
        "quantity": 0.0,
        "average_price": 0.0,
        "market_price": 0.0,
        "conversion_rate": 1.0,
        "market_value": 0.0,
        "unrealized_pnl": 0.0,
        "unrealized_pnl_percent": 0.0,
    }
    return Holding(instrument, **{**fields, **numbers})


TEN_SHARES = holding(
    SPY,
    quantity=10.0,
    average_price=10.1,
    market_price=10.0,
    market_value=100.0,
    unrealized_pnl=-2.0,
    unrealized_pnl_percent=-1.9801980198,
)


def test_the_example_of_lean_s_own_test() -> None:
    written = wire.portfolio(state(TEN_SHARES), Format())
    assert written["holdings"] == {
        "SPY R735QTJ8XC9X": {"a": 10.1, "q": 10, "p": 10, "v": 100, "u": -2, "up": -1.98}
    }


def test_defaults_are_left_out() -> None:
    written = wire.portfolio(state(holding(SPY)), Format())
    assert written["holdings"] == {"SPY R735QTJ8XC9X": {}}


def test_a_pair_has_its_rate_and_glyph() -> None:
    pair = holding(
        forex("EURGBP"),
        quantity=-1000.0,
        average_price=0.850004,
        market_price=0.86,
        conversion_rate=1.27,
        market_value=-1092.2,
        unrealized_pnl=-12.704,
        unrealized_pnl_percent=-1.184,
    )
    assert wire.portfolio(state(pair), Format())["holdings"] == {
        "EURGBP 8G": {
            "a": 0.85,
            "q": -1000,
            "p": 0.86,
            "v": -1092.2,
            "u": -12.7,
            "up": -1.18,
            "r": 1.27,
            "c": "₤",
        }
    }


def test_the_long_encoding() -> None:
    contract = option(ES, date(2020, 3, 20), Decimal(3000), put=True, market="cme")
    written = wire.portfolio(state(TEN_SHARES, holding(contract)), Format(encoding="long"))
    assert written["holdings"] == {
        "SPY R735QTJ8XC9X": {
            "symbol": {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"},
            "type": 1,
            "currencySymbol": "$",
            "averagePrice": 10.1,
            "quantity": 10,
            "marketPrice": 10,
            "conversionRate": 1,
            "marketValue": 100,
            "unrealizedPnl": -2,
            "unrealizedPnLPercent": -1.98,
        },
        contract.key: {
            "symbol": {
                "value": "ES    200320P03000000",
                "id": contract.key,
                "permtick": "ES",
                "underlying": {"value": "ES20MAR20", "id": ES.key, "permtick": "ES"},
            },
            "type": 8,
            "currencySymbol": "$",
            "averagePrice": 0,
            "quantity": 0,
            "marketPrice": 0,
            "conversionRate": 1,
            "marketValue": 0,
            "unrealizedPnl": 0,
            "unrealizedPnLPercent": 0,
        },
    }


def test_the_encoding_in_capitals() -> None:
    contract = option(SPY, date(2026, 12, 18), Decimal(600))
    written = wire.portfolio(
        state(TEN_SHARES, holding(contract), cash=(Cash("EUR", 5.0, 1.05, 5.25),)),
        Format(encoding="pascal"),
    )
    holdings = written["Holdings"]
    assert isinstance(holdings, dict)
    assert holdings["SPY R735QTJ8XC9X"] == {
        "Symbol": {"Value": "SPY", "ID": "SPY R735QTJ8XC9X", "Permtick": "SPY"},
        "Type": 1,
        "CurrencySymbol": "$",
        "AveragePrice": 10.1,
        "Quantity": 10,
        "MarketPrice": 10,
        "ConversionRate": 1,
        "MarketValue": 100,
        "UnrealizedPnl": -2,
    }
    assert holdings[contract.key]["Symbol"]["Underlying"]["Value"] == "SPY"
    assert written["Cash"] == {
        "EUR": {
            "SecuritySymbols": [{"Value": "EURUSD", "ID": "EURUSD 8G", "Permtick": "EURUSD"}],
            "Symbol": "EUR",
            "Amount": 5,
            "ConversionRate": 1.05,
            "CurrencySymbol": "€",
            "ValueInAccountCurrency": 5.25,
        }
    }


@pytest.mark.parametrize(
    ("currency", "account_currency", "pairs"),
    [
        ("USD", "USD", []),
        ("EUR", "USD", ["EURUSD 8G"]),
        ("JPY", "USD", ["USDJPY 8G"]),
        ("BTC", "USD", ["BTCUSD 2XR"]),
        ("USD", "EUR", ["EURUSD 8G"]),
    ],
)
def test_cash_names_the_pairs_that_convert_it(
    currency: str, account_currency: str, pairs: list[str]
) -> None:
    entry = Cash(currency, 0.0, 1.0, 0.0)
    written = wire.portfolio(state(cash=(entry,), currency=account_currency), Format())
    cash = written["cash"]
    assert isinstance(cash, dict)
    assert [pair["id"] for pair in cash[currency]["securitySymbols"]] == pairs
    assert cash[currency]["amount"] == 0
    assert cash[currency]["valueInAccountCurrency"] == 0


def test_empty_maps_as_php_has_them() -> None:
    assert wire.portfolio(state(), Format()) == {"holdings": {}, "cash": {}}
    assert wire.portfolio(state(), Format(empty_as_list=True)) == {"holdings": [], "cash": []}


def test_a_fraction_of_a_coin() -> None:
    coin = holding(crypto("BTCUSD", "BTC"), quantity=0.5, market_value=30500.06)
    assert wire.portfolio(state(coin), Format())["holdings"] == {
        "BTCUSD 2XR": {"q": 0.5, "v": 30500}
    }


def test_json_as_php_writes_it() -> None:
    assert wire.dumps({"name": "a/b €"}) == b'{"name":"a\\/b \\u20ac"}'


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (-123.456, -123.456),
        (0.123456, 0.123456),
        (1.0, 1.0),
        (1.23456, 1.23),
        (10.0, 10.0),
        (10.06, 10.1),
        (100.0, 100.0),
        (100.99, 100.0),
        (1234567.89, 1234567.0),
    ],
)
def test_smart_rounding_short(value: float, rounded: float) -> None:
    assert smart_rounding_short(value) == rounded


@given(st.floats(-1e12, 1e12))
def test_whatever_is_written_reads_back_the_same(value: float) -> None:
    assert json.loads(wire.dumps(wire.number(value))) == value
