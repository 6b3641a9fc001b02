"""One exception, with one reason, for all that can fail in a call to QuantConnect.

Transport, HTTP status, envelope and decoding raise it. The reason is the label ``reason`` of
``quantconnect_api_request_failures_total``, and the poller decides by it when to call again.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reason of a failed call; dashboards and alerts rely on the values."""

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

    ``retry_after`` is the wait that the server asked for, in seconds, or None without one.
    ``from_between`` is true if a proxy or another server in between refused, not QuantConnect:
    the body was its own, such as a page of HTML.
    ``is_loading`` is true if QuantConnect is still preparing the answer, which takes seconds.
    The message never contains a request header, a token or a signature.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        retry_after: float | None = None,
        from_between: bool = False,
        is_loading: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        self.from_between = from_between
        self.is_loading = is_loading

    def with_message(self, message: str) -> ApiError:
        """Return this error with another message."""
        return ApiError(
            self.reason,
            message,
            retry_after=self.retry_after,
            from_between=self.from_between,
            is_loading=self.is_loading,
        )


def on_one_line(text: str, most: int) -> str:
    """Return foreign text fit for a message: printable, on one line, at most so many characters."""
    line = " ".join(text.split())[:most]
    return "".join(character if character.isprintable() else "�" for character in line)
