"""Given this answer of live/portfolio/read, these samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.exposition import Renderer, samples
from exporter.metrics.portfolio import CASH, HOLDINGS, POSITIONS
from exporter.metrics.table import Row
from exporter.quantconnect.portfolio import decode_portfolio

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parent / "data"
ANSWERS = Path(__file__).parents[1] / "quantconnect" / "data"
ROW = Row(7, "Demo", "USD", {"FB": "META"})


def published(answer: Mapping[str, object], row: Row = ROW, *, strike_scale: int = 6) -> list[str]:
    """The sample lines of a portfolio, with the labels of the project taken out."""
    portfolio = decode_portfolio(answer, max_holdings=100, strike_scale=strike_scale)
    renderer = Renderer(row)
    snapshots = [
        renderer.render(POSITIONS, [portfolio]),
        renderer.render(HOLDINGS, portfolio.holdings),
        renderer.render(CASH, portfolio.cash),
    ]
    return samples(snapshots).splitlines()


def holding(key: str, row: Row = ROW, *, strike_scale: int = 6, **fields: object) -> dict[str, str]:
    """One position's samples, number or labels by family."""
    answer = {"portfolio": {"holdings": {key: {"q": 1, **fields}}, "cash": {}}, "success": True}
    result = {}
    for line in published(answer, row, strike_scale=strike_scale):
        name, _, rest = line.removeprefix("quantconnect_").partition("{")
        labels, _, value = rest.rpartition("} ")
        result[name] = labels if name == "holding_info" else value
    return result


def cash(fields: dict[str, object], row: Row = ROW) -> dict[str, float]:
    """One currency's samples by family."""
    entry = {"symbol": "GBP", "securitySymbols": [{"id": "GBPUSD 8G"}], **fields}
    answer = {"portfolio": {"holdings": {}, "cash": {"GBP": entry}}, "success": True}
    return {
        line.partition("{")[0].removeprefix("quantconnect_cash_"): float(line.split()[-1])
        for line in published(answer, row)
        if "_cash_" in line
    }


@pytest.mark.parametrize("sample", ["portfolio_short", "portfolio_long"])
def test_a_whole_portfolio(sample: str) -> None:
    answer = json.loads((ANSWERS / f"{sample}.json").read_bytes())
    expected = (DATA / f"{sample}.prom").read_text(encoding="utf-8").splitlines()
    assert published(answer) == expected


LONG = {
    "a": "averagePrice",
    "q": "quantity",
    "p": "marketPrice",
    "v": "marketValue",
    "u": "unrealizedPnl",
    "up": "unrealizedPnLPercent",
    "r": "conversionRate",
    "c": "currencySymbol",
}


