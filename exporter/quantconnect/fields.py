"""Readers for one field of an answer: a number, a text, a date, an empty object.

QuantConnect changed the capitals of its names twice, its backend writes an empty object as ``[]``,
and it has sent numbers as strings overnight. The decoders are lenient about those three and strict
about everything else: a value that cannot be read is left out and becomes a Problem, never a
default.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING

from msgspec import Struct

from exporter.quantconnect.errors import ApiError, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_EXCERPT_LENGTH = 60
_PRINTABLE_INTEGER = 10**_EXCERPT_LENGTH
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_INTEGER = re.compile(r"[0-9]{1,18}")
_TIMESTAMP = re.compile(
    r"(?P<seconds>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?P<fraction>\.[0-9]{1,9})?"
    r"(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_NEVER = "0001-01-01"  # .NET's DateTime.MinValue


class Problem(Struct, frozen=True):
    """One thing in a good answer that was left out because it could not be read."""

    field: str
    """The documented (long) name of the field in that endpoint's answer, or ``other``."""
    where: str
    """Its place, such as ``holdings["AAPL R735QTJ8XC9X"]``."""
    message: str
    """A short escaped excerpt of the value that was found, and the kind that was expected."""


def finite(value: object) -> float | None:
    """Return the float of a JSON number or of a plain decimal string.

    None for anything else: true and false, NaN, infinity, or a number beyond a float's range.
    """
    kind = type(value)  # not isinstance: true and false are no numbers
    if kind is float:
        return value if isfinite(value) else None  # type: ignore[arg-type, return-value]
    if kind is int or (kind is str and _is_decimal(value)):  # type: ignore[arg-type]
        try:
            result = float(value)  # type: ignore[arg-type]
        except OverflowError:
            return None
        return result if isfinite(result) else None
    return None


def exact(value: float) -> Decimal:
    """Return the decimal that a number was sent as: of such, a sum has no rounding in it."""
    return Decimal(repr(value))


def _is_decimal(text: str) -> bool:
    return len(text) <= _EXCERPT_LENGTH and _DECIMAL.fullmatch(text) is not None


def positive_integer(value: object) -> int | None:
    """Return a positive integer that was sent as one or as a string of digits, else None."""
    if type(value) is str and _INTEGER.fullmatch(value):
        value = int(value)
    return value if type(value) is int and value > 0 else None


def ratio(percent: float) -> float:
    """Return a finite percentage divided by 100: the float nearest to the decimal that was sent.

    -1.98 is -0.0198, where dividing the float, which is not quite -1.98, would round twice and
    give -0.019799999999999998. Never minus zero.
    """
    if -1e9 < percent < 1e9:  # nearly all have at most two decimals: whole numbers divide exactly
        hundredths = round(percent * 100)
        if hundredths / 100 == percent:
            return hundredths / 10_000
    return float(Decimal(repr(percent)).scaleb(-2)) + 0.0


def parse_timestamp(text: str) -> float | None:
    """Return the unix seconds of a date and time, in UTC unless it has an offset.

    ``2026-01-02 03:04:05`` is seen, ISO 8601 is documented. None for an empty text and for .NET's
    first day, which both mean that it has not happened. Raises ValueError for anything else.
    """
    if not text or text.startswith(_NEVER):
        return None
    match = _TIMESTAMP.fullmatch(text)
    expected = "expected 2026-01-02 03:04:05 or 2026-01-02T03:04:05Z"
    if match is None:
        raise ValueError(f"{quoted(text)} is no date, {expected}")
    try:
        moment = datetime.fromisoformat(match["seconds"] + (match["offset"] or "Z"))
    except ValueError as error:  # the 30th of February
        raise ValueError(f"{quoted(text)} is no date ({error}), {expected}") from None
    return moment.timestamp() + float(match["fraction"] or 0)


