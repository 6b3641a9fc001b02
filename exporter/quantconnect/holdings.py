"""The open positions of live/portfolio/read, however they are spelled.

``AveragePrice`` until 2024, ``averagePrice`` until February 2025, ``a`` since (Lean,
Common/Global.cs); deployments pinned to an old LEAN may still send the older ones. Zeros, a
conversion rate of 1 and the currency ``$`` are left out of today's. A hole must never look like
a sale: a position whose quantity cannot be read stays, without a quantity, and one of which
nothing can be read without any number.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from msgspec import Struct, ValidationError, convert
from msgspec.structs import astuple

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import finite, folded, is_empty, problem, quoted, utf8
from exporter.quantconnect.model import Holding, Problem
from exporter.quantconnect.symbols import (
    SECURITY_TYPES,
    IdentifierError,
    parse_identifier,
    security_type_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.quantconnect.model import Security

_NUMBERS = (
    "quantity",
    "averagePrice",
    "marketPrice",
    "conversionRate",
    "marketValue",
    "unrealizedPnl",
    "unrealizedPnLPercent",
)
_DEFAULTS = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
_QUANTITY = 0
# Not 0 only of a position: Lean sets all four to 0 when one is closed. A flat security may well
# have a price and a rate.
_EVIDENCE = (1, 4, 5, 6)
_FIELDS = (*_NUMBERS, "currencySymbol", "symbol", "type")
_CURRENCY_SYMBOL, _SYMBOL, _TYPE = 7, 8, 9
_SHORT_NAMES = ("q", "a", "p", "r", "v", "u", "up", "c")
# Where each spelling goes; the last one, in lower case, is what any other is looked up by.
_SLOTS = (
    {name: slot for slot, name in enumerate(_SHORT_NAMES)}
    | {name: slot for slot, name in enumerate(_FIELDS)}
    | {name.lower(): slot for slot, name in enumerate(_FIELDS)}
)
_SECURITY_TYPE_BY_FOLDED = {name.lower(): name for name in SECURITY_TYPES}


class _Today(Struct, forbid_unknown_fields=True):
    """A holding as it is sent today and nothing else, which msgspec reads ten times faster."""

    q: float = 0.0
    a: float = 0.0
    p: float = 0.0
    r: float = 1.0
    v: float = 0.0
    u: float = 0.0
    up: float = 0.0
    c: str = "$"


def decode_holdings(
    holdings: Mapping[str, object], strike_scale: int, problems: list[Problem]
) -> list[Holding]:
    """The open positions of ``portfolio.holdings``; what cannot be read goes to ``problems``.

    Raises ApiError (malformed) when there are holdings and none of them can be read.
    """
    result = []
    understood = strange = False
    for key, raw in holdings.items():
        if not raw and isinstance(raw, dict | list):
            continue  # {} and [] are a security without a position
        holding = _todays(utf8(key), raw, strike_scale)
        if holding is not None:
            understood = True
            result.append(holding)
            continue
        values, has_new_names = _values(raw) if isinstance(raw, dict) else (None, False)
        if values is None:
            strange = True
            if isinstance(raw, dict):  # of new names
                result.append(_unread(utf8(key), strike_scale, problems))
            problems.append(problem("other", _where(key), raw, "an object of known fields"))
            continue
        understood = True
        holding = _holding(utf8(key), values, strike_scale, problems, has_new_names=has_new_names)
        if holding is not None:
            result.append(holding)
    if strange and not understood:  # new names would look like a liquidation
        raise ApiError(
            Reason.MALFORMED,
            "live/portfolio/read: portfolio.holdings: no holding can be read, "
            f"{problems[-1].where}: {problems[-1].message}",
        )
    return result


def _todays(key: str, raw: object, strike_scale: int) -> Holding | None:
    """The open position, if there is nothing to think about: as nearly all of them are.

    Whatever is odd, or may be no position, is left to ``_values`` and ``_holding``, which come to
    the same for all that is read here.
    """
    try:
        sent = convert(raw, _Today)
        security = parse_identifier(key, strike_scale)
    except (ValidationError, IdentifierError, UnicodeEncodeError):  # a name with a lone surrogate
        return None
    q, a, p, r, v, u, up, glyph = astuple(sent)
    if q == 0.0 or not isfinite(q + a + p + r + v + u + up):
        return None
    kind = security.security_type
    glyph = utf8(glyph)
    z = 0.0  # added to minus zero, it is none
    return Holding(key, "", security, kind, glyph, q, a + z, p + z, r + z, v + z, u + z, up + z)


def _values(raw: dict[str, object]) -> tuple[list[object] | None, bool]:
    """What was sent, by slot, null like nothing; and whether anything was by an unknown name.

    None where names are not known and no other tells of a position: what it is of (``symbol`` and
    ``type``) was never sent without all the numbers.
    """
    values: list[object] = [None] * len(_FIELDS)
    known, strange, has_new_names = False, False, False
    for name, value in raw.items():
        slot = _SLOTS.get(name)
        if slot is None:
            slot = _SLOTS.get(name.lower())
            if slot is None:
                strange = True
                has_new_names = has_new_names or value is not None
                continue
        known = known or slot < _SYMBOL
        # Sent in two spellings, today's counts: the short one.
        if value is not None and (values[slot] is None or len(name) <= 2):
            values[slot] = value
    return None if strange and not known else values, has_new_names


def _holding(
    key: str,
    values: list[object],
    strike_scale: int,
    problems: list[Problem],
    *,
    has_new_names: bool,
) -> Holding | None:
    """The open position, or None where the quantity is 0."""
    numbers: list[float | None] = list(_DEFAULTS)
    for slot, field in enumerate(_NUMBERS):
        value = values[slot]
        if value is not None:
            read = finite(value)
            if read is None:
                problems.append(problem(field, _where(key), value, "a finite number"))
            numbers[slot] = None if read is None else read + 0.0  # no minus zero

    if numbers[_QUANTITY] == 0.0:
        if values[_QUANTITY] is not None or all(numbers[slot] == 0.0 for slot in _EVIDENCE):
            return None
        # A quantity that went missing, perhaps under a new name, must not look like a sale.
        numbers[_QUANTITY] = None
        message = "missing beside an average price, value or P/L that is not 0, expected a number"
        problems.append(Problem("quantity", _where(key), message))
    elif has_new_names:
        for slot in _not_0(numbers):
            if values[slot] is None:  # one of the new names may well be its own
                numbers[slot] = None
                message = "missing beside names that are not known, expected a number"
                problems.append(Problem(_NUMBERS[slot], _where(key), message))
    return _position(key, values, numbers, strike_scale, problems)


def _not_0(numbers: list[float | None]) -> list[int]:
    """The slots of what cannot be 0 in an open position, going by its other numbers."""
    _, average, price, rate, value, pnl, percent = numbers
    gains = bool(pnl or percent) and percent != -100.0  # which what is worth nothing does not
    return [
        slot
        for slot, is_not_0 in (
            (1, percent),
            (2, (value and rate) or gains),
            (4, (price and rate) or (gains and rate)),
            (5, percent),
            (6, pnl and average),
        )
        if is_not_0
    ]


def _unread(key: str, strike_scale: int, problems: list[Problem]) -> Holding:
    """A position that only its key tells of."""
    values: list[object] = [None] * len(_FIELDS)
    values[_CURRENCY_SYMBOL] = ""
    return _position(key, values, [None] * len(_NUMBERS), strike_scale, problems)


def _position(
    key: str,
    values: list[object],
    numbers: list[float | None],
    strike_scale: int,
    problems: list[Problem],
) -> Holding:
    security: Security | None = None
    try:
        security = parse_identifier(key, strike_scale)
    except IdentifierError as error:
        problems.append(Problem("symbol", _where(key), str(error)))
    return Holding(
        key,
        _symbol_value(values[_SYMBOL], key, problems),
        security,
        _security_type(values[_TYPE], key, problems)
        if security is None
        else security.security_type,
        _currency_symbol(values[_CURRENCY_SYMBOL], key, problems),
        *numbers,
    )


def _symbol_value(symbol: object, key: str, problems: list[Problem]) -> str:
    if is_empty(symbol):
        return ""
    value = folded(symbol).get("value", "") if isinstance(symbol, dict) else symbol
    if not isinstance(symbol, dict) or not isinstance(value, str):
        problems.append(problem("symbol", _where(key), value, "an object with a string value"))
        return ""
    return utf8(value)


def _security_type(sent: object, key: str, problems: list[Problem]) -> str:
    """The name of a ``type``: a number on the wire, a name in the documentation."""
    if sent is None:
        return "unknown"
    if type(sent) is int and 0 <= sent < 100:  # the two digits that an identifier has for it
        return security_type_name(sent)
    name = _SECURITY_TYPE_BY_FOLDED.get(sent.lower()) if isinstance(sent, str) else None
    if name is None:
        problems.append(problem("type", _where(key), sent, "a security type"))
        return "unknown"
    return name


def _currency_symbol(sent: object, key: str, problems: list[Problem]) -> str:
    if sent is None:
        return "$"
    if not isinstance(sent, str):
        problems.append(problem("currencySymbol", _where(key), sent, "a string"))
        return ""
    return utf8(sent)


def _where(key: str) -> str:
    return f"holdings[{quoted(key)}]"
