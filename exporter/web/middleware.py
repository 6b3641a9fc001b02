"""What happens around every request: counting, limiting, headers that browsers want."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.telemetry import Telemetry

_OTHER = "other"


class CountRequests:
    """Counts every request by the route that it matched and the status it got."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, routes: Iterable[Route]) -> None:
        self._app = app
        self._requests = telemetry.http_requests
        self._handlers: dict[object, str] = {route.endpoint: route.name for route in routes}
        for handler in self._handlers.values():
            self._requests.labels(handler, "200")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                handler = self._handlers.get(scope.get("endpoint"), _OTHER)
                self._requests.labels(handler, str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, count)


class LimitRequests:
    """Answers 503 while ``most`` requests are being answered; 0 is no limit.

    Health checks are exempt: a probe must not restart an exporter because it is busy.
    """

    def __init__(self, app: ASGIApp, *, most: int, exempt: Collection[str]) -> None:
        self._app = app
        self._most = most
        self._exempt = exempt
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if not self._most or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
        elif self._under_way >= self._most:
            text = f"Limit of {self._most} concurrent requests reached, try again later.\n"
            await PlainTextResponse(text, 503)(scope, receive, send)
        else:
            self._under_way += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._under_way -= 1


class SecurityHeaders:
    """Keeps a browser from running, framing or guessing anything; nothing of ours needs it."""

    def __init__(self, app: ASGIApp, *, style_hash: str) -> None:
        self._app = app
        policy = f"default-src 'none'; style-src '{style_hash}'; frame-ancestors 'none'"
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, add)
