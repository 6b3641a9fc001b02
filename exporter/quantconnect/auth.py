"""Signing of requests, as QuantConnect's own clients do it (Lean: Common/Api/Authentication.cs)."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from requests.auth import AuthBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest


# Excerpts in messages are cut, so that the beginning of a secret must do to know it. The base 64 of
# a user id and a signature, also without its "Basic", begins with a digit's M, N or O.
_SIGNATURE = (
    r"\b[0-9a-fA-F]{40,}|\bBasic\s+[A-Za-z0-9+/=]{16,}|(?<![A-Za-z0-9+/])[MNO][A-Za-z0-9+/]{79,}=*"
)
_TELLING = 16


class Signature(AuthBase):
    """Puts the headers ``Authorization`` and ``Timestamp`` on a request, anew for each one.

    QuantConnect takes a signature for two hours, so that it is worth as much care as the token:
    neither is printed. That this is an ``AuthBase`` also keeps requests from putting what it
    finds in a ``.netrc`` in its place.
    """

    def __init__(self, *, user_id: int, token: str, now: Callable[[], float]) -> None:
        self._user_id = user_id
        self._token = token
        self._now = now
        whole = re.escape(token)
        begun = rf"|{re.escape(token[:_TELLING])}\w*" if len(token) > _TELLING else ""
        self._secret = re.compile(f"{whole}{begun}|{_SIGNATURE}")

    def __repr__(self) -> str:
        return f"Signature(user_id={self._user_id}, token=<secret>)"

    def scrub(self, text: str) -> str:
        """The text without the token or any signature, should an answer have repeated one."""
        return self._secret.sub("<secret>", text)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign, as of now."""
        timestamp = str(int(self._now()))
        digest = sha256(f"{self._token}:{timestamp}".encode()).hexdigest()
        credentials = b64encode(f"{self._user_id}:{digest}".encode()).decode("ascii")
        request.headers["Authorization"] = f"Basic {credentials}"
        request.headers["Timestamp"] = timestamp
        return request
