"""Families read off live/portfolio/read: open positions and cash."""

from __future__ import annotations

from datetime import UTC, datetime, time
from operator import attrgetter
from typing import TYPE_CHECKING

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Row, Table
from exporter.quantconnect.percent import ratio
from exporter.quantconnect.symbols import display_symbol

if TYPE_CHECKING:
    from exporter.quantconnect.model import Cash, Holding, Portfolio

HOLDING = (*PROJECT, "symbol", "symbol_id", "security_type")
_CACHED = "Read every scrape_interval; QuantConnect refreshes it about every 10 minutes."


def _holding_labels(holding: Holding, row: Row) -> dict[str, str]:
    security = holding.security
    underlying = security.underlying if security else None
    return {
        "symbol": (
            display_symbol(holding.value, security, row.tickers)
            if security
            else holding.value or holding.symbol_id
        ),
        "symbol_id": holding.symbol_id,
        "security_type": holding.security_type,
        "market": security.market if security else "",
        "option_right": security.right if security else "",
        "strike": (
            f"{security.strike:f}" if security is not None and security.strike is not None else ""
        ),
        "underlying": display_symbol("", underlying, row.tickers) if underlying else "",
        "currency_symbol": holding.currency_symbol,
    }


def _expiry(holding: Holding) -> float | None:
    if holding.security is None or holding.security.expiry is None:
        return None
    return datetime.combine(holding.security.expiry, time(), UTC).timestamp()


def _percent(value: float | None) -> float | None:
    return None if value is None else ratio(value)


def _portfolio(name: str, of: str, help_: str, labels: tuple[str, ...]) -> Family:
    source = f"live/portfolio/read, {of}"
    return Family(f"quantconnect_{name}", f"{help_} Source: {source}. {_CACHED}", labels)


HOLDINGS: Table[Holding] = Table(
    title="Holdings",
    # The security as well: a reload may change how an identifier's strike is read.
    key=lambda holding: (
        holding.symbol_id,
        holding.value,
        holding.currency_symbol,
        holding.security_type,
        holding.security,
    ),
    labels=_holding_labels,
    columns=(
        Column(
            _portfolio(
                "holding_quantity",
                "field quantity (q)",
                "Signed quantity held: shares, units or contracts.",
                HOLDING,
            ),
            attrgetter("quantity"),
        ),
        Column(
            _portfolio(
                "holding_average_price",
                "field averagePrice (a)",
                "Average entry price in the security's quote currency.",
                HOLDING,
            ),
            attrgetter("average_price"),
        ),
        Column(
            _portfolio(
                "holding_market_price",
                "field marketPrice (p)",
                "Last price in the security's quote currency.",
                HOLDING,
            ),
            attrgetter("market_price"),
        ),
        Column(
            _portfolio(
                "holding_conversion_rate",
                "field conversionRate (r)",
                "Rate from the security's quote currency to the account currency.",
                HOLDING,
            ),
            attrgetter("conversion_rate"),
        ),
        Column(
            _portfolio(
                "holding_market_value",
                "field marketValue (v)",
                "Signed market value in the account currency, full notional for futures;"
                " QuantConnect truncates values above 100 to whole units.",
                HOLDING + CURRENCY,
            ),
            attrgetter("market_value"),
        ),
        Column(
            _portfolio(
                "holding_unrealized_pnl",
                "field unrealizedPnl (u)",
                "Unrealized profit, less the estimated closing fee, in the account currency;"
                " QuantConnect truncates values above 100 to whole units.",
                HOLDING + CURRENCY,
            ),
            attrgetter("unrealized_pnl"),
        ),
        Column(
            _portfolio(
                "holding_unrealized_pnl_ratio",
                "field unrealizedPnLPercent (up) / 100",
                "Unrealized profit as a ratio of the cost.",
                HOLDING,
            ),
            lambda holding: _percent(holding.unrealized_pnl_percent),
        ),
        Column(
            _portfolio(
                "holding_expiry_timestamp_seconds",
                "the symbol id",
                "Expiry date at 00:00 UTC as a unix timestamp; only derivatives that expire.",
                HOLDING,
            ),
            _expiry,
            constant=True,
        ),
        Column(
            _portfolio(
                "holding_info",
                "the symbol id and field currencySymbol (c)",
                "What is known of the security, always 1; currency_symbol is the quote currency's.",
                (*HOLDING, "market", "option_right", "strike", "underlying", "currency_symbol"),
            ),
            lambda _: 1,
            constant=True,
        ),
    ),
)

POSITIONS: Table[Portfolio] = Table(
    title="Positions",
    key=lambda _: None,
    labels=lambda _portfolio, _row: {},
    columns=(
        Column(
            _portfolio(
                "holdings",
                "holdings with a quantity",
                "Number of open positions; 0 is a portfolio without any.",
                PROJECT,
            ),
            lambda portfolio: len(portfolio.holdings),
        ),
    ),
)


CASH: Table[Cash] = Table(
    title="Cash",
    key=lambda cash: cash.currency,
    labels=lambda cash, _: {"currency": cash.currency},
    columns=(
        Column(
            _portfolio(
                "cash_amount",
                "field amount",
                "Cash in its own currency; negative is debt.",
                (*PROJECT, "currency"),
            ),
            attrgetter("amount"),
        ),
        Column(
            _portfolio(
                "cash_conversion_rate",
                "field conversionRate",
                "Rate to the account currency; 0 is a currency for which there is no rate yet.",
                (*PROJECT, "currency"),
            ),
            attrgetter("conversion_rate"),
        ),
        Column(
            _portfolio(
                "cash_value",
                "field valueInAccountCurrency",
                "Cash in the account currency; no sample while there is no conversion rate.",
                (*PROJECT, "currency", *CURRENCY),
            ),
            attrgetter("value"),
        ),
    ),
)
