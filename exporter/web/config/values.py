"""What single values of the file may look like, where that is more than a choice.

Each function turns text into a value, or raises ``ValueError`` with the reason (which may be empty
where the expectation says it all).
"""

from __future__ import annotations

import re
from typing import Final

_SWITCHES: Final = {
    **dict.fromkeys(("y", "yes", "on", "true"), True),
    **dict.fromkeys(("n", "no", "off", "false"), False),
}
_BCRYPT: Final = re.compile(r"\$2[abxy]\$(?:0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")
_BASE64: Final = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_END: Final = 28  # the last character of a salt
_USER: Final = re.compile(r"[^:\x00-\x1f\x7f]*")
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign
    "μs": 1_000,  # the Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_AMOUNT: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(ns|us|µs|μs|ms|s|m|h)")
_MAX_SECONDS: Final = 24 * 3600.0
_MAX_BURST: Final = 1_000_000


def switch(text: str) -> bool:
    """What YAML 1.1 takes for a boolean, as Go's does."""
    if text.lower() not in _SWITCHES:
        raise ValueError
    return _SWITCHES[text.lower()]


def bcrypt_hash(text: str) -> bytes:
    """A hash as ``htpasswd -B`` prints it; what a block of YAML leaves around it is left out.

    Of a salt's last character two bits count. Go does not look at the others; to Python's bcrypt,
    a salt that has any is none.
    """
    text = text.strip()
    if not _BCRYPT.fullmatch(text):
        raise ValueError
    last = _BASE64[_BASE64.index(text[_SALT_END]) & 0b110000]
    return f"{text[:_SALT_END]}{last}{text[_SALT_END + 1 :]}".encode()


def user_name(text: str) -> bytes:
    """A name that can be sent: in basic auth, a colon ends it."""
    if not _USER.fullmatch(text):
        raise ValueError
    return text.encode()


def interval(text: str) -> float:
    """Seconds of a Go duration (``1s``, ``100ms``, ``1m30s``, ``1.5s``); 0 is no limit.

    Go's YAML also takes a bare number and means nanoseconds, which nobody who writes one does.
    """
    if text == "0":
        return 0.0
    if re.fullmatch(r"[-+]?[0-9.]+", text):
        raise ValueError("it has no unit")
    end, nanoseconds = 0, 0.0
    while match := _AMOUNT.match(text, end):
        nanoseconds += float(match[1]) * _NANOSECONDS[match[2]]
        end = match.end()
    if end == 0 or end < len(text):
        raise ValueError
    if nanoseconds > _MAX_SECONDS * 1e9:
        raise ValueError("it is longer than 24h")
    return nanoseconds / 1e9


def burst(text: str) -> int:
    """How many requests at once; 0 would refuse every one."""
    if not re.fullmatch(r"[0-9]{1,7}", text) or not 1 <= int(text) <= _MAX_BURST:
        raise ValueError
    return int(text)


def header(text: str) -> str:
    """The value of a header: one line, whatever block of YAML it was written as."""
    line = " ".join(text.split("\n")).strip()
    if not line.isascii() or (line and not line.isprintable()):
        raise ValueError
    return line
