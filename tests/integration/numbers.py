"""What Prometheus must hold, worked out from what the simulator sends and nothing else.

The names of the fields are written down here once more, so that a wrong one in the exporter shows.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.simulator import Truth
    from prometheus.stack import Prometheus

# What the field is called today, in 2024 and before, and what it is when it is not sent.
HOLDING_FIELDS: dict[str, tuple[tuple[str, str, str], float]] = {
    "quantconnect_holding_quantity": (("q", "quantity", "Quantity"), 0.0),
    "quantconnect_holding_average_price": (("a", "averagePrice", "AveragePrice"), 0.0),
    "quantconnect_holding_market_price": (("p", "marketPrice", "MarketPrice"), 0.0),
    "quantconnect_holding_conversion_rate": (("r", "conversionRate", "ConversionRate"), 1.0),
    "quantconnect_holding_market_value": (("v", "marketValue", "MarketValue"), 0.0),
    "quantconnect_holding_unrealized_pnl": (("u", "unrealizedPnl", "UnrealizedPnl"), 0.0),
    "quantconnect_holding_unrealized_pnl_ratio": (
        ("up", "unrealizedPnLPercent", "UnrealizedPnLPercent"),
        0.0,
    ),
}
CASH_FIELDS = {
    "quantconnect_cash_amount": ("amount", "Amount"),
    "quantconnect_cash_conversion_rate": ("conversionRate", "ConversionRate"),
    "quantconnect_cash_value": ("valueInAccountCurrency", "ValueInAccountCurrency"),
}

Numbers = dict[tuple[str, str], float]
"""By metric and symbol id, or metric and currency."""


def sent(answer: dict[str, Any]) -> Numbers:
    """The numbers of an answer of live/portfolio/read, in whichever encoding."""
    portfolio = _of(answer, "portfolio", "Portfolio")
    numbers: Numbers = {}
    for symbol_id, holding in dict(_of(portfolio, "holdings", "Holdings")).items():
        if not _of(holding, *HOLDING_FIELDS["quantconnect_holding_quantity"][0], default=0.0):
            continue  # a flat security is no position
        for metric, (names, missing) in HOLDING_FIELDS.items():
            number = float(_of(holding, *names, default=missing))
            numbers[metric, symbol_id] = percent(number) if metric.endswith("_ratio") else number
    for currency, cash in dict(_of(portfolio, "cash", "Cash")).items():
        for metric, spellings in CASH_FIELDS.items():
            numbers[metric, currency] = float(_of(cash, *spellings))
    return numbers


def true(truth: Truth, *, with_ratio: bool = True) -> Numbers:
    """The numbers that are true of a simulated project, rounded as QuantConnect rounds them."""
    assert truth.account is not None
    numbers: Numbers = {}
    for symbol_id, exact in truth.account.holdings.items():
        holding = exact.on_wire()
        for metric, number in (
            ("quantity", holding.quantity),
            ("average_price", holding.average_price),
            ("market_price", holding.market_price),
            ("conversion_rate", holding.conversion_rate),
            ("market_value", holding.market_value),
            ("unrealized_pnl", holding.unrealized_pnl),
            ("unrealized_pnl_ratio", percent(holding.unrealized_pnl_percent)),
        ):
            if with_ratio or metric != "unrealized_pnl_ratio":
                numbers[f"quantconnect_holding_{metric}", symbol_id] = number
    for currency, cash in truth.account.cash.items():
        numbers["quantconnect_cash_amount", currency] = cash.amount
        numbers["quantconnect_cash_conversion_rate", currency] = cash.conversion_rate
        numbers["quantconnect_cash_value", currency] = cash.value
    return numbers


def held(prometheus: Prometheus, project_id: int) -> Numbers:
    """What Prometheus has of the same for a project now; a number that is there twice fails."""
    names = "|".join((*HOLDING_FIELDS, *CASH_FIELDS))
    numbers: Numbers = {}
    for series in prometheus.query(f'{{__name__=~"{names}", project_id="{project_id}"}}'):
        labels = series["metric"]
        key = labels["__name__"], labels.get("symbol_id") or labels["currency"]
        assert key not in numbers, f"{key} is there twice"
        numbers[key] = float(series["value"][1])
    return numbers


def _of(mapping: dict[str, Any], *names: str, default: Any = None) -> Any:
    return next((mapping[name] for name in names if name in mapping), default)


def percent(number: float) -> float:
    """A percentage as a ratio: the number nearest to it, which a division may miss."""
    return float(Decimal(repr(number)) / 100)
