"""Stands before the application: rate limit, basic auth and headers, for every path but probes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from exporter.config.problems import ConfigError
from exporter.web.config.basicauth import BasicAuth, BusyError
from exporter.web.config.ratelimit import TokenBucket
from exporter.web.messages import text_response

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from exporter.web.config.settings import RateLimit, Settings
    from exporter.web.config.watched import WebConfig
    from exporter.web.messages import Handler, Request, Response

_REFUSALS: Final = {
    401: "Unauthorized\n",
    429: "Too Many Requests\n",
    500: "Internal Server Error\n",
    503: "Too many passwords are being checked, try again later\n",
}


class Guard:
    """Asks the web configuration of now about each request, in the order of the exporter-toolkit.

    Requests for ``exempt`` paths are always passed on.
    """

    def __init__(
        self,
        handler: Handler,
        config: WebConfig,
        *,
        exempt: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._handler = handler
        self._config = config
        self._exempt = exempt
        self._clock = clock
        self._bucket: TokenBucket | None = None
        self._basic_auth = BasicAuth()

    async def __call__(self, request: Request) -> Response:
        """Return the application's response, or a refusal, with the configured headers."""
        is_exempt = request.path in self._exempt
        try:
            settings = self._config.settings()
        except ConfigError:
            return await self._handler(request) if is_exempt else _refusal(500)
        status = None if is_exempt else await self._objection(settings, request)
        response = await self._handler(request) if status is None else _refusal(status)
        return _with_headers(response, settings.headers)

    async def _objection(self, settings: Settings, request: Request) -> int | None:
        if settings.rate_limit is not None and not self._within(settings.rate_limit):
            return 429
        if not settings.users:
            return None
        authorizations = request.values(b"authorization")
        if len(authorizations) != 1:
            return 401
        try:
            admitted = await self._basic_auth.admits(settings.users, authorizations[0])
        except BusyError:
            return 503
        return None if admitted else 401

    def _within(self, limit: RateLimit) -> bool:
        if self._bucket is None or self._bucket.limit != limit:
            self._bucket = TokenBucket(limit, self._clock)
        return self._bucket.take()


def _refusal(status: int) -> Response:
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = "Basic"
    return text_response(_REFUSALS[status], status, headers)


def _with_headers(response: Response, configured: Mapping[str, str]) -> Response:
    """Return the response with the configured headers; an empty one removes the application's."""
    headers = {**response.headers, **configured}
    return replace(response, headers={name: value for name, value in headers.items() if value})
