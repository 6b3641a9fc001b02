"""Whole answers of a bad day: half-known, empty and foreign ones, and exactly what is published.

The bodies are what Lean's own code makes of a failed deployment, a missing price or rate, and an
account in a currency without a glyph.
"""

from __future__ import annotations

from typing import Any

import pytest

from exporter.metrics.table import Row
from exporter.sources.portfolio import account_currencies, decode_portfolio
from exporter.sources.source import Known
from exporter.sources.statistics import STATISTICS, decode_statistics
from exporter.sources.status import STATUS, STATUSES
from tests.sources.given import (
    CONFIG,
    ENCODINGS,
    PROJECT,
    USD,
    A,
    P,
    answer_of,
    published,
    published_portfolio,
    spelled,
)

SPY = "SPY R735QTJ8XC9X"

OF_SAP = f'{P},security_type="Equity",symbol="SAP",symbol_id="SAP 2T"'
OF_SPY = f'{P},security_type="Equity",symbol="SPY",symbol_id="SPY R735QTJ8XC9X"'
OF_USD = [
    f'quantconnect_cash_amount{{{A},currency="USD",{P}}} 1000.5',
    f'quantconnect_cash_conversion_rate{{{A},currency="USD",{P}}} 1.0',
    f'quantconnect_cash_value{{{A},account_currency="USD",currency="USD",{P}}} 1000.5',
]
EUR = {
    "securitySymbols": [{"value": "EURUSD", "id": "EURUSD 8G", "permtick": "EURUSD"}],
    "symbol": "EUR",
    "amount": -120_000,
    "conversionRate": 0,
    "currencySymbol": "€",
    "valueInAccountCurrency": 0,
}


# --- Portfolios -----------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_position_without_a_conversion_rate(encoding: str) -> None:
    answer = answer_of(
        {"SAP 2T": {"a": 120, "q": 1000, "p": 130, "r": 0, "c": "€"}}, {"USD": USD, "EUR": EUR}
    )
    assert published_portfolio(spelled(answer, encoding)) == [
        f"quantconnect_holdings{{{A},{P}}} 1.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 0.0",
        f"quantconnect_holding_quantity{{{A},{OF_SAP}}} 1000.0",
        f"quantconnect_holding_average_price{{{A},{OF_SAP}}} 120.0",
        f"quantconnect_holding_market_price{{{A},{OF_SAP}}} 130.0",
        f"quantconnect_holding_conversion_rate{{{A},{OF_SAP}}} 0.0",
        (
            f'quantconnect_holding_info{{{A},currency_symbol="€",market="usa",option_right="",{P},'
            'security_type="Equity",strike="",symbol="SAP",symbol_id="SAP 2T",underlying=""} 1.0'
        ),
        OF_USD[0],
        f'quantconnect_cash_amount{{{A},currency="EUR",{P}}} -120000.0',
        OF_USD[1],
        f'quantconnect_cash_conversion_rate{{{A},currency="EUR",{P}}} 0.0',
        OF_USD[2],
    ]


SPY_INFO = (
    f'quantconnect_holding_info{{{A},currency_symbol="$",market="usa",option_right="",{P},'
    'security_type="Equity",strike="",symbol="SPY",symbol_id="SPY R735QTJ8XC9X",underlying=""} 1.0'
)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_position_without_a_price_after_a_redeploy(encoding: str) -> None:
    answer = answer_of({SPY: {"a": 500, "q": 100, "u": -50_001, "up": -100}})
    assert published_portfolio(spelled(answer, encoding)) == [
        f"quantconnect_holdings{{{A},{P}}} 1.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 0.0",
        f"quantconnect_holding_quantity{{{A},{OF_SPY}}} 100.0",
        f"quantconnect_holding_average_price{{{A},{OF_SPY}}} 500.0",
        f"quantconnect_holding_conversion_rate{{{A},{OF_SPY}}} 1.0",
        SPY_INFO,
        *OF_USD,
    ]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_numbers_that_are_strings(encoding: str) -> None:
    numbers = {"a": "500.5", "q": "10", "p": "510", "v": "5100", "u": "99", "up": "1.98"}
    cash = {"amount": "1000.50", "conversionRate": "1", "valueInAccountCurrency": "1000.50"}
    answer: dict[str, Any] = answer_of({SPY: numbers}, {"USD": USD | cash})
    money = f'{A},account_currency="USD"'
    assert published_portfolio(spelled(answer, encoding)) == [
        f"quantconnect_holdings{{{A},{P}}} 1.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 0.0",
        f"quantconnect_holding_quantity{{{A},{OF_SPY}}} 10.0",
        f"quantconnect_holding_average_price{{{A},{OF_SPY}}} 500.5",
        f"quantconnect_holding_market_price{{{A},{OF_SPY}}} 510.0",
        f"quantconnect_holding_conversion_rate{{{A},{OF_SPY}}} 1.0",
        f"quantconnect_holding_market_value{{{money},{OF_SPY}}} 5100.0",
        f"quantconnect_holding_unrealized_pnl{{{money},{OF_SPY}}} 99.0",
        f"quantconnect_holding_unrealized_pnl_ratio{{{A},{OF_SPY}}} 0.0198",
        SPY_INFO,
        *OF_USD,
    ]


