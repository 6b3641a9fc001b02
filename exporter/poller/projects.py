"""The projects of one account: which there are, what they are called, what became known of them.

Not safe for threads: the account's poller holds its lock around every call. Times are monotonic
unless said otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config import Project
from exporter.log import Log
from exporter.metrics.reading import Source
from exporter.poller.discovery import Discovery
from exporter.poller.project import PublishedProject
from exporter.store import ProjectReport, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.clock import Clock
    from exporter.config import Account, Config
    from exporter.poller.claims import Claims
    from exporter.poller.plan import Plan
    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Deployment
    from exporter.store import Store

log = Log(__name__)


class AccountProjects:
    """Keeps the plan and what is published in step with what is configured and discovered."""

    def __init__(
        self,
        account: Account,
        config: Config,
        *,
        plan: Plan,
        claims: Claims,
        owns: Callable[[int], bool],
        store: Store,
        clock: Clock,
    ) -> None:
        self._account = account
        self._config = config
        self._plan = plan
        self._claims = claims
        self._owns = owns
        self._store = store
        self._clock = clock
        self._discovery = Discovery(account.discover) if account.discover else None
        self._settings: dict[int, Project] = {}
        self._published: dict[int, PublishedProject] = {}
        self._running: Mapping[int, Deployment] = {}
        self._listed = False
        for settings in self._configured():
            self._add(settings)

    # --- Which there are --------------------------------------------------------------------------

    def published(self, project_id: int) -> PublishedProject | None:
        """The project, if its name is settled and it is still to be read."""
        return self._published.get(project_id)

    def __len__(self) -> int:
        return len(self._settings)

    def complete(self, *, sources: bool) -> bool:
        """Whether every project was tried once: all its sources, or at least its portfolio."""
        if self._discovery is not None and not self._listed:
            return False
        return all(
            project_id in self._published
            and self._published[project_id].tried(None if sources else Source.PORTFOLIO)
            for project_id in self._settings
        )

    def _add(self, settings: Project) -> None:
        if not self._claims.take(settings.id, self._account.name):
            return
        self._settings[settings.id] = settings
        self._plan.add(
            settings.id,
            interval=settings.scrape_interval,
            named=settings.name is not None,
            now=self._clock.monotonic(),
        )
        if settings.name is not None:
            self._publish(settings, settings.name)
        elif settings in self._account.projects:
            report = ProjectReport(
                project_id=settings.id,
                name="",
                account=self._account.name,
                state="its name is being asked for",
                positions=None,
                sources=(),
            )
            self._store.put(Published(report))

    def _publish(self, settings: Project, name: str) -> None:
        self._published[settings.id] = PublishedProject(
            settings,
            name=name,
            account=self._account.name,
            config=self._config,
            intervals=self._intervals(settings.id),
            store=self._store,
            clock=self._clock,
        )

    def _remove(self, project_id: int) -> None:
        del self._settings[project_id]
        self._plan.remove(project_id)
        self._claims.release(project_id)
        published = self._published.pop(project_id, None)
        if published is None:
            self._store.remove(project_id)
        else:
            published.retire()

    def _intervals(self, project_id: int) -> dict[Source, float]:
        """The intervals in force of the sources that are read."""
        intervals = {source: self._plan.interval(project_id, source) for source in Source}
        return {source: interval for source, interval in intervals.items() if interval}

    def _configured(self) -> list[Project]:
        return [settings for settings in self._account.projects if self._owns(settings.id)]

    # --- Another configuration --------------------------------------------------------------------

    def release(self, account: Account) -> None:
        """Let go of what is not this account's any more, so that another one can take it."""
        listed = {settings.id: settings for settings in account.projects}
        before = {settings.id: settings for settings in self._configured()}
        for project_id, old in before.items():
            new = listed.get(project_id)
            # One that loses its configured name has to be asked for; that makes other series.
            if new is None or (old.name is not None and new.name is None):
                self._remove(project_id)
        if account.discover is None:
            for project_id in self._settings.keys() - listed.keys():
                self._remove(project_id)

    def release_all(self) -> None:
        """Let go of every project."""
        for project_id in list(self._settings):
            self._remove(project_id)

    def configure(self, account: Account, config: Config) -> None:
        """Go by this configuration; what it leaves as it was keeps its series and its place.

        ``release`` has been called before, for every account.
        """
        now = self._clock.monotonic()
        self._account, self._config = account, config
        if account.discover is None:
            self._discovery = None
        elif self._discovery is None:
            self._discovery, self._listed = Discovery(account.discover), False
        else:
            self._discovery.configure(account.discover)
        for settings in self._configured():
            if settings.id not in self._settings:
                self._add(settings)
        listed = {settings.id: settings for settings in account.projects}
        for project_id in list(self._settings):
            settings = listed.get(project_id, Project.discovered(project_id, config))
            self._settings[project_id] = settings
            self._plan.change_interval(project_id, settings.scrape_interval, now)
        for project_id, project in list(self._published.items()):
            settings = self._settings[project_id]
            discovery = None if project_id in listed else self._discovery
            if discovery is not None and not discovery.name(project_id, project.name):
                self._remove(project_id)
                continue
            project.configure(
                settings,
                account=account.name,
                config=config,
                intervals=self._intervals(project_id),
            )

    # --- Names ------------------------------------------------------------------------------------

    def named(self, project_id: int, name: str) -> None:
        """QuantConnect told the name, or it could not be had and is the id."""
        settings = self._settings.get(project_id)
        if settings is None or project_id in self._published:
            return
        discovered = self._discovery is not None and settings not in self._account.projects
        if (
            discovered
            and self._discovery is not None
            and not self._discovery.name(project_id, name)
        ):
            log.debug("A live project does not match", project_id=project_id, project=name)
            self._remove(project_id)
            return
        if discovered:
            log.info("Discovered a live project", project_id=project_id, project=name)
        self._publish(settings, name)
        now = self._clock.monotonic()
        self._plan.name_settled(project_id, now)
        if self._listed:
            self._apply_listing(project_id, duration=0.0, now=now)

    # --- What live/list told ----------------------------------------------------------------------

    def listed(self, running: Mapping[int, Deployment], *, duration: float) -> None:
        """The newest deployment of every project that runs in the account."""
        self._running = running
        self._listed = True
        if self._discovery is not None:
            self._discovery.running(running.keys(), self._clock.now())
            self._discover()
        now = self._clock.monotonic()
        for project_id in self._published:
            self._apply_listing(project_id, duration=duration, now=now)

    def _apply_listing(self, project_id: int, *, duration: float, now: float) -> None:
        deployment = self._running.get(project_id)
        news = self._plan.listed(project_id, running=deployment is not None, now=now)
        if deployment is not None:
            self._tell_status(project_id, deployment, duration=duration, news=news)

    def status(self, project_id: int, deployment: Deployment | None, *, duration: float) -> None:
        """The newest deployment of one project; None if it was never deployed."""
        if project_id not in self._published:
            return
        running = deployment is not None and deployment.status == "Running"
        if self._discovery is not None and deployment is not None:
            self._discovery.deployments({project_id: deployment})
        news = self._plan.runs(project_id, running=running, now=self._clock.monotonic())
        if news and deployment is not None and not running:
            log.info(
                "A project does not run",
                project_id=project_id,
                status=deployment.status,
                error=deployment.error,
            )
        self._tell_status(project_id, deployment, duration=duration, news=news)

    def _tell_status(
        self, project_id: int, deployment: Deployment | None, *, duration: float, news: bool
    ) -> None:
        project = self._published[project_id]
        interval = self._plan.interval(project_id, Source.STATUS)
        project.status(deployment, duration=duration, interval=interval)
        if news:
            project.intervals(self._intervals(project_id))

    def deployments(self, found: Mapping[int, Deployment]) -> None:
        """The newest deployment of every project of the account that ever had one."""
        if self._discovery is not None:
            self._discovery.deployments(found)
            self._discover()

    def _discover(self) -> None:
        assert self._discovery is not None  # noqa: S101 - both callers looked
        wanted = {
            project_id
            for project_id in self._discovery.wanted(self._clock.now())
            if self._owns(project_id)
        }
        configured = {settings.id for settings in self._configured()}
        for project_id in self._settings.keys() - wanted - configured:
            log.info("Forgot a project that no longer lives", project_id=project_id)
            self._remove(project_id)
        for project_id in sorted(wanted - self._settings.keys()):
            self._add(Project.discovered(project_id, self._config))

    # --- Failures ---------------------------------------------------------------------------------

    def failed(self, project_id: int, source: Source, error: ApiError, *, duration: float) -> None:
        """A source of a project could not be read."""
        project = self._published.get(project_id)
        if project is not None:
            interval = self._plan.interval(project_id, source)
            project.failed(source, error, duration=duration, interval=interval)

    def listing_failed(self, error: ApiError, *, duration: float) -> None:
        """What runs could not be listed: the status of all that is thought to run is not known."""
        for project_id, project in self._published.items():
            if self._plan.thought_to_run(project_id):
                interval = self._plan.interval(project_id, Source.STATUS)
                project.failed(
                    Source.STATUS, error, duration=duration, interval=interval, logged=True
                )
