"""The projects of one account: which there are, what they are called, what became known of them.

Not safe for threads: the account's poller holds its lock around every call. Times are monotonic
unless said otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.metrics.reading import Source
from exporter.poller.discovery import Discovery
from exporter.poller.project import PublishedProject
from exporter.poller.statuses import Statuses
from exporter.store import ProjectReport, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from exporter.clock import Clock
    from exporter.config import Account, Config, ProjectSettings
    from exporter.poller.claims import Claims
    from exporter.poller.plan import Plan
    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Deployment
    from exporter.store import Store

log = Log(__name__)


class AccountProjects:
    """Keeps the plan and what is published in step with what is configured and discovered.

    ``owns`` tells which projects this process reads at all; ``elsewhere`` are those that other
    accounts list, and so are not discovered in this one.
    """

    def __init__(
        self,
        account: Account,
        config: Config,
        *,
        plan: Plan,
        claims: Claims,
        owns: Callable[[int], bool],
        elsewhere: Collection[int],
        store: Store,
        clock: Clock,
    ) -> None:
        self._account = account
        self._config = config
        self._plan = plan
        self._claims = claims
        self._owns = owns
        self._elsewhere = elsewhere
        self._store = store
        self._clock = clock
        self._discovery = Discovery(account.discover) if account.discover else None
        self._settings: dict[int, ProjectSettings] = {}
        self._published: dict[int, PublishedProject] = {}
        # Of whom the name could not be had, which is still asked for, since it has to be matched.
        self._nameless: set[int] = set()
        # Whose id took its place, until a reload.
        self._called_by_id: set[int] = set()
        self._listing_tried = False
        self._statuses = Statuses(plan, self._published, clock=clock)
        self._configured = self._owned(account)
        for settings in self._configured.values():
            self._add(settings)

    def _owned(self, account: Account) -> dict[int, ProjectSettings]:
        return {settings.id: settings for settings in account.projects if self._owns(settings.id)}

    # --- Which there are --------------------------------------------------------------------------

    def published(self, project_id: int) -> PublishedProject | None:
        """The project, if its name is settled and it is still to be read."""
        return self._published.get(project_id)

    def complete(self, *, sources: bool) -> bool:
        """Whether every project was tried once: all its sources, or at least its portfolio."""
        if self._discovery is not None and not self._listing_tried:
            return False
        source = None if sources else Source.PORTFOLIO
        return all(
            project_id in self._nameless
            or (project_id in self._published and self._published[project_id].tried(source))
            for project_id in self._settings
        )

    def _add(self, settings: ProjectSettings) -> None:
        if not self._claims.take(settings.id, self):
            return  # another account discovered it first
        self._settings[settings.id] = settings
        named = settings.name is not None
        now = self._clock.monotonic()
        self._plan.add(settings.id, interval=settings.scrape_interval, named=named, now=now)
        if settings.name is not None:
            self._publish(settings, settings.name)
        elif settings.id in self._configured:
            self._announce(settings.id)

    def _announce(self, project_id: int) -> None:
        """Tell people of a configured project that has no name yet, and so no series."""
        report = ProjectReport(
            project_id=project_id,
            name="",
            account=self._account.name,
            state="its name is being asked for",
            positions=None,
            sources=(),
        )
        self._store.put(Published(report))

    def _publish(self, settings: ProjectSettings, name: str) -> None:
        self._published[settings.id] = PublishedProject(
            settings,
            name=name,
            account=self._account.name,
            config=self._config,
            intervals=self._plan.intervals(settings.id),
            store=self._store,
            clock=self._clock,
        )
        self._statuses.published(settings.id)

    def _remove(self, project_id: int) -> None:
        del self._settings[project_id]
        self._plan.remove(project_id)
        self._nameless.discard(project_id)
        self._called_by_id.discard(project_id)
        self._statuses.forget(project_id)
        published = self._published.pop(project_id, None)
        if published is None:
            self._store.remove(project_id)
        else:
            published.retire()
        # Only now: who takes it next publishes it under the same id.
        self._claims.release(project_id)

    # --- Another configuration --------------------------------------------------------------------

    def release(self, account: Account, elsewhere: Collection[int]) -> None:
        """Let go of what is not this account's any more, so that another one can take it."""
        self._elsewhere = elsewhere
        listed = self._owned(account)
        for project_id, settings in list(self._settings.items()):
            new = listed.get(project_id)
            if new is not None:
                # One that loses its configured name has to be asked for; that makes other series.
                stays = new.name is not None or settings.name is None
            else:
                stays = (
                    account.discover is not None
                    and project_id not in self._configured
                    and project_id not in elsewhere
                )
            if not stays:
                self._remove(project_id)

    def release_all(self) -> None:
        """Let go of every project."""
        for project_id in list(self._settings):
            self._remove(project_id)

    def configure(self, account: Account, config: Config) -> None:
        """Go by this configuration; what it leaves as it was keeps its series and its place.

        ``release`` has been called before, for every account, and ``Plan.keep_pace``.
        """
        self._account, self._config = account, config
        self._configured = self._owned(account)
        if account.discover is None:
            self._discovery = None
        elif self._discovery is None:
            self._discovery, self._listing_tried = Discovery(account.discover), False
        else:
            self._discovery.configure(account.discover)
        for project_id, settings in self._configured.items():
            if project_id not in self._settings:
                self._add(settings)
        now = self._clock.monotonic()
        for project_id in self._settings:
            settings = account.settings_for(project_id)
            self._settings[project_id] = settings
            self._plan.change_interval(project_id, settings.scrape_interval, now)
        for project_id, settings in list(self._settings.items()):
            self._configure(project_id, settings)
        for project_id in self._called_by_id:
            self._plan.ask_name(project_id, now)

    def _configure(self, project_id: int, settings: ProjectSettings) -> None:
        project = self._published.get(project_id)
        if project is None:
            if settings.name is not None:
                self._settle(settings, settings.name)
            elif project_id in self._configured:
                self._announce(project_id)
        elif self._rejects(project_id, project.name):
            self._remove(project_id)
        else:
            if settings.name is not None:
                self._called_by_id.discard(project_id)
            project.configure(
                settings,
                account=self._account.name,
                config=self._config,
                intervals=self._plan.intervals(project_id),
            )

    # --- Names ------------------------------------------------------------------------------------

    def named(self, project_id: int, name: str) -> None:
        """QuantConnect told the name of a project."""
        settings = self._settings.get(project_id)
        project = self._published.get(project_id)
        if settings is None or (project is not None and project_id not in self._called_by_id):
            return
        if self._rejects(project_id, name):
            log.debug("A live project does not match", project_id=project_id, project=name)
            self._remove(project_id)
        elif project is not None:
            log.info("A project has its name", project_id=project_id, project=name)
            self._called_by_id.discard(project_id)
            self._plan.name_settled(project_id, self._clock.monotonic())
            project.rename(name)
        else:
            if project_id not in self._configured:
                log.info("Discovered a live project", project_id=project_id, project=name)
            self._settle(settings, name)

    def nameless(self, project_id: int, error: ApiError) -> None:
        """The name could not be had several times: the id takes its place.

        Not so of a discovered project whose name has to be matched: it is asked for on and on.
        """
        settings = self._settings.get(project_id)
        if settings is None:
            return
        if project_id in self._published:  # it could not be had before either
            self._plan.name_settled(project_id, self._clock.monotonic())
            return
        fields = {
            "project_id": project_id,
            "reason": error.reason.value,
            "error": error.message,
        }
        discovery = None if project_id in self._configured else self._discovery
        if discovery is not None and not discovery.takes_any_name:
            self._nameless.add(project_id)
            log.warning(
                "A live project's name cannot be had, so it is not known whether it is to be read",
                **fields,
            )
            return
        log.warning("The project's name cannot be had, its id takes its place", **fields)
        self._called_by_id.add(project_id)
        self._settle(settings, str(project_id))

    def _settle(self, settings: ProjectSettings, name: str) -> None:
        self._nameless.discard(settings.id)
        self._plan.name_settled(settings.id, self._clock.monotonic())
        self._publish(settings, name)

    def _rejects(self, project_id: int, name: str) -> bool:
        """Whether a project is a discovered one whose name does not match."""
        if self._discovery is None or project_id in self._configured:
            return False
        return not self._discovery.name(project_id, name)

    # --- What live/list told ----------------------------------------------------------------------

    def listed(self, running: Mapping[int, Deployment], *, asked: float) -> None:
        """The newest deployment of every project that runs in the account, asked for then."""
        self._listing_tried = True
        if self._discovery is not None:
            self._discovery.running(running.keys(), self._clock.now())
            self._discover(self._discovery)
        self._statuses.listed(running, asked=asked)

    def status(self, project_id: int, deployment: Deployment | None, *, asked: float) -> None:
        """The newest deployment of one project, asked for then; None if it was never deployed."""
        if self._statuses.told(project_id, deployment, asked=asked) and self._discovery is not None:
            self._discovery.deployments({} if deployment is None else {project_id: deployment})

    def deployments(self, found: Mapping[int, Deployment]) -> None:
        """The newest deployment of every project of the account that ever had one."""
        if self._discovery is not None:
            self._discovery.deployments(found)
            self._discover(self._discovery)

    def _discover(self, discovery: Discovery) -> None:
        wanted = {
            project_id
            for project_id in discovery.wanted(self._clock.now())
            if self._owns(project_id) and project_id not in self._elsewhere
        }
        for project_id in self._settings.keys() - wanted - self._configured.keys():
            log.info("Forgot a project that no longer lives", project_id=project_id)
            self._remove(project_id)
        for project_id in sorted(wanted - self._settings.keys()):
            self._add(self._account.settings_for(project_id))

    # --- Failures ---------------------------------------------------------------------------------

    def failed(self, project_id: int, source: Source, error: ApiError, *, duration: float) -> None:
        """A source of a project could not be read."""
        project = self._published.get(project_id)
        if project is not None:
            interval = self._plan.interval(project_id, source)
            project.failed(source, error, duration=duration, interval=interval)

    def listing_failed(self, error: ApiError, *, duration: float) -> None:
        """What runs could not be listed: the status of all that is thought to run is not known."""
        self._listing_tried = True
        self._statuses.listing_failed(error, duration=duration)