@pytest.mark.parametrize("empty", [{}, []])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_deployment_stores_whose_setup_failed(empty: object, encoding: str) -> None:
    """No position and no money: as far as the answer goes the account is empty, or not ready."""
    no_money = USD | {"amount": 0.0, "conversionRate": 1.0, "valueInAccountCurrency": 0.0}
    answer = spelled(answer_of(empty, {"USD": no_money}), encoding)
    assert decode_portfolio(answer, max_holdings=1).is_blank
    assert published_portfolio(answer) == [
        f"quantconnect_holdings{{{A},{P}}} 0.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 0.0",
        f'quantconnect_cash_amount{{{A},currency="USD",{P}}} 0.0',
        f'quantconnect_cash_conversion_rate{{{A},currency="USD",{P}}} 1.0',
        f'quantconnect_cash_value{{{A},account_currency="USD",currency="USD",{P}}} 0.0',
    ]


USDC = USD | {
    "symbol": "USDC",
    "amount": 250,
    "currencySymbol": "USDC",
    "valueInAccountCurrency": 250,
}
BTC = {
    "securitySymbols": [{"value": "BTCUSD", "id": "BTCUSD 2XR", "permtick": "BTCUSD"}],
    "symbol": "BTC",
    "amount": 0.1,
    "conversionRate": 61_000,
    "currencySymbol": "₿",
    "valueInAccountCurrency": 6100,
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_dollars_next_to_a_stablecoin(encoding: str) -> None:
    """Both may be the account's currency; their glyphs tell them apart."""
    bitcoin = {"a": 60_000, "q": 0.1, "p": 61_000, "v": 6100, "u": 97, "up": 1.6}
    answer = spelled(
        answer_of({"BTCUSD 2XR": bitcoin}, {"USD": USD, "USDC": USDC, "BTC": BTC}), encoding
    )
    cash = decode_portfolio(answer, max_holdings=1).cash
    assert [(entry.currency, entry.currency_symbol) for entry in account_currencies(cash)] == [
        ("USD", "$"),
        ("USDC", "USDC"),
    ]
    of_btc = f'{P},security_type="Crypto",symbol="BTCUSD",symbol_id="BTCUSD 2XR"'
    unsettled = Row("main", 7, "Demo", None)
    assert published_portfolio(answer, unsettled) == [
        f"quantconnect_holdings{{{A},{P}}} 1.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 1.0",
        f"quantconnect_holding_quantity{{{A},{of_btc}}} 0.1",
        f"quantconnect_holding_average_price{{{A},{of_btc}}} 60000.0",
        f"quantconnect_holding_market_price{{{A},{of_btc}}} 61000.0",
        f"quantconnect_holding_conversion_rate{{{A},{of_btc}}} 1.0",
        f"quantconnect_holding_unrealized_pnl_ratio{{{A},{of_btc}}} 0.016",
        (
            f'quantconnect_holding_info{{{A},currency_symbol="$",market="coinbase",'
            f'option_right="",{P},security_type="Crypto",strike="",symbol="BTCUSD",'
            'symbol_id="BTCUSD 2XR",underlying=""} 1.0'
        ),
        f'quantconnect_cash_amount{{{A},currency="USD",{P}}} 1000.5',
        f'quantconnect_cash_amount{{{A},currency="USDC",{P}}} 250.0',
        f'quantconnect_cash_amount{{{A},currency="BTC",{P}}} 0.1',
        f'quantconnect_cash_conversion_rate{{{A},currency="USD",{P}}} 1.0',
        f'quantconnect_cash_conversion_rate{{{A},currency="USDC",{P}}} 1.0',
        f'quantconnect_cash_conversion_rate{{{A},currency="BTC",{P}}} 61000.0',
    ]


# --- Deployments ----------------------------------------------------------------------------------


def test_a_running_deployment_with_equity_0() -> None:
    deployment = {
        "projectId": 101,
        "deployId": "L-2",
        "status": "Running",
        "launched": "2026-11-26 11:01:00",
        "stopped": None,
        "brokerage": "Interactive",
        "subscription": "",
        "equity": 0,
        "environment": "live",
        "description": "",
        "error": "",
        "leagues": [],
    }
    for equity in (0, 0.0, "0", "0.00"):
        answer = {"live": [deployment | {"equity": equity}], "success": True}
        status = STATUS.request(PROJECT, CONFIG, Known()).decode(answer)
        assert status.problems == ()
        assert published(STATUS, status) == [
            *(
                f'quantconnect_live_status{{{A},{P},status="{each}"}} {float(each == "Running")}'
                for each in (*STATUSES, "Unknown")
            ),
            (
                f'quantconnect_live_info{{{A},brokerage="Interactive",deploy_id="L-2",{P},'
                'trading_environment="live"} 1.0'
            ),
            f"quantconnect_live_launched_timestamp_seconds{{{A},{P}}} 1.79569086e+09",
        ]


# --- Statistics -----------------------------------------------------------------------------------

SHEKELS = {
    "status": "Running",
    "deployId": "L-1",
    "runtimeStatistics": {
        "Equity": "ILS12,345.67",
        "Fees": "-ILS3.44",
        "Holdings": "ILS1,000.00",
        "Net Profit": "ILS-101.25",
        "Probabilistic Sharpe Ratio": "67.609%",
        "Return": "-1.69 %",
        "Unrealized": "ILS0.00",
        "Volume": "ILS9.00",
    },
    "success": True,
}


def test_an_account_in_a_currency_without_a_glyph() -> None:
    statistics = decode_statistics(SHEKELS, custom=())
    assert statistics.currency == "ILS"
    assert statistics.problems == ()
    row = Row("main", 7, "Demo", "ILS")
    money = f'{A},account_currency="ILS",{P}'
    assert published(STATISTICS, statistics, row) == [
        f"quantconnect_live_fees{{{money}}} 3.44",
        f"quantconnect_live_holdings_value{{{money}}} 1000.0",
        f"quantconnect_live_net_profit{{{money}}} -101.25",
        f"quantconnect_live_unrealized_pnl{{{money}}} 0.0",
        f"quantconnect_live_volume{{{money}}} 9.0",
        f"quantconnect_live_return_ratio{{{A},{P}}} -0.0169",
        f"quantconnect_live_probabilistic_sharpe_ratio{{{A},{P}}} 0.67609",
    ]
    cash = {"symbol": "ILS", "currencySymbol": "ILS", "amount": 12_345.67}
    cash |= {"conversionRate": 1, "valueInAccountCurrency": 12_345.67, "securitySymbols": []}
    answer: dict[str, Any] = answer_of({}, {"ILS": cash})
    assert published_portfolio(answer, row) == [
        f"quantconnect_holdings{{{A},{P}}} 0.0",
        f"quantconnect_holdings_in_session{{{A},{P}}} 0.0",
        f'quantconnect_cash_amount{{{A},currency="ILS",{P}}} 12345.67',
        f'quantconnect_cash_conversion_rate{{{A},currency="ILS",{P}}} 1.0',
        f'quantconnect_cash_value{{{A},account_currency="ILS",currency="ILS",{P}}} 12345.67',
    ]


def test_a_profit_of_0_that_the_positions_contradict() -> None:
    """Some deployments send an unrealized profit of 0 for life; the portfolio is right."""
    statistics = decode_statistics(SHEKELS, custom=())
    held = answer_of({SPY: {"a": 500, "q": 10, "p": 510, "v": 5100, "u": 99, "up": 1.98}})
    assert decode_portfolio(held, max_holdings=1).has_pnl
    without = published(STATISTICS, statistics.without_unrealized())
    names = [line.partition("{")[0] for line in without]
    assert "quantconnect_live_unrealized_pnl" not in names
    assert len(names) == len(published(STATISTICS, statistics)) - 1
    for raw in ({}, {"q": 5, "a": 5, "p": 5, "v": 25}, {"q": 5, "a": 5, "p": 5, "r": 0, "u": 3}):
        assert not decode_portfolio(answer_of({SPY: raw}), max_holdings=1).has_pnl
