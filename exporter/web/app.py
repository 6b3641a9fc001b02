"""The routes: metrics, health, the configuration, pages. Every answer is of what is known already.

No request causes a call to QuantConnect or waits for one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter import exposition
from exporter.sources import PROJECT_FAMILIES
from exporter.web.middleware import CountRequests, LimitRequests, SecurityHeaders
from exporter.web.pages import landing_page, project_page
from exporter.web.template import STYLE_HASH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from exporter.clock import Clock
    from exporter.store import AccountReport, Store
    from exporter.telemetry import Telemetry


_LONGEST_ID = 20  # digits
_RELOAD_METHODS = ("POST", "PUT")
# "none": somebody typed it in.
_OUR_SITES = ("same-origin", "none")
_ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class Vitals(Protocol):
    """Whether the process does its work: what the poller knows of itself."""

    def healthy(self) -> bool:
        """Whether every loop turns."""

    def ready(self) -> bool:
        """Whether everything configured was tried once."""

    def accounts(self) -> Sequence[AccountReport]:
        """How QuantConnect takes each account."""


class Configuration(Protocol):
    """The configuration, as far as HTTP may know and do something about it."""

    def running(self) -> str:
        """The running one as YAML without secrets."""

    def reload(self) -> None:
        """Load it again; raises an exception that says what is wrong with it."""


@dataclass(frozen=True)
class Site:
    """What is answered under each path; ``telemetry_path`` is that of the metrics."""

    store: Store
    telemetry: Telemetry
    vitals: Vitals
    configuration: Configuration
    clock: Clock
    version: str
    telemetry_path: str
    reloads: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(2))

    def metrics(self, request: Request) -> Response:
        """Everything, in the format that the client prefers; in a thread, as its size decides."""
        offered = exposition.negotiate(request.headers.get("accept", ""))
        pieces = exposition.pieces(
            PROJECT_FAMILIES, self.store.snapshots(), self.telemetry.registry, offered
        )
        headers = {"Content-Type": offered.content_type, "Vary": "Accept, Accept-Encoding"}
        if exposition.accepts_gzip(request.headers.get("accept-encoding", "")):
            headers["Content-Encoding"] = "gzip"
            return Response(exposition.gzip(pieces), headers=headers)
        return Response(b"".join(pieces), headers=headers)

    async def landing(self, _: Request) -> Response:
        """The page for people."""
        page = landing_page(
            self.store.reports(),
            version=self.version,
            telemetry_path=self.telemetry_path,
            now=self.clock.now(),
            accounts=self.vitals.accounts(),
        )
        return HTMLResponse(page)

    async def project(self, request: Request) -> Response:
        """One project, explained."""
        project_id = request.path_params["project_id"]
        known = project_id.isascii() and project_id.isdigit() and len(project_id) < _LONGEST_ID
        report = self.store.report(int(project_id)) if known else None
        if report is None:
            return PlainTextResponse("No such project is configured or discovered here.\n", 404)
        samples = exposition.samples(self.store.snapshots_of(report.project_id))
        accounts = {account.name: account for account in self.vitals.accounts()}
        page = project_page(
            report, samples, now=self.clock.now(), account=accounts.get(report.account)
        )
        return PlainTextResponse(page)

    async def config(self, _: Request) -> Response:
        """The running configuration."""
        return PlainTextResponse(self.configuration.running())

    def reload(self, request: Request) -> Response:
        """Load the configuration again."""
        if request.method not in _RELOAD_METHODS:
            text = "This endpoint requires a POST or PUT request.\n"
            return PlainTextResponse(text, 405, headers={"Allow": ", ".join(_RELOAD_METHODS)})
        if _is_cross_site(request):
            return PlainTextResponse("Pages of other sites may not do that.\n", 403)
        # One that comes while another is under way has to wait, as it may know of a later change;
        # more of them would only take the threads that scrapes are answered in.
        if not self.reloads.acquire(blocking=False):
            return PlainTextResponse("Reloads are under way, try again later.\n", 503)
        try:
            self.configuration.reload()
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked wants to read it
            return PlainTextResponse(f"failed to reload config:\n{error}\n", 500)
        finally:
            self.reloads.release()
        return PlainTextResponse("Reloaded\n")

    async def healthy(self, _: Request) -> Response:
        """Whether the process should be left alone, for liveness probes."""
        if self.vitals.healthy():
            return PlainTextResponse("Healthy\n")
        return PlainTextResponse("A scheduling loop has not turned for two minutes\n", 503)

    async def ready(self, _: Request) -> Response:
        """Whether there is something to scrape, for readiness probes."""
        if self.vitals.ready():
            return PlainTextResponse("Ready\n")
        return PlainTextResponse("Not every project has been tried yet\n", 503)


def _is_cross_site(request: Request) -> bool:
    """Whether a browser asks for a page that is not ours.

    Any page may have a browser send a POST, to loopback too. The browser says so in one of two
    headers, which nothing else sends.
    """
    headers = request.headers
    # This one knows better: behind a proxy, Host need not be what the browser asked for.
    if sites := headers.getlist("sec-fetch-site"):
        return any(site not in _OUR_SITES for site in sites)
    host = headers.get("host", "").lower()
    ours = (f"http://{host}", f"https://{host}")
    return any(origin.lower() not in ours for origin in headers.getlist("origin"))


def application(site: Site, *, max_requests: int) -> Starlette:
    """The ASGI application."""
    routes = [
        Route(site.telemetry_path, site.metrics, name=site.telemetry_path),
        Route("/", site.landing, name="/"),
        Route("/projects/{project_id}", site.project, name="/projects/<id>"),
        Route("/config", site.config, name="/config"),
        Route("/-/reload", site.reload, name="/-/reload", methods=_ALL_METHODS),
        Route("/-/healthy", site.healthy, name="/-/healthy"),
        Route("/-/ready", site.ready, name="/-/ready"),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(CountRequests, telemetry=site.telemetry, routes=routes),
            Middleware(SecurityHeaders, style_hash=STYLE_HASH),
            Middleware(LimitRequests, most=max_requests, exempt=("/-/healthy", "/-/ready")),
        ],
    )
    app.router.redirect_slashes = False
    return app
