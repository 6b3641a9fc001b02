"""live/portfolio/read, holdings: the open positions, in any of their spellings.

``AveragePrice`` until 2024, ``averagePrice`` until February 2025, ``a`` since (Lean,
Common/Global.cs); deployments pinned to an old LEAN may still send the older ones. Zeros, a
conversion rate of 1 and the currency ``$`` are left out of today's form.

A hole must never look like a sale or a loss: a position whose quantity cannot be read stays,
without a quantity, and a number that cannot be right in an open position is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct, ValidationError, convert
from msgspec.structs import fields

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Row, Table
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    finite,
    folded,
    is_empty,
    problem,
    quoted,
    ratio,
    utf8,
)
from exporter.quantconnect.symbols import (
    OPTIONS,
    SECURITY_TYPES,
    IdentifierError,
    Security,
    display_symbol,
    parse_identifier,
    security_type_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Numbers(
    Struct,
    forbid_unknown_fields=True,
    rename={
        "quantity": "q",
        "average_price": "a",
        "market_price": "p",
        "conversion_rate": "r",
        "market_value": "v",
        "unrealized_pnl": "u",
        "unrealized_pnl_percent": "up",
        "currency_symbol": "c",
    },
):
    """The fields of a position: today's name of each, and the default that Lean leaves out.

    msgspec reads today's form of it without any further code, ten times faster.
    """

    quantity: float | None = 0.0
    average_price: float | None = 0.0
    market_price: float | None = 0.0
    conversion_rate: float | None = 1.0
    market_value: float | None = 0.0
    unrealized_pnl: float | None = 0.0
    unrealized_pnl_percent: float | None = 0.0
    currency_symbol: str = "$"


# The documented long names; other capitals of them are older spellings.
_LONG_NAMES: Final = {
    "quantity": "quantity",
    "average_price": "averagePrice",
    "market_price": "marketPrice",
    "conversion_rate": "conversionRate",
    "market_value": "marketValue",
    "unrealized_pnl": "unrealizedPnl",
    "unrealized_pnl_percent": "unrealizedPnLPercent",
}
_SHORT_NAMES: Final = {each.encode_name: each.name for each in fields(_Numbers)}
# Where each spelling goes. Sent in two spellings, the short one counts.
_SPELLINGS: Final = (
    {long.lower(): name for name, long in _LONG_NAMES.items()}
    | _SHORT_NAMES
    | {"currencysymbol": "currency_symbol", "symbol": "symbol", "type": "type"}
)
# Stands for the names of a holding that are none of these.
_UNKNOWN: Final = "unknown"
# Lean sets all four to 0 when a position is closed; a security without one may well have a price.
_EVIDENCE: Final = ("average_price", "market_value", "unrealized_pnl", "unrealized_pnl_percent")
_SECURITY_TYPE_BY_FOLDED: Final = {name.lower(): name for name in SECURITY_TYPES}


class Holding(Struct, frozen=True):
    """One open position (live/portfolio/read, ``portfolio.holdings``); None is not known."""

    symbol_id: str
    """The full security identifier: the key of the holding."""
    value: str
    """``symbol.value``, today's ticker; empty where it was not sent."""
    security: Security | None
    """None where the key cannot be decoded."""
    security_type: str
    """Of the key, else of the ``type`` that was sent, else ``unknown``."""
    currency_symbol: str
    """The glyph of the quote currency; several currencies share ``$``."""
    quantity: float | None
    """Units or contracts, negative when short. None when unreadable: still a position."""
    average_price: float | None
    """In the quote currency."""
    market_price: float | None
    """In the quote currency."""
    conversion_rate: float | None
    """From the quote currency to the account's; 0 while there is none yet."""
    market_value: float | None
    """In the account's currency, negative when short."""
    unrealized_pnl: float | None
    """In the account's currency, net of the estimated closing fee."""
    unrealized_pnl_percent: float | None
    """In percent: -1.98 is -1.98 %."""


# --- Decoding -------------------------------------------------------------------------------------


def decode_holdings(
    holdings: Mapping[str, object], strike_scale: int, problems: list[Problem]
) -> list[Holding]:
    """Return the open positions of ``portfolio.holdings``; append what cannot be read to problems.

    Raises ApiError (malformed) when there are holdings and none of them can be read.
    """
    result = []
    is_any_read = is_any_unread = False
    for key, raw in holdings.items():
        if not raw and isinstance(raw, dict | list):
            continue  # {} and [] are a security without a position
        where = f"holdings[{quoted(key)}]"
        sent: Mapping[str, object] = {}
        numbers = _todays(raw)
        if numbers is None:
            if not isinstance(raw, dict):
                is_any_unread = True
                problems.append(problem("other", where, raw, "an object of known fields"))
                continue
            sent = _by_name(raw)
            numbers = _read(sent, where, problems)
            if sent.keys() == {_UNKNOWN}:
                is_any_unread = True
            else:
                is_any_read = True
        else:
            is_any_read = True
        if numbers.quantity != 0.0:
            result.append(_holding(utf8(key), numbers, sent, where, strike_scale, problems))
    if is_any_unread and not is_any_read:  # new names would look like a liquidation
        raise ApiError(
            Reason.MALFORMED,
            "live/portfolio/read: portfolio.holdings: no holding can be read, "
            f"{problems[-1].where}: {problems[-1].message}",
        )
    return result


