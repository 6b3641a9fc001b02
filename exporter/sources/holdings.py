"""live/portfolio/read, holdings: the open positions, in all spellings of their fields.

``AveragePrice`` until 2024, ``averagePrice`` until February 2025, ``a`` since (Lean,
Common/Global.cs). Deployments on an old LEAN may still send the older ones. Today's form omits
zeros, a conversion rate of 1 and the currency ``$``.

Missing data must never look like a sale or a loss. A position whose quantity cannot be read stays,
without a quantity; a number that is impossible in an open position is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct, ValidationError, convert
from msgspec.structs import astuple, fields

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
    unknown_name,
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


class _Todays(
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
    """The fields of a position in today's form, with the defaults that Lean omits."""

    quantity: float = 0.0
    average_price: float = 0.0
    market_price: float = 0.0
    conversion_rate: float = 1.0
    market_value: float = 0.0
    unrealized_pnl: float = 0.0
    unrealized_pnl_percent: float = 0.0
    currency_symbol: str = "$"


# The numbers of a position by our name of each, None if unknown.
_Numbers = dict[str, float | None]

# The documented long names; older spellings differ in capitals.
_LONG_NAMES: Final = {
    "quantity": "quantity",
    "average_price": "averagePrice",
    "market_price": "marketPrice",
    "conversion_rate": "conversionRate",
    "market_value": "marketValue",
    "unrealized_pnl": "unrealizedPnl",
    "unrealized_pnl_percent": "unrealizedPnLPercent",
}
_SHORT_NAMES: Final = {each.encode_name: each.name for each in fields(_Todays)}
_DEFAULTS: Final = {each.name: each.default for each in fields(_Todays) if each.name in _LONG_NAMES}
# Our name for each spelling. If a field comes in two spellings, the short one counts.
_SPELLINGS: Final = (
    {long.lower(): name for name, long in _LONG_NAMES.items()}
    | _SHORT_NAMES
    | {"currencysymbol": "currency_symbol", "symbol": "symbol", "type": "type"}
)
# Stands for every unknown field of a holding.
_UNKNOWN: Final = "unknown"
# Lean sets all four to 0 when a position is closed; its price may stay.
_EVIDENCE: Final = ("average_price", "market_value", "unrealized_pnl", "unrealized_pnl_percent")
# The numbers that Lean computes from a price and a conversion rate.
_COMPUTED: Final = ("market_value", "unrealized_pnl", "unrealized_pnl_percent")
_SECURITY_TYPE_BY_FOLDED: Final = {name.lower(): name for name in SECURITY_TYPES}


class Holding(Struct, frozen=True):
    """One open position (live/portfolio/read, ``portfolio.holdings``); None means unknown."""

    symbol_id: str
    """The full security identifier: the key of the holding."""
    value: str
    """``symbol.value``, today's ticker; empty if it was not sent."""
    security: Security | None
    """None if the key cannot be decoded."""
    security_type: str
    """From the key, else from the ``type`` that was sent, else ``unknown``."""
    currency_symbol: str
    """The glyph of the quote currency; several currencies share ``$``."""
    quantity: float | None
    """Units or contracts, negative when short. None when unreadable: still a position."""
    average_price: float | None
    """In the quote currency."""
    market_price: float | None
    """In the quote currency."""
    conversion_rate: float | None
    """From the quote currency to the account's; 0 while there is no rate yet."""
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
    """Return the open positions of ``portfolio.holdings``; append unreadable parts to problems.

    Raises ApiError (malformed) when there are holdings and none of them can be read.
    """
    result = []
    is_any_read = False
    unread: Problem | None = None
    for key, raw in holdings.items():
        if not raw and isinstance(raw, dict | list):
            continue  # {} and [] are a security without a position
        key = utf8(key)
        holding = _ordinary(key, raw, strike_scale)
        if holding is not None:
            is_any_read = True
            result.append(holding)
            continue
        if not isinstance(raw, dict):
            unread = problem("other", _where(key), raw, "an object of known fields")
            problems.append(unread)
            continue
        sent = _by_name(raw)
        numbers = _read(sent, key, problems)
        if _has_no_known_number(sent):
            unread = problems[-1]
        else:
            is_any_read = True
        if numbers["quantity"] != 0.0:
            result.append(_holding(key, numbers, sent, strike_scale, problems))
    if unread is not None and not is_any_read:  # renamed fields would look like a liquidation
        raise ApiError(
            Reason.MALFORMED,
            "live/portfolio/read: portfolio.holdings: no holding can be read, "
            f"{unread.where}: {unread.message}",
        )
    return result


def _ordinary(key: str, raw: object, strike_scale: int) -> Holding | None:
    """Return the position if it is in today's form and complete, else None.

    Nearly all are. msgspec reads them ten times faster than ``_read``, which gives the same result
    and handles all other positions.
    """
    try:
        sent = convert(raw, _Todays)
        security = parse_identifier(key, strike_scale)
    except (ValidationError, IdentifierError, UnicodeEncodeError):  # a lone surrogate in a name
        return None
    q, a, p, r, v, u, up, c = astuple(sent)
    if not (q and p and r and v and isfinite(q + a + p + r + v + u + up)):
        return None
    type_ = security.security_type
    a, u, up = a + 0.0, u + 0.0, up + 0.0  # no minus zero
    return Holding(key, "", security, type_, utf8(c), q, a, p, r, v, u, up)


