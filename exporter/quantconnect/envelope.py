"""The envelope of every answer of QuantConnect: success and the payload, or errors.

A usual failure is HTTP 200 with ``{"success": false, "errors": [...]}``, also for a wrong token;
proxies and load balancers answer HTML with any status. Errors also come as ``messages``,
``Message`` and with an ``errorCode``. The client opens each answer here, before it is decoded.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import msgspec

from exporter.quantconnect.errors import ApiError, Reason, on_one_line
from exporter.quantconnect.fields import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.quantconnect.transport import Answer

_AUTH_ERROR_CODES = (10002,)
_AUTH = re.compile(
    r"hash (doesn't|does not) match|token hash is not valid|user ?id (is )?not valid"
    r"|invalid timestamp|invalid api token|too many failed attempts",
    re.IGNORECASE,
)
_RATE_LIMIT = re.compile(r"rate.?limit|too many requests", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,30}/[\w.+-]{1,30}", re.ASCII)
_LONGEST_MESSAGE = 300


def open_envelope(answer: Answer, *, scrub: Callable[[str], str]) -> dict[str, Any]:
    """Return the JSON object of an answer that says success. Raise ApiError otherwise.

    ``scrub`` takes secrets out of QuantConnect's text before that is cut to its length.
    """
    status = answer.status
    if 300 <= status < 400:
        raise ApiError(
            Reason.MALFORMED,
            f"HTTP {status}: redirects are not followed; is base_url right, is a proxy in the way?",
        )
    payload = _decode(answer.body)
    if isinstance(payload, dict):
        if 200 <= status < 300 and _succeeded(payload):
            return payload
        errors = on_one_line(scrub("; ".join(_errors(payload))), _LONGEST_MESSAGE)
        raise ApiError(
            _reason(status, payload, errors),
            f"QuantConnect answered: {errors}" if errors else _unexplained(status),
            retry_after=retry_after(answer.headers),
        )
    found = _describe(answer, payload)
    if 200 <= status < 300:
        raise ApiError(Reason.MALFORMED, f"expected a JSON object, got {found}")
    raise ApiError(
        _reason(status, {}, ""),
        f"HTTP {status} with {found}",
        retry_after=retry_after(answer.headers),
        from_between=bool(answer.body),
    )


def _decode(body: bytes) -> object:
    """Return the JSON as msgspec reads it, else as the standard library does, else UNSET.

    The standard library accepts NaN and Infinity, which .NET writes though JSON lacks them, a byte
    order mark and numbers beyond a float: one such number must not cost the whole answer.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    except RecursionError:
        return msgspec.UNSET
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return msgspec.UNSET


def _succeeded(payload: Mapping[str, Any]) -> bool:
    success = _get(payload, "success")
    if success is None:  # the oldest encoding has no such field
        return "success" not in payload and not _errors(payload)
    return success is True


def _errors(payload: Mapping[str, Any]) -> list[str]:
    """Return the texts of all errors in the answer."""
    parts: list[str] = []
    for key in ("errors", "messages", "message", "error"):
        found = _get(payload, key)
        parts += [_text(item) for item in (found if isinstance(found, list) else [found]) if item]
    return parts


def _text(item: object) -> str:
    if isinstance(item, str):
        return item
    try:
        return json.dumps(item)
    except RecursionError:
        return excerpt(item)


def _get(payload: Mapping[str, Any], key: str) -> Any:
    return payload.get(key, payload.get(key.capitalize()))


def _reason(status: int, payload: Mapping[str, Any], errors: str) -> Reason:
    code = payload.get("errorCode")
    if status == 401 or code in _AUTH_ERROR_CODES or _AUTH.search(errors):
        return Reason.AUTH
    if status == 429 or _RATE_LIMIT.search(errors):
        return Reason.RATE_LIMIT
    if 400 <= status < 500:
        return Reason.HTTP_4XX
    if status >= 500:
        return Reason.HTTP_5XX
    return Reason.API_ERROR


def _unexplained(status: int) -> str:
    return f"QuantConnect answered HTTP {status} without success and gave no error"


def _describe(answer: Answer, payload: object) -> str:
    """Return a short description of a body that is no envelope.

    Its text is left out because it may hold secrets, and its length because the message of a
    lasting error must stay the same to be logged once.
    """
    if payload is not msgspec.UNSET:
        return _JSON_TYPES[type(payload)]
    if not answer.body:
        return "an empty body"
    start = answer.body[:200].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        in_between = answer.status < 500  # QuantConnect's own 5xx come with a page too
        return "an HTML page" + " (a proxy or a login page in the way?)" * in_between
    found = _MEDIA_TYPE.match(answer.headers.get("Content-Type", ""))
    media_type = found[0] if found else "application/json"
    return "invalid JSON" if media_type.lower().endswith("json") else media_type


_JSON_TYPES = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, by number or date; None without one."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    when, now = _http_date(value), _http_date(headers.get("Date", ""))
    if when is None:
        return None
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def clock_skew(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds by which ``now`` is ahead of the ``Date`` header; None without one."""
    date = _http_date(headers.get("Date", ""))
    return None if date is None else now - date.timestamp()


def _http_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