def utf8(text: str) -> str:
    r"""Return the text with lone surrogates escaped: ``\ud800`` is valid JSON, labels are UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def quoted(text: str) -> str:
    """Return the text as a bounded ASCII JSON string, for messages."""
    return json.dumps(text if len(text) <= _EXCERPT_LENGTH else text[:_EXCERPT_LENGTH] + "…")


def excerpt(value: object) -> str:
    """Return a value's type, and the part of the value that a message has room for."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean true" if value else "boolean false"
        case int():
            if abs(value) < _PRINTABLE_INTEGER:
                return f"number {value}"
            return f"number of {value.bit_length()} bits"
        case float():
            return f"number {value!r}"
        case str():
            return f"string {quoted(value)}"
        case list():
            return f"array of {len(value)}"
        case dict():
            return f"object of {len(value)}"
        case _:
            return type(value).__name__


def folded(raw: Mapping[str, object]) -> dict[str, object]:
    """Return the object with its names in lower case: capitals make no difference."""
    return {name.lower(): value for name, value in raw.items()}


def is_empty(value: object) -> bool:
    """Return True for ``{}``, ``[]`` and null: three ways to write an empty object or list."""
    return value is None or value == {} or value == []


def mapping(value: object, where: str) -> dict[str, object]:
    """Return the object, empty for null and ``[]``; raises ApiError (malformed) otherwise."""
    if is_empty(value):
        return {}
    if not isinstance(value, dict):
        raise ApiError(Reason.MALFORMED, f"{where}: found {excerpt(value)}, expected an object")
    return value


def sequence(value: object, where: str) -> list[object]:
    """Return the list, empty for null and ``{}``; raises ApiError (malformed) otherwise."""
    if is_empty(value):
        return []
    if not isinstance(value, list):
        raise ApiError(Reason.MALFORMED, f"{where}: found {excerpt(value)}, expected an array")
    return value


def refuse_errors(answer: Mapping[str, object], what: str) -> None:
    """Raise ApiError (api_error) where a successful answer, folded, names ``errors``.

    For an answer without data, of which the errors may be the cause. Next to data they are no
    failure: QuantConnect's own clients look at ``success`` alone.
    """
    errors = answer.get("errors")
    if errors:
        first = errors[0] if isinstance(errors, list) else errors
        raise ApiError(Reason.API_ERROR, f"{what} next to errors: {excerpt(first)}")


def refuse_unready(answer: Mapping[str, object], field: str, endpoint: str) -> None:
    """Raise ApiError (not_ready) where a folded answer is still loading, or has no ``field``.

    Such an answer says nothing. It is no empty list, though ``success`` is true.
    """
    status = answer.get("status")
    is_loading = isinstance(status, str) and status.lower() == "loading"
    is_missing = answer.get(field.lower()) is None
    if is_loading or (is_missing and "progress" in answer):
        raise ApiError(Reason.NOT_READY, f"{endpoint}: still loading", is_loading=True)
    if is_missing:
        raise ApiError(Reason.NOT_READY, f"{endpoint}: the answer has no {field}")


def problem(field: str, where: str, value: object, expected: str) -> Problem:
    """Return the Problem of a value that cannot be read."""
    return Problem(field, where, f"found {excerpt(value)}, expected {expected}")


def unknown_name(name: str, where: str, missing: Iterable[str]) -> Problem:
    """Return the Problem of a name that is not known, perhaps the new one of a missing field."""
    message = f"found the name {quoted(name)}, expected a known one; missing: {', '.join(missing)}"
    return Problem("other", where, message)


def number(
    raw: Mapping[str, object], field: str, where: str, problems: list[Problem]
) -> float | None:
    """Return the number of a folded object's field, never minus zero.

    None where it is missing, null or unreadable.
    """
    value = raw.get(field.lower())
    if value is None:
        return None
    result = finite(value)
    if result is None:
        problems.append(problem(field, where, value, "a finite number"))
        return None
    return result + 0.0


def text(raw: Mapping[str, object], field: str, where: str, problems: list[Problem]) -> str:
    """Return the text of a folded object's field; empty where it is missing, null or unreadable."""
    value = raw.get(field.lower())
    if value is None:
        return ""
    if not isinstance(value, str):
        problems.append(problem(field, where, value, "a string"))
        return ""
    return utf8(value)


def timestamp(
    raw: Mapping[str, object], field: str, where: str, problems: list[Problem]
) -> float | None:
    """Return the unix seconds of a folded object's date; None where missing or unreadable."""
    try:
        return parse_timestamp(text(raw, field, where, problems))
    except ValueError as error:
        problems.append(Problem(field, where, str(error)))
        return None
