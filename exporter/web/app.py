"""The routes: metrics, health, the configuration and pages.

Every response is made of what is known already: no request causes an API call or waits for one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from exporter import exposition
from exporter.clock import Clock
from exporter.log import Log
from exporter.sources import READ_FAMILIES
from exporter.store import Store
from exporter.telemetry import Telemetry
from exporter.web.messages import Request, Response, text_response
from exporter.web.pages import landing_page, project_page
from exporter.web.template import STYLE_HASH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.store import AccountReport
    from exporter.web.messages import Handler

log = Log(__name__)

_PROJECTS: Final = "/projects/"
_LONGEST_ID: Final = 20
"""Digits."""
_READ_METHODS: Final = ("GET", "HEAD")
_RELOAD_METHODS: Final = ("POST", "PUT")
# "none" is a request of the user's own, such as a bookmark.
_OUR_SITES: Final = (b"same-origin", b"none")
PROBES: Final = ("/-/healthy", "/-/ready")
"""Paths that are neither limited nor guarded: a probe that fails restarts the exporter."""
_SECURITY_HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Vitals(Protocol):
    """The poller's knowledge of itself."""

    def healthy(self) -> bool:
        """Return whether every loop turns."""

    def ready(self) -> bool:
        """Return whether every configured project was tried once."""

    def accounts(self) -> Sequence[AccountReport]:
        """Return the state of each account."""


class Configuration(Protocol):
    """The configuration, as far as HTTP may read and reload it."""

    def running(self) -> str:
        """Return the running configuration as YAML without secrets."""

    def reload(self) -> None:
        """Load the configuration again; raise an exception that says what is wrong with it."""


class Route(Struct, frozen=True):
    """A path and its response.

    ``path`` is also the label ``handler`` of the requests' counter. ``in_thread`` is for responses
    that take long to make; the others are made in the event loop.
    """

    path: str
    respond: Callable[[Request], Response]
    methods: tuple[str, ...] = _READ_METHODS
    in_thread: bool = False

    async def answer(self, request: Request) -> Response:
        """Return the response, or 405 for a method that the route does not have."""
        if request.method not in self.methods:
            text = f"Method Not Allowed: use {' or '.join(self.methods)}.\n"
            return text_response(text, 405, {"allow": ", ".join(self.methods)})
        if self.in_thread:
            return await asyncio.to_thread(self.respond, request)
        return self.respond(request)


class Site(Struct, frozen=True):
    """The response of each path; ``telemetry_path`` is that of the metrics."""

    store: Store
    telemetry: Telemetry
    vitals: Vitals
    configuration: Configuration
    clock: Clock
    version: str
    telemetry_path: str
    compressor: exposition.Compressor = field(default_factory=exposition.Compressor)
    reloads: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(2))

    def routes(self) -> tuple[Route, ...]:
        """Return every route."""
        return (
            Route(self.telemetry_path, self.metrics, in_thread=True),
            Route("/", self.landing),
            Route(f"{_PROJECTS}<id>", self.project),
            Route("/config", self.config),
            Route("/-/reload", self.reload, _RELOAD_METHODS, in_thread=True),
            Route("/-/healthy", self.healthy),
            Route("/-/ready", self.ready),
        )

    def metrics(self, request: Request) -> Response:
        """Return every family, in the format and coding that the client prefers."""
        offered = exposition.negotiate(request.header(b"accept"))
        pieces = exposition.pieces(
            READ_FAMILIES, self.store.snapshots(), self.telemetry.registry, offered
        )
        headers = {"content-type": offered.content_type, "vary": "Accept, Accept-Encoding"}
        if exposition.accepts_gzip(request.header(b"accept-encoding")):
            headers["content-encoding"] = "gzip"
            return Response(200, self.compressor.gzip(pieces), headers)
        return Response(200, pieces, headers)

    def landing(self, _: Request) -> Response:
        """Return the page for people."""
        page = landing_page(
            self.store.reports(),
            version=self.version,
            telemetry_path=self.telemetry_path,
            now=self.clock.now(),
            accounts=self.vitals.accounts(),
        )
        return Response(200, [page.encode()], {"content-type": "text/html; charset=utf-8"})

    def project(self, request: Request) -> Response:
        """Return the page of one project."""
        project_id = request.path.removeprefix(_PROJECTS)
        known = project_id.isascii() and project_id.isdigit() and len(project_id) < _LONGEST_ID
        report = self.store.report(int(project_id)) if known else None
        if report is None:
            return text_response("No such project is configured or discovered here.\n", 404)
        samples = exposition.samples(self.store.snapshots_of(report.project_id))
        accounts = {account.name: account for account in self.vitals.accounts()}
        page = project_page(
            report, samples, now=self.clock.now(), account=accounts.get(report.account)
        )
        return text_response(page)

    def config(self, _: Request) -> Response:
        """Return the running configuration."""
        return text_response(self.configuration.running())

    def reload(self, request: Request) -> Response:
        """Load the configuration again; 500 and the reason where that fails."""
        if _is_cross_site(request):
            return text_response("Pages of other sites may not do that.\n", 403)
        # A second one has to wait, as its sender may know of a later change. More would only take
        # the threads in which scrapes are answered.
        if not self.reloads.acquire(blocking=False):
            return text_response("Reloads are under way, try again later.\n", 503)
        try:
            self.configuration.reload()
        except Exception as error:  # noqa: BLE001 - the client wants to read it, whatever it is
            return text_response(f"failed to reload config:\n{error}\n", 500)
        finally:
            self.reloads.release()
        return text_response("Reloaded\n")

    def healthy(self, _: Request) -> Response:
        """Return 503 if the process should be restarted, for liveness probes."""
        if self.vitals.healthy():
            return text_response("Healthy\n")
        return text_response("A scheduling loop has not turned for two minutes\n", 503)

    def ready(self, _: Request) -> Response:
        """Return 503 while there is nothing to scrape yet, for readiness probes."""
        if self.vitals.ready():
            return text_response("Ready\n")
        return text_response("Not every project has been tried yet\n", 503)


