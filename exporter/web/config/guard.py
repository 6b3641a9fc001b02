"""Stands before the application: rate limit, basic auth and headers, for every path alike."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse

from exporter.config.problems import ConfigError
from exporter.web.config.basicauth import BasicAuth, BusyError
from exporter.web.config.ratelimit import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.web.config.settings import RateLimit, Settings
    from exporter.web.config.watched import WebConfig

_REFUSALS: Final = {
    401: "Unauthorized\n",
    429: "Too Many Requests\n",
    500: "Internal Server Error\n",
    503: "Too many passwords are being checked, try again later\n",
}
_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Guard:
    """Asks the web configuration of now about each request, in the order of the exporter-toolkit.

    ``refused`` is told the status of each answer that the application had no part in.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: WebConfig,
        *,
        refused: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._config = config
        self._refused = refused
        self._clock = clock
        self._bucket: TokenBucket | None = None
        self._basic_auth = BasicAuth()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        try:
            settings = self._config.settings()
        except ConfigError:
            await self._refuse(500, scope, receive, send)
            return
        send = _with_headers(settings.headers, send)
        status = await self._objection(settings, scope)
        if status is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse(status, scope, receive, send)

    async def _objection(self, settings: Settings, scope: Scope) -> int | None:
        if settings.rate_limit is not None and not self._within(settings.rate_limit):
            return 429
        if not settings.users:
            return None
        said = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(said) != 1:
            return 401
        try:
            admitted = await self._basic_auth.admits(settings.users, said[0])
        except BusyError:
            return 503
        return None if admitted else 401

    def _within(self, limit: RateLimit) -> bool:
        if self._bucket is None or self._bucket.limit != limit:
            self._bucket = TokenBucket(limit, self._clock)
        return self._bucket.take()

    async def _refuse(self, status: int, scope: Scope, receive: Receive, send: Send) -> None:
        self._refused(status)
        headers = dict(_HEADERS)
        if status == 401:
            headers["WWW-Authenticate"] = "Basic"
        await PlainTextResponse(_REFUSALS[status], status, headers)(scope, receive, send)


def _with_headers(headers: Mapping[str, str], send: Send) -> Send:
    if not headers:
        return send
    replaced = [name.encode() for name in headers]
    added = [(name.encode(), value.encode()) for name, value in headers.items() if value]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].lower() not in replaced]
            message["headers"] = [*kept, *added]
        await send(message)

    return sending