def _by_name(raw: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are not null, by our name of each field.

    The key ``_UNKNOWN`` holds the first unknown name.
    """
    sent: dict[str, object] = {}
    for spelling, value in raw.items():
        name = _SPELLINGS.get(spelling) or _SPELLINGS.get(spelling.lower())
        if name is None:
            sent.setdefault(_UNKNOWN, spelling)
        elif value is not None and (name not in sent or spelling in _SHORT_NAMES):
            sent[name] = value
    return sent


def _has_no_known_number(sent: Mapping[str, object]) -> bool:
    return _UNKNOWN in sent and sent.keys().isdisjoint(_LONG_NAMES)


def _read(sent: Mapping[str, object], key: str, problems: list[Problem]) -> _Numbers:
    """Return the numbers of a position.

    A number that was not sent has its default. But next to an unknown name, which may be its new
    one, it is unknown. A missing quantity of a position with a value is unknown in any case, never
    0.
    """
    numbers: _Numbers = {}
    for name, field in _LONG_NAMES.items():
        if name in sent:
            value = finite(sent[name])
            numbers[name] = None if value is None else value + 0.0  # no minus zero
            if value is None:
                problems.append(problem(field, _where(key), sent[name], "a finite number"))
        else:
            numbers[name] = None if _UNKNOWN in sent else _DEFAULTS[name]
    if numbers["quantity"] == 0.0 and "quantity" not in sent:
        if any(numbers[name] != 0.0 for name in _EVIDENCE):
            numbers["quantity"] = None
            message = "missing next to an average price, value or P/L that is not 0"
            problems.append(Problem("quantity", _where(key), f"{message}, expected a number"))
    elif _UNKNOWN in sent and numbers["quantity"] != 0.0:
        missing = [field for name, field in _LONG_NAMES.items() if name not in sent]
        if missing:
            problems.append(unknown_name(str(sent[_UNKNOWN]), _where(key), missing))
    return numbers


def _holding(
    key: str,
    numbers: _Numbers,
    sent: Mapping[str, object],
    strike_scale: int,
    problems: list[Problem],
) -> Holding:
    security: Security | None = None
    try:
        security = parse_identifier(key, strike_scale)
    except IdentifierError as error:
        problems.append(Problem("symbol", _where(key), str(error)))
    security_type = (
        security.security_type if security else _security_type(sent.get("type"), key, problems)
    )
    _clear_unknown_numbers(numbers, security_type, key, problems)
    return Holding(
        symbol_id=key,
        value=_symbol_value(sent.get("symbol"), key, problems),
        security=security,
        security_type=security_type,
        currency_symbol=_currency_symbol(sent, key, problems),
        **numbers,
    )


def _clear_unknown_numbers(
    numbers: _Numbers, security_type: str, key: str, problems: list[Problem]
) -> None:
    """Set to None the numbers that Lean sends as 0 while they are unknown.

    Without a rate, no amount in the account's currency is known. After a redeploy, a restored
    holding has no price until the broker or history sends one; only an option can really be worth
    0. At a price other than 0, no position is worth 0.
    """
    can_be_worth_0 = numbers["average_price"] == 0.0 or security_type in OPTIONS
    if numbers["market_price"] == 0.0 and not can_be_worth_0:
        message = "missing or 0 next to an average price, expected a price"
        problems.append(Problem("marketPrice", _where(key), message))
        numbers["market_price"] = None
    price, value = numbers["market_price"], numbers["market_value"]
    if numbers["conversion_rate"] == 0.0 or (price is None and not value):
        numbers |= dict.fromkeys(_COMPUTED)
    elif price != 0.0 and value == 0.0:
        message = "missing or 0 next to a quantity, a price and a rate, expected a value"
        problems.append(Problem("marketValue", _where(key), message))
        numbers["market_value"] = None


def _symbol_value(symbol: object, key: str, problems: list[Problem]) -> str:
    if is_empty(symbol):
        return ""
    value = folded(symbol).get("value", "") if isinstance(symbol, dict) else symbol
    if not isinstance(symbol, dict) or not isinstance(value, str):
        problems.append(problem("symbol", _where(key), value, "an object with a string value"))
        return ""
    return utf8(value)


def _security_type(sent: object, key: str, problems: list[Problem]) -> str:
    """Return the name of a ``type``, which QuantConnect sends as a number."""
    if sent is None:
        return "unknown"
    if type(sent) is int and 0 <= sent < 100:  # the two digits for the type in an identifier
        return security_type_name(sent)
    name = _SECURITY_TYPE_BY_FOLDED.get(sent.lower()) if isinstance(sent, str) else None
    if name is None:
        problems.append(problem("type", _where(key), sent, "a security type"))
        return "unknown"
    return name


def _currency_symbol(sent: Mapping[str, object], key: str, problems: list[Problem]) -> str:
    symbol = sent.get("currency_symbol", "" if _has_no_known_number(sent) else "$")
    if not isinstance(symbol, str):
        problems.append(problem("currencySymbol", _where(key), symbol, "a string"))
        return ""
    return utf8(symbol)


def _where(key: str) -> str:
    return f"holdings[{quoted(key)}]"


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
    # With the security: a reload may change how an identifier's strike is read.
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