def _todays(raw: object) -> _Numbers | None:
    """Return the numbers of a position in today's form and of nothing else, as nearly all are."""
    try:
        numbers = convert(raw, _Numbers)
    except (ValidationError, UnicodeEncodeError):  # the latter for a name with a lone surrogate
        return None
    q, a, p = numbers.quantity, numbers.average_price, numbers.market_price
    r, v, u = numbers.conversion_rate, numbers.market_value, numbers.unrealized_pnl
    total = q + a + p + r + v + u + numbers.unrealized_pnl_percent  # type: ignore[operator]
    return numbers if q != 0.0 and isfinite(total) else None


def _by_name(raw: Mapping[str, object]) -> dict[str, object]:
    """Return what was sent, null aside, by our name of each field; ``_UNKNOWN`` has other names."""
    sent: dict[str, object] = {}
    for spelling, value in raw.items():
        name = _SPELLINGS.get(spelling) or _SPELLINGS.get(spelling.lower())
        if name is None:
            sent.setdefault(_UNKNOWN, spelling)
        elif value is not None and (name not in sent or spelling in _SHORT_NAMES):
            sent[name] = value
    return sent


def _read(sent: Mapping[str, object], where: str, problems: list[Problem]) -> _Numbers:
    """Return the numbers of a position, each None where it is not known.

    A number that was not sent has its default, but not next to a name that is not known, which may
    well be its own. The quantity of what is worth something is not 0 either way.
    """
    numbers = _Numbers(currency_symbol=_currency_symbol(sent, where, problems))
    missing = [field for name, field in _LONG_NAMES.items() if name not in sent]
    if _UNKNOWN in sent and missing:
        found = quoted(str(sent[_UNKNOWN]))
        message = f"found the name {found}, expected known ones; not known: {', '.join(missing)}"
        problems.append(Problem("other", where, message))
    for name, field in _LONG_NAMES.items():
        if name in sent:
            value = finite(sent[name])
            if value is None:
                problems.append(problem(field, where, sent[name], "a finite number"))
            setattr(numbers, name, value)
        elif _UNKNOWN in sent:
            setattr(numbers, name, None)
    is_open = any(getattr(numbers, name) != 0.0 for name in _EVIDENCE)
    if is_open and numbers.quantity == 0.0 and "quantity" not in sent:
        numbers.quantity = None
        message = "missing next to an average price, value or P/L that is not 0"
        problems.append(Problem("quantity", where, f"{message}, expected a number"))
    return numbers


def _holding(
    key: str,
    numbers: _Numbers,
    sent: Mapping[str, object],
    where: str,
    strike_scale: int,
    problems: list[Problem],
) -> Holding:
    security: Security | None = None
    try:
        security = parse_identifier(key, strike_scale)
    except IdentifierError as error:
        problems.append(Problem("symbol", where, str(error)))
    security_type = (
        security.security_type if security else _security_type(sent.get("type"), where, problems)
    )
    _leave_out_what_cannot_be(numbers, security_type, where, problems)
    return Holding(
        symbol_id=key,
        value=_symbol_value(sent.get("symbol"), where, problems),
        security=security,
        security_type=security_type,
        currency_symbol=utf8(numbers.currency_symbol),
        quantity=numbers.quantity,
        average_price=_no_minus_zero(numbers.average_price),
        market_price=_no_minus_zero(numbers.market_price),
        conversion_rate=_no_minus_zero(numbers.conversion_rate),
        market_value=_no_minus_zero(numbers.market_value),
        unrealized_pnl=_no_minus_zero(numbers.unrealized_pnl),
        unrealized_pnl_percent=_no_minus_zero(numbers.unrealized_pnl_percent),
    )


def _leave_out_what_cannot_be(
    numbers: _Numbers, security_type: str, where: str, problems: list[Problem]
) -> None:
    """Take out the numbers that Lean sets to 0 while it does not know them.

    Without a rate nothing is known in the account's currency. After a redeploy a restored holding
    has no price until the broker or history gives one; only an option can really be worth 0. No
    position is worth 0 at a price.
    """
    if numbers.conversion_rate == 0.0:
        numbers.market_value = numbers.unrealized_pnl = numbers.unrealized_pnl_percent = None
    elif numbers.market_price == 0.0:
        if numbers.average_price == 0.0 or security_type in OPTIONS:
            return
        message = "missing or 0 next to an average price, expected a price"
        problems.append(Problem("marketPrice", where, message))
        numbers.market_price = None
        if not numbers.market_value:
            numbers.market_value = numbers.unrealized_pnl = numbers.unrealized_pnl_percent = None
    elif numbers.market_value == 0.0:
        message = "missing or 0 next to a quantity, a price and a rate, expected a value"
        problems.append(Problem("marketValue", where, message))
        numbers.market_value = None


