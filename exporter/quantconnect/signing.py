"""Signing of requests, as in QuantConnect's own clients (Lean: Common/Api/Authentication.cs)."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from requests.auth import AuthBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest


# Excerpts in messages are cut, so the beginning of a secret must be enough to recognise it. Base 64
# of a user id and a signature, with or without "Basic", begins with the id's first digit: M, N, O.
_SIGNATURE = (
    r"\b[0-9a-fA-F]{40,}|\bBasic\s+[A-Za-z0-9+/=]{16,}|(?<![A-Za-z0-9+/])[MNO][A-Za-z0-9+/]{79,}=*"
)
_RECOGNISABLE = 16


class Signature(AuthBase):
    """The signer of requests: sets the headers ``Authorization`` and ``Timestamp``.

    QuantConnect accepts a signature for two hours, so it is as secret as the token: neither is
    printed.
    """

    def __init__(self, *, user_id: int, token: str, now: Callable[[], float]) -> None:
        self._user_id = user_id
        self._token = token
        self._now = now
        whole = re.escape(token)
        beginning = rf"|{re.escape(token[:_RECOGNISABLE])}\w*" if len(token) > _RECOGNISABLE else ""
        self._secret = re.compile(f"{whole}{beginning}|{_SIGNATURE}")

    def __repr__(self) -> str:
        return f"Signature(user_id={self._user_id}, token=<secret>)"

    def scrub(self, text: str) -> str:
        """Return the text without the token and without signatures, which an answer may repeat."""
        return self._secret.sub("<secret>", text)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request with the current time."""
        timestamp = str(int(self._now()))
        digest = sha256(f"{self._token}:{timestamp}".encode()).hexdigest()
        credentials = b64encode(f"{self._user_id}:{digest}".encode()).decode("ascii")
        request.headers["Authorization"] = f"Basic {credentials}"
        request.headers["Timestamp"] = timestamp
        return request
