"""The routes: metrics, health, the configuration, pages. Every answer is of what is known already.

No request causes a call to QuantConnect or waits for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter import exposition
from exporter.metrics import PROJECT_FAMILIES
from exporter.web.middleware import CountRequests, LimitRequests, SecurityHeaders
from exporter.web.pages import STYLE_HASH, landing_page, project_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from exporter.clock import Clock
    from exporter.store import Store
    from exporter.telemetry import Telemetry


class Vitals(Protocol):
    """Whether the process does its work: what the poller knows of itself."""

    def healthy(self) -> bool:
        """Whether every loop turns."""

    def ready(self) -> bool:
        """Whether everything configured was tried once."""


def application(
    *,
    store: Store,
    telemetry: Telemetry,
    vitals: Vitals,
    configuration: Callable[[], str],
    version: str,
    telemetry_path: str,
    max_requests: int,
    clock: Clock,
) -> Starlette:
    """The ASGI application; ``configuration`` gives the running one as YAML without secrets."""

    def metrics(request: Request) -> Response:
        offered = exposition.negotiate(request.headers.get("accept", ""))
        body = exposition.join(PROJECT_FAMILIES, store.snapshots(), telemetry.registry, offered)
        headers = {"Content-Type": offered.content_type, "Vary": "Accept, Accept-Encoding"}
        if exposition.accepts_gzip(request.headers.get("accept-encoding", "")):
            body = exposition.compress(body)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    async def landing(_: Request) -> Response:
        return HTMLResponse(
            landing_page(
                store.reports(),
                version=version,
                telemetry_path=telemetry_path,
                now=clock.now(),
            )
        )

    async def project(request: Request) -> Response:
        project_id = request.path_params["project_id"]
        report = next((r for r in store.reports() if str(r.project_id) == project_id), None)
        if report is None:
            return PlainTextResponse(
                f"no project {project_id[:40]!r} is configured or discovered here\n", 404
            )
        samples = exposition.samples(store.snapshots_of(report.project_id))
        return PlainTextResponse(project_page(report, samples, now=clock.now()))

    async def config(_: Request) -> Response:
        return PlainTextResponse(configuration())

    async def healthy(_: Request) -> Response:
        if vitals.healthy():
            return PlainTextResponse("Healthy\n")
        return PlainTextResponse("A scheduling loop has not turned for two minutes\n", 503)

    async def ready(_: Request) -> Response:
        if vitals.ready():
            return PlainTextResponse("Ready\n")
        return PlainTextResponse("Not every project has been tried yet\n", 503)

    routes = [
        Route(telemetry_path, metrics, name=telemetry_path),
        Route("/", landing, name="/"),
        Route("/projects/{project_id}", project, name="/projects/<id>"),
        Route("/config", config, name="/config"),
        Route("/-/healthy", healthy, name="/-/healthy"),
        Route("/-/ready", ready, name="/-/ready"),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(CountRequests, telemetry=telemetry, routes=routes),
            Middleware(SecurityHeaders, style_hash=STYLE_HASH),
            Middleware(LimitRequests, most=max_requests, exempt=("/-/healthy", "/-/ready")),
        ],
    )
    app.router.redirect_slashes = False
    return app