def _no_minus_zero(value: float | None) -> float | None:
    return None if value is None else value + 0.0


def _symbol_value(symbol: object, where: str, problems: list[Problem]) -> str:
    if is_empty(symbol):
        return ""
    value = folded(symbol).get("value", "") if isinstance(symbol, dict) else symbol
    if not isinstance(symbol, dict) or not isinstance(value, str):
        problems.append(problem("symbol", where, value, "an object with a string value"))
        return ""
    return utf8(value)


def _security_type(sent: object, where: str, problems: list[Problem]) -> str:
    """Return the name of a ``type``: a number on the wire, a name in the documentation."""
    if sent is None:
        return "unknown"
    if type(sent) is int and 0 <= sent < 100:  # the two digits that an identifier has for it
        return security_type_name(sent)
    name = _SECURITY_TYPE_BY_FOLDED.get(sent.lower()) if isinstance(sent, str) else None
    if name is None:
        problems.append(problem("type", where, sent, "a security type"))
        return "unknown"
    return name


def _currency_symbol(sent: Mapping[str, object], where: str, problems: list[Problem]) -> str:
    symbol = sent.get("currency_symbol", "" if sent.keys() == {_UNKNOWN} else "$")
    if not isinstance(symbol, str):
        problems.append(problem("currencySymbol", where, symbol, "a string"))
        return ""
    return symbol


# --- Families -------------------------------------------------------------------------------------

_HOLDING = (*PROJECT, "symbol", "symbol_id", "security_type")


def _labels(holding: Holding, row: Row) -> dict[str, str]:
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


def _pnl_ratio(holding: Holding) -> float | None:
    percent = holding.unrealized_pnl_percent
    return None if percent is None else ratio(percent)


def _family(name: str, of: str, help_: str, labels: tuple[str, ...] = _HOLDING) -> Family:
    return Family(
        f"quantconnect_holding_{name}",
        f"{help_} Source: live/portfolio/read, {of}. Read every scrape_interval; QuantConnect"
        " refreshes it about every 10 minutes.",
        labels,
    )


HOLDINGS: Table[Holding] = Table(
    title="Holdings",
    series="{columns} series for each open position, one less for what never expires."
    " A position that was closed is gone at the next read.",
    # The security as well: a reload may change how an identifier's strike is read.
    key=lambda holding: (
        holding.symbol_id,
        holding.value,
        holding.currency_symbol,
        holding.security_type,
        holding.security,
    ),
    labels=_labels,
    columns=(
        Column(
            _family(
                "quantity",
                "field quantity (q)",
                "Signed quantity held: shares, units or contracts.",
            ),
            attrgetter("quantity"),
        ),
        Column(
            _family(
                "average_price",
                "field averagePrice (a)",
                "Average entry price in the security's quote currency.",
            ),
            attrgetter("average_price"),
        ),
        Column(
            _family(
                "market_price",
                "field marketPrice (p)",
                "Last price in the security's quote currency; no sample where there is none yet.",
            ),
            attrgetter("market_price"),
        ),
        Column(
            _family(
                "conversion_rate",
                "field conversionRate (r)",
                "Rate from the quote currency to the account's; 0 while there is none yet.",
            ),
            attrgetter("conversion_rate"),
        ),
        Column(
            _family(
                "market_value",
                "field marketValue (v)",
                "Signed market value in the account currency, full notional for futures; no sample"
                " without a price or a rate. QuantConnect truncates values above 100 to whole"
                " units.",
                _HOLDING + CURRENCY,
            ),
            attrgetter("market_value"),
        ),
        Column(
            _family(
                "unrealized_pnl",
                "field unrealizedPnl (u)",
                "Unrealized profit, less the estimated closing fee, in the account currency;"
                " QuantConnect truncates values above 100 to whole units.",
                _HOLDING + CURRENCY,
            ),
            attrgetter("unrealized_pnl"),
        ),
        Column(
            _family(
                "unrealized_pnl_ratio",
                "field unrealizedPnLPercent (up) / 100",
                "Unrealized profit as a ratio of the cost.",
            ),
            _pnl_ratio,
        ),
        Column(
            _family(
                "expiry_timestamp_seconds",
                "the symbol id",
                "Expiry date at 00:00 UTC as a unix timestamp; only derivatives that expire.",
            ),
            _expiry,
            constant=True,
        ),
        Column(
            _family(
                "info",
                "the symbol id and field currencySymbol (c)",
                "Facts about the security, always 1; currency_symbol is the quote currency's.",
                (*_HOLDING, "market", "option_right", "strike", "underlying", "currency_symbol"),
            ),
            lambda _: 1,
            constant=True,
        ),
    ),
)
