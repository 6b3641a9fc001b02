"""Single values of the configuration whose type and range do not say enough.

Each function turns text into a value, or raises ``ValueError`` with the reason, which is empty
where the expectation in the schema says enough.
"""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from exporter.config.duration import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

# Every label of the exporter's own series: quantconnect_project_info has some of them next to a
# project's own labels, and dashboards and rules join it to the others.
EXPORTER_LABELS: Final = frozenset(
    {
        "account",
        "account_currency",
        "brokerage",
        "busy",
        "code",
        "currency",
        "currency_symbol",
        "deploy_id",
        "endpoint",
        "field",
        "handler",
        "le",
        "lean_version",
        "limit",
        "market",
        "option_right",
        "project",
        "project_id",
        "python_version",
        "query",
        "reason",
        "result",
        "revision",
        "security_type",
        "source",
        "statistic",
        "status",
        "strike",
        "symbol",
        "symbol_id",
        "trading_environment",
        "underlying",
        "version",
    }
)
# Prometheus sets these on everything that it scrapes.
TARGET_LABELS: Final = frozenset({"job", "instance"})
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_UNIX_TIME: Final = re.compile(r"[0-9]{9,11}")
# QuantConnect began in 2012.
FIRST_MOMENT: Final = datetime(2012, 1, 1, tzinfo=UTC).timestamp()
_LAST_MOMENT: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_QUANTCONNECT: Final = ".quantconnect.com"
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def duration_between(minimum: str, maximum: str, *, off: bool) -> Callable[[str], float]:
    """Return a parser of durations from ``minimum`` to ``maximum``; with ``off``, of 0s too."""
    least, most = parse_duration(minimum), parse_duration(maximum)

    def parse(text: str) -> float:
        seconds = parse_duration(text)
        if seconds > most:
            raise ValueError(f"it is longer than {format_duration(most)}")
        if seconds < least and not (off and seconds == 0):
            raise ValueError(f"it is shorter than {format_duration(least)}")
        return seconds

    return parse


def label_name(text: str) -> str:
    """Return the name of a label that neither this exporter nor Prometheus sets."""
    if not _LABEL.fullmatch(text) or text.startswith("__"):
        raise ValueError
    if text in TARGET_LABELS:
        raise ValueError("Prometheus sets it")
    if text in EXPORTER_LABELS:
        raise ValueError("this exporter sets it")
    return text


def pattern(text: str) -> re.Pattern[str]:
    """Return a regular expression; as in Prometheus, a dot matches every character."""
    try:
        with warnings.catch_warnings():
            # "Possible nested set" and the like: a hint for programmers, not an error.
            warnings.simplefilter("ignore")
            return re.compile(text, re.DOTALL)
    except re.error as error:
        # Python quotes group names, and a group could be named after a secret.
        raise ValueError(re.sub(r" '[^']*'", "", str(error))) from None
    except (OverflowError, RecursionError):
        raise ValueError("it is too big") from None


def base_url(text: str) -> str:
    """Return an http or https address without its trailing slashes."""
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("it has white space or control characters in it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("it is no address") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError("it does not start with https:// or http://")
    if not parts.hostname or port == 0:
        raise ValueError("it names no host" if port != 0 else "it has port 0")
    if "@" in parts.netloc:
        raise ValueError("it has a user name or password in it")
    if "?" in text or "#" in text:
        raise ValueError("it has a query or fragment")
    host = parts.hostname.lower().rstrip(".")
    if parts.scheme == "http" and f".{host}".endswith(_QUANTCONNECT):
        raise ValueError("at QuantConnect it is https://, else signatures go unencrypted")
    return text.rstrip("/")


def moment(text: str) -> float:
    """Return unix seconds of a date (00:00 UTC), of a timestamp with a zone, or of themselves."""
    if _UNIX_TIME.fullmatch(text):
        seconds = float(text)
    else:
        match = _MOMENT.fullmatch(text)
        if match is None:
            raise ValueError
        if match[1] and not match[2]:
            raise ValueError("it has no time zone; write Z at its end for UTC")
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("there is no such day or time") from None
        seconds = (when if match[1] else when.replace(tzinfo=UTC)).timestamp()
    if not FIRST_MOMENT <= seconds < _LAST_MOMENT:
        raise ValueError("it is not between 2012 and 2100")
    return seconds


def format_moment(seconds: float) -> str:
    """Return the timestamp of whole unix seconds, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
