"""Signature checks, and lockouts after repeated failures.

A request is signed with ``Timestamp: t`` (unix seconds) and ``Authorization: Basic base64("{user
id}:{sha256("{token}:{t}") in hex}")``. The errors are those that users have reported; each is an
answer with status 200.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from exporter.simulator.api import error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.wire import Json

WINDOW = 7200.0
"""Seconds for which a signature is good. How far a clock may run ahead is not known; as far."""

INVALID_HASH = (
    "The API token hash is not valid. This could be due to an old hash, invalid API token, or an "
    "invalid timestamp."
)
LOCKED_OUT = "too many failed attempts for this user or ip"


@dataclass(slots=True)
class Authentication:
    """The access check. After ``lockout_after`` failures in a row of a user or an address (0:
    never), that user and that address are refused for ``lockout_seconds``, even with a valid
    signature."""

    lockout_after: int = 10
    lockout_seconds: float = 900.0
    _failures: dict[str, int] = field(default_factory=dict)
    _locked_until: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refusal(
        self,
        headers: Mapping[str, str],
        address: str,
        *,
        user_id: int,
        token: str,
        now: float,
    ) -> Json | None:
        """Return the error for a request from ``address`` at ``now`` (unix seconds); None if
        accepted."""
        user, signature = _credentials(headers.get("Authorization", ""))
        parties = (f"user {user}", f"address {address}")
        with self._lock:
            if any(now < self._locked_until.get(party, 0.0) for party in parties):
                return error(LOCKED_OUT)
            refusal = _judge(headers.get("Timestamp", "0"), user, signature, user_id, token, now)
            for party in parties:
                if refusal is None:
                    self._failures.pop(party, None)
                    continue
                self._failures[party] = self._failures.get(party, 0) + 1
                if 0 < self.lockout_after <= self._failures[party]:
                    self._locked_until[party] = now + self.lockout_seconds
                    self._failures[party] = 0
        return refusal

    def forgive(self) -> None:
        """Forget every failure and lockout."""
        with self._lock:
            self._failures.clear()
            self._locked_until.clear()


def _credentials(header: str) -> tuple[str, str]:
    """Return the user id and signature of a Basic authorization; empty if there is none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, signature = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, signature


def _judge(
    timestamp: str, user: str, signature: str, user_id: int, token: str, now: float
) -> Json | None:
    if not timestamp.isascii() or not timestamp.isdigit() or int(timestamp) == 0:
        return error("Invalid timestamp, value received: 0")
    if user != str(user_id):
        return error("UserID not valid")
    expected = sha256(f"{token}:{timestamp}".encode()).hexdigest()
    if (
        not hmac.compare_digest(expected.encode(), signature.encode())
        or abs(now - int(timestamp)) > WINDOW
    ):
        return error(INVALID_HASH, code=10002)
    return None
