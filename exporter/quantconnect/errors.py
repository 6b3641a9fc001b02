"""What can go wrong when QuantConnect is asked, as one exception with one reason.

Everything that fails between the request and the decoded answer ends here: transport, HTTP
status, envelope, decoding. The reason is the value of the ``reason`` label of
``quantconnect_api_request_failures_total`` and what the poller's back-off looks at.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a call failed; the values are a contract with dashboards and alerts."""

    AUTH = "auth"
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    API_ERROR = "api_error"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    NOT_READY = "not_ready"


class ApiError(Exception):
    """A call to QuantConnect that gave nothing to publish.

    ``retry_after`` is what the server asked us to wait, in seconds, or None where it did not say.
    ``from_between`` is whether it was not QuantConnect that refused, but a proxy or whatever else
    has bodies of its own, such as a page of HTML.
    The message never contains a request header, a token or a signature.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        retry_after: float | None = None,
        from_between: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.from_between = from_between

    def said(self, message: str) -> ApiError:
        """The same failure in other words."""
        return ApiError(
            self.reason, message, retry_after=self.retry_after, from_between=self.from_between
        )


def on_one_line(text: str, most: int) -> str:
    """What somebody else wrote, fit for a message: printable, on one line, at most so long."""
    line = " ".join(text.split())[:most]
    return "".join(character if character.isprintable() else "�" for character in line)