class Application:
    """The handler of every request: guard it, limit it, answer it, count it.

    At most ``max_requests`` are answered at a time, 0 for no limit; beyond it 503. ``guard`` makes
    a handler that may refuse a request before it is answered.
    """

    def __init__(
        self,
        site: Site,
        *,
        max_requests: int,
        guard: Callable[[Handler], Handler] | None = None,
    ) -> None:
        self._max_requests = max_requests
        self._under_way = 0
        self._routes = {route.path: route for route in site.routes()}
        self._requests = site.telemetry.http_requests
        for path in self._routes:
            self._requests.labels(path, "200")
        respond = self._respond_with_headers
        self._respond: Handler = respond if guard is None else guard(respond)

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request; an exception is logged and becomes 500."""
        try:
            response = await self._respond(request)
        except Exception:
            log.exception("A request could not be answered", path=request.path)
            response = text_response("Internal Server Error\n", 500)
        route = self._find(request.path)
        self._requests.labels(route.path if route else "other", str(response.status)).inc()
        return response

    def _find(self, path: str) -> Route | None:
        if path.startswith(_PROJECTS):
            project_id = path.removeprefix(_PROJECTS)
            return self._routes[f"{_PROJECTS}<id>"] if "/" not in project_id else None
        return self._routes.get(path)

    async def _respond_with_headers(self, request: Request) -> Response:
        response = await self._respond_within_limit(request)
        return replace(response, headers={**response.headers, **_SECURITY_HEADERS})

    async def _respond_within_limit(self, request: Request) -> Response:
        if self._max_requests and request.path not in PROBES:
            if self._under_way >= self._max_requests:
                text = f"Limit of {self._max_requests} concurrent requests reached,"
                return text_response(f"{text} try again later.\n", 503)
            self._under_way += 1
            try:
                return await self._respond_by_route(request)
            finally:
                self._under_way -= 1
        return await self._respond_by_route(request)

    async def _respond_by_route(self, request: Request) -> Response:
        route = self._find(request.path)
        return await route.answer(request) if route else text_response("Not Found\n", 404)


def _is_cross_site(request: Request) -> bool:
    """Return whether a browser asks on behalf of a page that is not ours.

    Any page may have a browser send a POST, to loopback too. The browser says so in one of two
    headers, which nothing else sends.
    """
    # This one knows better: behind a proxy, Host need not be what the browser asked for.
    if sites := request.values(b"sec-fetch-site"):
        return any(site not in _OUR_SITES for site in sites)
    host = request.host.lower()
    ours = (f"http://{host}".encode(), f"https://{host}".encode())
    return any(origin.lower() not in ours for origin in request.values(b"origin"))
