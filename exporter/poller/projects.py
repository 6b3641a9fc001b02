"""The projects of one account: the calls that concern them, and what each answer means for them.

The account's own calls tell of many projects at once: live/list of what runs, projects/read of the
names. A project that such a call does not tell of is asked for by its id. Used under the account's
lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.log import Log
from exporter.poller.discovery import Claims, Discovery
from exporter.poller.names import Names
from exporter.poller.organization import Organization
from exporter.poller.project import Project
from exporter.poller.task import Call, Fault, Outcome, Task
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError
from exporter.sources import ACCOUNT_SOURCES, SOURCES
from exporter.sources import status as live_list
from exporter.sources.orders import ORDERS
from exporter.sources.portfolio import PORTFOLIO
from exporter.sources.projects import DESCRIPTION, INTERVAL, Description, Page
from exporter.sources.statistics import STATISTICS
from exporter.sources.status import STATUS, Listing, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from exporter.clock import Clock
    from exporter.config import Account, Config, ProjectSettings
    from exporter.poller.record import Record
    from exporter.poller.schedule import Schedule
    from exporter.sources.source import Source
    from exporter.store import Store

log = Log(__name__)

DISCOVERED: Final = "Discovered a live project"
NOT_MATCHED: Final = "A live project does not match include and exclude"
NAMED: Final = "QuantConnect told the name of a project"
CALLED_BY_ID: Final = "Cannot get the project's name, so its id stands for it"
CANNOT_MATCH: Final = (
    "Cannot get the project's name, so cannot match it against include and exclude"
)
FORGOTTEN: Final = "Stopped tracking a project that is no longer live"

DISCOVERY_INTERVAL: Final = 3600.0
"""Seconds between two listings of the deployments that ended, to find those that came and went
unseen."""
# That of the most urgent source of a project; the account's own calls come first.
_PROJECT_PRIORITY: Final = 4


class Projects:
    """All projects of one account.

    ``owns`` tells which projects this process reads at all, and ``reads_account`` whether it reads
    what concerns the account as a whole; ``elsewhere`` are the projects that other accounts list,
    and so are not discovered in this one. After ``name_tries`` failures a project is
    called by its id.
    """

    def __init__(
        self,
        account: Account,
        config: Config,
        *,
        schedule: Schedule,
        authenticate: Task,
        claims: Claims,
        owns: Callable[[int], bool],
        reads_account: bool,
        elsewhere: Collection[int],
        record: Record,
        store: Store,
        clock: Clock,
        name_tries: int,
    ) -> None:
        self.authenticate = authenticate
        self._running = Task(name="running", endpoint=Endpoint.LIVE_LIST, priority=1)
        self._listing = Task(name="names", endpoint=Endpoint.PROJECTS_READ, priority=2)
        self._ended = {
            Task(name=status, endpoint=Endpoint.LIVE_LIST, priority=3): status
            for status in live_list.ENDED
        }
        self._schedule = schedule
        self._claims = claims
        self._owns = owns
        self._reads_account = reads_account
        self._elsewhere = elsewhere
        self._record = record
        self._store = store
        self._clock = clock
        self._name_tries = name_tries
        self._discovery = Discovery()
        self._projects: dict[int, Project] = {}
        # Projects whose name cannot be had, though it has to be matched.
        self._unmatched: set[int] = set()
        self._names = Names()
        self._is_listed = False
        self._account, self._config = account, config
        self._configured: dict[int, ProjectSettings] = {}
        self._organization = Organization(account, config, sources=(), clock=clock)
        self.adopt(account, config)

    # --- Another configuration --------------------------------------------------------------------

    @property
    def account_tasks(self) -> dict[str, Task]:
        """The tasks that concern the whole account, by name."""
        return {
            task.name: task
            for task in (
                self.authenticate,
                self._running,
                self._listing,
                *self._ended,
                *self._organization.tasks.values(),
            )
        }

    def release(self, account: Account | None, elsewhere: Collection[int]) -> None:
        """Let go of the projects that are no longer this account's, so that others can claim them.

        ``account`` is None where the whole account leaves the configuration.
        """
        if account is None:
            self._store.remove_account(self)
        self._elsewhere = elsewhere
        listed = {} if account is None else self._owned(account)
        discovers = account is not None and account.discover is not None
        for project_id, project in list(self._projects.items()):
            new = listed.get(project_id)
            if new is not None:
                # Losing a configured name makes other series, whose name has to be asked for.
                stays = new.name is not None or project.settings.name is None
            else:
                stays = (
                    discovers and project_id not in self._configured and project_id not in elsewhere
                )
            if not stays:
                self._remove(project_id)

    def adopt(self, account: Account, config: Config) -> None:
        """Build the projects of this configuration, each with the state that it had by its id.

        ``release`` has been called before, for every account.
        """
        now = self._clock.monotonic()
        self._account, self._config = account, config
        self._configured = self._owned(account)
        self._running.listed_every = self._schedule.budget.listing_interval
        discovery = DISCOVERY_INTERVAL if account.discover is not None else 0.0
        self._schedule.set_every(self._running, self._running.listed_every, now)
        self._schedule.set_every(self._listing, INTERVAL, now)
        for task in self._ended:
            self._schedule.set_every(task, discovery, now)
        if account.discover is not None:
            self._discovery.match_again(account.discover)
        for project_id, before in list(self._projects.items()):
            if before.name is not None and self._is_rejected(project_id, before.name):
                self._remove(project_id)
                continue
            project = self._built(self._account.settings_for(project_id), before)
            for source, task in before.tasks.items():
                if source not in project.tasks:
                    self._schedule.drop(task)
            self._projects[project_id] = project
            self._follow(project)
            if project.is_called_by_id:
                self._schedule.hurry(project.tasks[DESCRIPTION], now)
        for settings in self._configured.values():
            if settings.id not in self._projects:
                self._add(settings)
        self._adopt_account()

    def _adopt_account(self) -> None:
        """Build the sources of the account as a whole, with the state that they had."""
        before = self._organization
        organization = Organization(
            self._account,
            self._config,
            sources=ACCOUNT_SOURCES if self._reads_account else (),
            clock=self._clock,
            first_priority=_PROJECT_PRIORITY + len(SOURCES),
            before=before,
        )
        for source, task in before.tasks.items():
            if source not in organization.tasks:
                self._schedule.drop(task)
        self._organization = organization
        self._follow_account()

    def _follow_account(self) -> None:
        """Read what concerns the account as a whole, once there is a project to ask for."""
        is_listed = self._running.tried is not None or not self._running.every
        now, is_known = self._clock.monotonic(), is_listed and self._any_project() is not None
        for source, task in self._organization.tasks.items():
            self._schedule.set_every(task, self._organization.every(source) * is_known, now)
            task.interval = self._schedule.interval(task)
        self._store.put_account(self, self._organization.published())

    def _any_project(self) -> int | None:
        """Return a project of the account; if possible one that exists, since it runs or is named.

        One that is configured may be deleted.
        """
        configured = (each.id for each in self._account.projects)
        named = {each for each in self._projects if self._names.get(each) is not None}
        existing = self._discovery.running or named
        return min(existing or (*self._projects, *configured), default=None)

    def _owned(self, account: Account) -> dict[int, ProjectSettings]:
        return {each.id: each for each in account.projects if self._owns(each.id)}

    def _built(self, settings: ProjectSettings, before: Project | None) -> Project:
        return Project(
            settings,
            account=self._account.name,
            config=self._config,
            clock=self._clock,
            first_priority=_PROJECT_PRIORITY,
            before=before,
        )

    def _add(self, settings: ProjectSettings) -> None:
        if not self._claims.take(settings.id, self):
            return  # another account discovered it first
        project = self._projects[settings.id] = self._built(settings, None)
        self._follow(project)
        now = self._clock.monotonic()
        if self._is_listed and settings.id in self._configured and STATUS in project.tasks:
            self._schedule.hurry(self._running, now)
        description = self._names.get(settings.id)
        if description is not None:
            self._describe(project, description, now)
        elif project.name is None and self._names.is_listed:
            self._schedule.hurry(project.tasks[DESCRIPTION], now)

    def _remove(self, project_id: int) -> None:
        project = self._projects.pop(project_id)
        for task in project.tasks.values():
            self._schedule.drop(task)
        self._unmatched.discard(project_id)
        self._store.remove(project_id)
        # Last: the next owner publishes the project under the same id.
        self._claims.release(project_id)

    # --- How far the reading has come -------------------------------------------------------------

    def is_complete(self) -> bool:
        """Return True once every source of every project and of the account was tried."""
        return (
            self._is_discovered
            and all(
                each.is_complete or each.settings.id in self._unmatched
                for each in self._projects.values()
            )
            and all(
                task.tried is not None for task in self._organization.tasks.values() if task.every
            )
        )

    def is_ready(self) -> bool:
        """Return True once the portfolio of every project was tried."""
        return self._is_discovered and all(
            each.is_tried or each.settings.id in self._unmatched for each in self._projects.values()
        )

    @property
    def _is_discovered(self) -> bool:
        return self._account.discover is None or all(
            task.tried is not None for task in (self._running, *self._ended)
        )

    def report(self) -> dict[str, Any]:
        """Return the part of the account's report that is about its projects."""
        running = self._discovery.running
        stopped = [id_ for id_ in self._projects if id_ not in running]
        return {
            "calls": {name: task.report() for name, task in self.account_tasks.items()},
            "is_complete": self.is_complete(),
            "running": len(running),
            "stopped": len(stopped) if self._account.discover else 0,
            "left_out": self._discovery.rejected,
            "unread": {id_: self._names.name(id_) for id_ in self._unread()},
        }

    def get(self, project_id: int) -> Project | None:
        """Return a project; None for one that is not read here."""
        return self._projects.get(project_id)

    # --- Calls ------------------------------------------------------------------------------------

    def request(self, task: Task) -> Request[Any]:
        """Return the call that a task makes now."""
        if task.source is not None and task.project_id is not None:
            return self._projects[task.project_id].request(task.source)
        if task.source is not None:
            return self._organization.request(task.source, self._any_project() or 0)
        if task is self._running:
            return live_list.running()
        if task is self._listing:
            return self._names.request()
        if task in self._ended:
            return live_list.ended(self._ended[task])
        return Request(Endpoint.AUTHENTICATE, {}, lambda _: None)

    def take_in(self, call: Call, answer: Any | ApiError | Fault, asked: float) -> Outcome:
        """Take in the answer of a call that began at ``asked`` (monotonic); return the verdict."""
        task = call.task
        if task.source is not None and task.project_id is not None:
            project = self._projects.get(task.project_id)
            if project is None:
                return Outcome(answer if isinstance(answer, ApiError | Fault) else None)
            return self._take_in(project, task.source, answer, asked)
        if task.source is not None:
            interval = self._schedule.interval(task)
            return self._organization.take_in(task.source, answer, interval)
        if isinstance(answer, ApiError | Fault):
            if task is self._running:
                self._share_failure(answer, asked)
            elif task is self._listing:
                self._names.fail(answer)
                if self._listing.failures + 1 >= self._name_tries:
                    self._names.is_listed = True
                    self._ask_for_names()
            return Outcome(answer)
        if task is self._running:
            self._take_in_running(answer, asked)
        elif task is self._listing:
            self._take_in_page(answer, asked)
        elif task in self._ended:
            self._discovery.add_deployments(answer.newest())
            self._discover()
        return Outcome(problems=() if answer is None else answer.problems)

    def _take_in(
        self, project: Project, source: Source[Any], answer: Any | ApiError | Fault, asked: float
    ) -> Outcome:
        """Take in an answer about one project, and let its name and its intervals follow."""
        task = project.tasks.get(source)
        was_running = project.running
        interval = 0.0 if task is None else self._schedule.interval(task)
        was_deployed = project.deploy_id
        outcome = project.take_in(source, answer, asked=asked, interval=interval)
        now = self._clock.monotonic()
        if not outcome.is_whole and task is not None:
            self._schedule.hurry(task, now)
        if source is DESCRIPTION:
            if outcome.failure is None:
                assert isinstance(answer, Description)  # noqa: S101
                self._take_in_name(project, answer)
            elif task is not None and task.failures + 1 == self._name_tries:
                self._do_without_name(project, outcome.failure)
        elif source is STATUS:
            is_other = project.deploy_id != was_deployed
            at_once: tuple[Source[Any], ...] = (ORDERS,) if is_other and was_deployed else ()
            if was_running not in (None, project.running):  # these are the moments people look at
                at_once += (PORTFOLIO, STATISTICS)
            for each in at_once:
                if each in project.tasks and project.name is not None:
                    self._schedule.hurry(project.tasks[each], now)
            if is_other or project.running is not was_running:
                self._follow(project)
        return outcome

    def _follow(self, project: Project) -> None:
        """Let the intervals of a project follow from what is known of it."""
        now = self._clock.monotonic()
        for source, task in project.tasks.items():
            if source is STATUS:
                task.listed_every = self._schedule.budget.listing_interval
            elif source is DESCRIPTION:
                task.listed_every = INTERVAL
            self._schedule.set_every(task, project.every(source), now)
            task.interval = self._schedule.interval(task)
        self.publish(project)

    def follow(self, call: Call) -> None:
        """Publish what an answer changed, after its outcome was recorded."""
        project_id = call.task.project_id
        if project_id is None:
            if call.task is self._running or call.task is self._listing:
                self._note_unread()
            self._follow_account()
        else:
            self.publish(self._projects[project_id])

    def publish(self, project: Project) -> None:
        """Put all that is known of a project into the store."""
        if project.name is not None or project.settings.id in self._configured:
            self._store.put(project.published())

    # --- live/list --------------------------------------------------------------------------------

    def _take_in_running(self, listing: Listing, asked: float) -> None:
        """Take in the newest deployment of every project of the account that runs."""
        running = listing.newest()
        self._discovery.set_running(running.keys(), self._clock.now())
        self._discover()
        self._is_listed = True
        now = self._clock.monotonic()
        for project_id, project in self._projects.items():
            task = project.tasks.get(STATUS)
            if task is None:
                continue
            deployment = running.get(project_id)
            if deployment is not None:
                self._schedule.drop(task)
                outcome = self._take_in(project, STATUS, Status(deployment), asked)
                self._share(project, outcome, asked)
            elif project.running is not False and project.name is not None and not task.failures:
                # Its own answer, and not its absence from the list, says what became of it.
                self._schedule.hurry(task, now)

    def _share_failure(self, failure: ApiError | Fault, asked: float) -> None:
        """The status of all that is thought to run is not known now."""
        for project in self._projects.values():
            if project.running is not False and STATUS in project.tasks:
                self._share(project, Outcome(failure), asked)

    def _share(self, project: Project, outcome: Outcome, asked: float) -> None:
        """Record and publish a project's part of an answer for the whole account."""
        task = project.tasks[STATUS]
        duration = self._clock.monotonic() - asked
        interval = self._schedule.interval(task)
        self._record.shared(task, outcome, duration=duration, interval=interval)
        self.publish(project)

    # --- Discovery --------------------------------------------------------------------------------

    def _discover(self) -> None:
        """Track exactly the projects that are wanted, those of the configuration aside."""
        if self._account.discover is None:
            return
        wanted = {
            project_id
            for project_id in self._discovery.wanted(self._account.discover, self._clock.now())
            if self._owns(project_id) and project_id not in self._elsewhere
        }
        for project_id in self._projects.keys() - wanted - self._configured.keys():
            log.info(FORGOTTEN, project_id=project_id)
            self._remove(project_id)
        for project_id in sorted(wanted - self._projects.keys()):
            self._add(self._account.settings_for(project_id))

    def _is_rejected(self, project_id: int, name: str) -> bool:
        """Return True for a discovered project whose name does not match."""
        discover = self._account.discover
        if discover is None or project_id in self._configured or discover.matches(name):
            return False
        self._discovery.reject(project_id, name)
        return True

    def _note_unread(self) -> None:
        if self._is_listed and self._names.is_listed:
            self._record.unread({id_: self._names.name(id_) for id_ in self._unread()})

    def _unread(self) -> frozenset[int]:
        return frozenset(filter(self._is_unread, self._discovery.running))

    def _is_unread(self, project_id: int) -> bool:
        return (
            self._owns(project_id)
            and project_id not in self._projects
            and project_id not in self._elsewhere
            and project_id not in self._discovery.rejected
        )

    # --- Names ------------------------------------------------------------------------------------

    def _take_in_page(self, page: Page, asked: float) -> None:
        """Take in some projects of the account; ask for the next ones where there may be more."""
        if self._names.add(page):
            self._schedule.hurry(self._listing, self._clock.monotonic())
        for description in page.projects:
            project = self._projects.get(description.project_id)
            if project is not None:
                self._describe(project, description, asked)
        if self._names.is_listed:
            self._ask_for_names()

    def _describe(self, project: Project, description: Description, asked: float) -> None:
        """Take in a project's part of a page."""
        project.is_described = True
        task = project.tasks[DESCRIPTION]
        self._schedule.drop(task)
        self._take_in(project, DESCRIPTION, description, asked)

    def _ask_for_names(self) -> None:
        """Ask by id for each project that no page has."""
        now = self._clock.monotonic()
        for project_id, project in self._projects.items():
            task = project.tasks[DESCRIPTION]
            project.is_described = self._names.get(project_id) is not None
            if project.name is None and not task.failures:
                self._schedule.hurry(task, now)
            self._follow(project)

    def _take_in_name(self, project: Project, description: Description) -> None:
        project_id, name = project.settings.id, description.name
        is_first = project.name is None
        if self._is_rejected(project_id, name):
            log.debug(NOT_MATCHED, project_id=project_id, project=name)
            self._remove(project_id)
            return
        self._unmatched.discard(project_id)
        if is_first:
            if project_id not in self._configured:
                log.info(DISCOVERED, project_id=project_id, project=name)
            self._settle_name(project, name)
        elif project.is_called_by_id and project.is_name_awaited:
            log.info(NAMED, project_id=project_id, project=name)
            self._settle_name(project, name)

    def _settle_name(self, project: Project, name: str, *, is_id: bool = False) -> None:
        project.set_name(name, is_id=is_id)
        self._follow(project)
        task = project.tasks.get(STATUS)
        if task is not None and project.running is None and self._is_listed:
            self._schedule.hurry(task, self._clock.monotonic())

    def _do_without_name(self, project: Project, failure: ApiError | Fault) -> None:
        """Let the id stand for a name that cannot be had, until a reload.

        Not for a discovered project whose name has to be matched: it is asked for again and again.
        """
        project_id = project.settings.id
        if project.name is not None:
            return
        reason = "fault" if failure.reason is None else failure.reason.value
        fields = {"project_id": project_id, "reason": reason, "error": failure.message}
        discover = self._account.discover
        must_match = discover is not None and not discover.takes_any_name
        if must_match and project_id not in self._configured:
            self._unmatched.add(project_id)
            log.warning(CANNOT_MATCH, **fields)
            return
        log.warning(CALLED_BY_ID, **fields)
        self._settle_name(project, str(project_id), is_id=True)
