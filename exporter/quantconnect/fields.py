"""Reading one field of an answer: what counts as a number, a text, an empty object.

QuantConnect changed the capitals of its names twice, and its backend writes an empty object as
``[]``; the decoders of this package are lenient about those two and strict about everything
else. A value that cannot be read is left out and becomes a Problem, never a default.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.model import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXCERPT_LENGTH = 60
_PRINTABLE_INTEGER = 10**_EXCERPT_LENGTH


def finite(value: object) -> float | None:
    """The float of a JSON number; None for anything else, NaN, infinity or beyond range."""
    kind = type(value)  # not isinstance: true and false are no numbers
    if kind is float:
        return value if isfinite(value) else None  # type: ignore[arg-type, return-value]
    if kind is int:
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            return None
    return None


def utf8(text: str) -> str:
    r"""The text, with a lone surrogate (``\ud800`` is valid JSON) escaped: labels are UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def quoted(text: str) -> str:
    """The text as a bounded ASCII JSON string, for messages."""
    return json.dumps(text if len(text) <= _EXCERPT_LENGTH else text[:_EXCERPT_LENGTH] + "…")


def excerpt(value: object) -> str:
    """What a value is, for messages: its type, and as much of it as is safe to log."""
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
    """The object with its names in lower case, so that all capitalisations read alike."""
    return {name.lower(): value for name, value in raw.items()}


def is_empty(value: object) -> bool:
    """``{}``, ``[]`` or null: three ways to write an empty object or list."""
    return value is None or value == {} or value == []


def mapping(value: object, where: str) -> dict[str, object]:
    """The object, empty for null and ``[]``. Raises ApiError (malformed) for anything else."""
    if is_empty(value):
        return {}
    if not isinstance(value, dict):
        raise ApiError(Reason.MALFORMED, f"{where}: found {excerpt(value)}, expected an object")
    return value


def sequence(value: object, where: str) -> list[object]:
    """The list, empty for null and ``{}``. Raises ApiError (malformed) for anything else."""
    if is_empty(value):
        return []
    if not isinstance(value, list):
        raise ApiError(Reason.MALFORMED, f"{where}: found {excerpt(value)}, expected an array")
    return value


def refuse_errors(answer: Mapping[str, object], what: str) -> None:
    """Raise ApiError (api_error) where a folded answer that says success names ``errors``.

    For an answer with nothing in it, which the errors may well be the reason of. Beside something
    they are no failure: QuantConnect's own clients go by ``success`` alone.
    """
    errors = answer.get("errors")
    if errors:
        first = errors[0] if isinstance(errors, list) else errors
        raise ApiError(Reason.API_ERROR, f"{what} beside errors: {excerpt(first)}")


def problem(field: str, where: str, value: object, expected: str) -> Problem:
    """The Problem of a value that cannot be read."""
    return Problem(field, where, f"found {excerpt(value)}, expected {expected}")


def number(
    raw: Mapping[str, object], field: str, where: str, problems: list[Problem]
) -> float | None:
    """The number of a folded object's field, never minus zero.

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
    """The text of a folded object's field; empty where it is missing, null or unreadable."""
    value = raw.get(field.lower())
    if value is None:
        return ""
    if not isinstance(value, str):
        problems.append(problem(field, where, value, "a string"))
        return ""
    return utf8(value)