def capital(value: Any) -> Any:
    """The same with the names of before 2024; keys of holdings and of cash are no names."""
    if isinstance(value, dict):
        return {name[0].upper() + name[1:]: capital(each) for name, each in value.items()}
    return [capital(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("encoding", ["short", "long", "pascal"])
def test_the_same_portfolio_in_each_encoding(encoding: str) -> None:
    answer = json.loads((ANSWERS / "portfolio_short.json").read_bytes())
    portfolio = answer["portfolio"]
    if encoding != "short":
        portfolio["holdings"] = {
            key: {LONG[name]: value for name, value in fields.items()}
            for key, fields in portfolio["holdings"].items()
        }
    if encoding == "pascal":
        answer = {
            "Success": True,
            "Portfolio": {
                "Holdings": {key: capital(each) for key, each in portfolio["holdings"].items()},
                "Cash": {key: capital(each) for key, each in portfolio["cash"].items()},
            },
        }
    expected = (DATA / "portfolio_short.prom").read_text(encoding="utf-8").splitlines()
    assert published(answer) == expected


@pytest.mark.parametrize("empty", [{}, [], None])
def test_an_empty_portfolio_is_no_positions(empty: object) -> None:
    answer = {"portfolio": {"holdings": empty, "cash": empty}, "success": True}
    assert published(answer) == ['quantconnect_holdings{project="Demo",project_id="7"} 0.0']


def test_what_is_omitted_is_the_documented_default() -> None:
    assert holding("SPY R735QTJ8XC9X") == {
        "holdings": "1.0",
        "holding_quantity": "1.0",
        "holding_average_price": "0.0",
        "holding_market_price": "0.0",
        "holding_conversion_rate": "1.0",
        "holding_market_value": "0.0",
        "holding_unrealized_pnl": "0.0",
        "holding_unrealized_pnl_ratio": "0.0",
        "holding_info": 'currency_symbol="$",market="usa",option_right="",project="Demo",'
        'project_id="7",security_type="Equity",strike="",symbol="SPY",'
        'symbol_id="SPY R735QTJ8XC9X",underlying=""',
    }


def test_a_field_that_cannot_be_read_is_no_sample_and_the_rest_stands() -> None:
    lines = holding("SPY R735QTJ8XC9X", p="much", v=float("nan"), u=[], a=12.5)
    assert "holding_market_price" not in lines
    assert "holding_market_value" not in lines
    assert "holding_unrealized_pnl" not in lines
    assert (lines["holding_average_price"], lines["holding_quantity"]) == ("12.5", "1.0")


def test_a_position_of_nothing_is_none() -> None:
    assert holding("SPY R735QTJ8XC9X", q=0, a=1, p=2) == {"holdings": "0.0"}


def test_numbers_go_through_exactly() -> None:
    lines = holding(
        "BTCUSD 2XR", q=1e-8, a=183.28999999999999, p=123456789.123456789, v=-0.1, u=2**53 + 1
    )
    assert float(lines["holding_quantity"]) == 1e-8
    assert float(lines["holding_average_price"]) == 183.28999999999999
    assert float(lines["holding_market_price"]) == 123456789.123456789
    assert float(lines["holding_market_value"]) == -0.1
    assert float(lines["holding_unrealized_pnl"]) == float(2**53 + 1)


@pytest.mark.parametrize(
    ("key", "strike_scale", "expiry", "labels"),
    [
        (
            "AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X",
            6,
            1590019200.0,  # 2020-05-21 00:00 UTC
            (
                'market="usa",option_right="put",project="Demo",project_id="7",security_type="Option",'
                'strike="100",symbol="AAPL 2020-05-21 P 100",'
                'symbol_id="AAPL 31DSLGKXI4C12|AAPL R735QTJ8XC9X",underlying="AAPL"'
            ),
        ),
        (
            "AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X",
            4,
            1590019200.0,
            (
                'market="usa",option_right="put",project="Demo",project_id="7",security_type="Option",'
                'strike="100",symbol="AAPL 2020-05-21 P 100",'
                'symbol_id="AAPL 31DSLGKXI01PI|AAPL R735QTJ8XC9X",underlying="AAPL"'
            ),
        ),
        (
            "ES 31C3JQS9DCF1G|ES XCZJLC9NOB29",
            6,
            1584662400.0,  # 2020-03-20 00:00 UTC
            (
                'market="cme",option_right="put",project="Demo",project_id="7",'
                'security_type="FutureOption",strike="3000",symbol="ES 2020-03-20 P 3000",'
                'symbol_id="ES 31C3JQS9DCF1G|ES XCZJLC9NOB29",underlying="ES 2020-03-20"'
            ),
        ),
    ],
)
def test_a_derivative(key: str, strike_scale: int, expiry: float, labels: str) -> None:
    lines = holding(key, strike_scale=strike_scale)
    assert float(lines["holding_expiry_timestamp_seconds"]) == expiry
    assert lines["holding_info"] == f'currency_symbol="$",{labels}'


def test_a_key_that_says_nothing_is_its_own_symbol() -> None:
    lines = holding("what is this?", q=2)
    assert lines["holding_quantity"] == "2.0"
    assert 'symbol="what is this?",symbol_id="what is this?",underlying=""' in lines["holding_info"]
    assert 'market="",option_right=""' in lines["holding_info"]


def test_tickers_of_today() -> None:
    assert 'symbol="META"' in holding("FB V6OIPNZEM8V9")["holding_info"]
    other = Row(7, "Demo", "USD", {})
    assert 'symbol="FB"' in holding("FB V6OIPNZEM8V9", other)["holding_info"]


def test_no_value_without_the_currency_it_is_in() -> None:
    lines = holding("SPY R735QTJ8XC9X", Row(7, "Demo", None), v=5, u=6)
    assert "holding_market_value" not in lines
    assert "holding_unrealized_pnl" not in lines
    assert lines["holding_quantity"] == "1.0"
    assert "value" not in cash({"amount": 5, "conversionRate": 1}, Row(7, "Demo", None))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"amount": -150, "conversionRate": 1.27, "valueInAccountCurrency": -190.5},
            {"amount": -150, "conversion_rate": 1.27, "value": -190.5},
        ),
        # No rate yet: what the amount is worth is not known, and not 0.
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
        ({"amount": "5", "conversionRate": 1}, {"conversion_rate": 1}),
    ],
)
def test_cash(fields: dict[str, object], expected: dict[str, float]) -> None:
    assert cash(fields) == expected
