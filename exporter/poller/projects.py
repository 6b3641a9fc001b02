"""The projects of one account: their calls, and the effects of each answer.

The account's own calls answer for many projects at once: live/list lists the running ones,
projects/read the names. A project missing there is asked for by its id. Used under the account's
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
NAMED: Final = "Read the name of a project"
CALLED_BY_ID: Final = "Cannot get the project's name, so its id stands for it"
CANNOT_MATCH: Final = (
    "Cannot get the project's name, so cannot match it against include and exclude"
)
FORGOTTEN: Final = "Stopped tracking a project that is no longer live"

DISCOVERY_INTERVAL: Final = 3600.0
"""Seconds between two listings of the deployments that ended, to find those that came and went
unseen."""
# The priority of a project's most urgent source; the account's own calls come first.
_PROJECT_PRIORITY: Final = 4


class Projects:
    """All projects of one account.

    ``owns`` returns True for the projects that this process reads; ``reads_account`` is True if it
    reads the account's own sources too. ``elsewhere`` are the projects that other accounts list:
    this account does not discover them. After ``name_tries`` failures, the id stands for a
    project's name.
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
        # Projects whose name must be matched but cannot be read.
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
        """The account's own tasks, by name."""
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
        """Release the projects that this account no longer reads, so that others can claim them.

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
                # Without its configured name the project has other series, and its name must be
                # read.
                stays = new.name is not None or project.settings.name is None
            else:
                stays = (
                    discovers and project_id not in self._configured and project_id not in elsewhere
                )
            if not stays:
                self._remove(project_id)

    def adopt(self, account: Account, config: Config) -> None:
        """Build the projects of this configuration; state carries over by id.

        Call ``release`` for every account first.
        """
        now = self._clock.monotonic()
        self._account, self._config = account, config
        self._configured = self._owned(account)
        self._running.listed_interval = self._schedule.budget.listing_interval
        discovery = DISCOVERY_INTERVAL if account.discover is not None else 0.0
        self._schedule.set_interval(self._running, self._running.listed_interval, now)
        self._schedule.set_interval(self._listing, INTERVAL, now)
        for task in self._ended:
            self._schedule.set_interval(task, discovery, now)
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
            self._update_intervals(project)
            if project.is_called_by_id:
                self._schedule.run_now(project.tasks[DESCRIPTION], now)
        for settings in self._configured.values():
            if settings.id not in self._projects:
                self._add(settings)
        self._adopt_account()

    def _adopt_account(self) -> None:
        """Build the account's own sources; their state carries over."""
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
        self._update_account_intervals()

    def _update_account_intervals(self) -> None:
        """Read the account's own sources once there is a project to name in their calls."""
        is_listed = self._running.tried is not None or not self._running.regular_interval
        now, is_known = self._clock.monotonic(), is_listed and self._any_project() is not None
        for source, task in self._organization.tasks.items():
            self._schedule.set_interval(
                task, self._organization.regular_interval(source) * is_known, now
            )
            task.interval = self._schedule.interval(task)
        self._store.put_account(self, self._organization.collect())

    def _any_project(self) -> int | None:
        """Return a project of the account, if possible one that exists: it runs or has a name.

        A configured project may be deleted.
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
        self._update_intervals(project)
        now = self._clock.monotonic()
        if self._is_listed and settings.id in self._configured and STATUS in project.tasks:
            self._schedule.run_now(self._running, now)
        description = self._names.get(settings.id)
        if description is not None:
            self._describe(project, description, now)
        elif project.name is None and self._names.is_listed:
            self._schedule.run_now(project.tasks[DESCRIPTION], now)

    def _remove(self, project_id: int) -> None:
        project = self._projects.pop(project_id)
        for task in project.tasks.values():
            self._schedule.drop(task)
        self._unmatched.discard(project_id)
        self._store.remove(project_id)
        # Release last: the next owner publishes the project under the same id.
        self._claims.release(project_id)

    # --- Progress ---------------------------------------------------------------------------------

    def is_complete(self) -> bool:
        """Return True once every source of every project and of the account was tried."""
        return (
            self._is_discovered
            and all(
                each.is_complete or each.settings.id in self._unmatched
                for each in self._projects.values()
            )
            and all(
                task.tried is not None
                for task in self._organization.tasks.values()
                if task.regular_interval
            )
        )

    def is_ready(self) -> bool:
        """Return True once every project's portfolio was tried."""
        return self._is_discovered and all(
            each.is_tried or each.settings.id in self._unmatched for each in self._projects.values()
        )

    @property
    def _is_discovered(self) -> bool:
        return self._account.discover is None or all(
            task.tried is not None for task in (self._running, *self._ended)
        )

    def report(self) -> dict[str, Any]:
        """Return the account report's part about projects."""
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
        """Return a project; None if this account does not read it."""
        return self._projects.get(project_id)

    # --- Calls ------------------------------------------------------------------------------------

    def request(self, task: Task) -> Request[Any]:
        """Return the task's next call."""
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
        """Take in the answer to a call that began at ``asked`` (monotonic); return the verdict."""
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
        """Take in an answer about one project, and update its name and intervals."""
        task = project.tasks.get(source)
        was_running = project.running
        interval = 0.0 if task is None else self._schedule.interval(task)
        was_deployed = project.deploy_id
        outcome = project.take_in(source, answer, asked=asked, interval=interval)
        now = self._clock.monotonic()
        if not outcome.is_whole and task is not None:
            self._schedule.run_now(task, now)
        if source is DESCRIPTION:
            if outcome.failure is None:
                assert isinstance(answer, Description)  # noqa: S101
                self._take_in_name(project, answer)
            elif task is not None and task.failures + 1 == self._name_tries:
                self._use_id_as_name(project, outcome.failure)
        elif source is STATUS:
            is_other = project.deploy_id != was_deployed
            at_once: tuple[Source[Any], ...] = (ORDERS,) if is_other and was_deployed else ()
            if was_running not in (None, project.running):  # these are the moments people look at
                at_once += (PORTFOLIO, STATISTICS)
            for each in at_once:
                if each in project.tasks and project.name is not None:
                    self._schedule.run_now(project.tasks[each], now)
            if is_other or project.running is not was_running:
                self._update_intervals(project)
        return outcome

    def _update_intervals(self, project: Project) -> None:
        """Update the intervals of a project to its state."""
        now = self._clock.monotonic()
        for source, task in project.tasks.items():
            if source is STATUS:
                task.listed_interval = self._schedule.budget.listing_interval
            elif source is DESCRIPTION:
                task.listed_interval = INTERVAL
            self._schedule.set_interval(task, project.regular_interval(source), now)
            task.interval = self._schedule.interval(task)
        self.publish(project)

    def publish_changes(self, call: Call) -> None:
        """Publish the changes of an answer, after its outcome was recorded."""
        project_id = call.task.project_id
        if project_id is None:
            if call.task is self._running or call.task is self._listing:
                self._note_unread()
            self._update_account_intervals()
        else:
            self.publish(self._projects[project_id])

    def publish(self, project: Project) -> None:
        """Put all series of a project into the store."""
        if project.name is not None or project.settings.id in self._configured:
            self._store.put(project.collect())

    # --- live/list --------------------------------------------------------------------------------

    def _take_in_running(self, listing: Listing, asked: float) -> None:
        """Take in the newest deployment of every running project."""
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
                # Only its own answer changes its status, not its absence from the list.
                self._schedule.run_now(task, now)

    def _share_failure(self, failure: ApiError | Fault, asked: float) -> None:
        """Record the failure for every project that was last known to run."""
        for project in self._projects.values():
            if project.running is not False and STATUS in project.tasks:
                self._share(project, Outcome(failure), asked)

    def _share(self, project: Project, outcome: Outcome, asked: float) -> None:
        """Record and publish a project's part of an account-wide answer."""
        task = project.tasks[STATUS]
        duration = self._clock.monotonic() - asked
        interval = self._schedule.interval(task)
        self._record.record_share(task, outcome, duration=duration, interval=interval)
        self.publish(project)

    # --- Discovery --------------------------------------------------------------------------------

    def _discover(self) -> None:
        """Track exactly the projects that discovery finds, besides the configured ones."""
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
            self._record.record_unread({id_: self._names.name(id_) for id_ in self._unread()})

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
        """Take in a page of the account's projects; ask for the next one if there may be more."""
        if self._names.add(page):
            self._schedule.run_now(self._listing, self._clock.monotonic())
        for description in page.projects:
            project = self._projects.get(description.project_id)
            if project is not None:
                self._describe(project, description, asked)
        if self._names.is_listed:
            self._ask_for_names()

    def _describe(self, project: Project, description: Description, asked: float) -> None:
        """Take in a page's entry for a project."""
        project.is_described = True
        task = project.tasks[DESCRIPTION]
        self._schedule.drop(task)
        self._take_in(project, DESCRIPTION, description, asked)

    def _ask_for_names(self) -> None:
        """Ask by id for each project that no page contains."""
        now = self._clock.monotonic()
        for project_id, project in self._projects.items():
            task = project.tasks[DESCRIPTION]
            project.is_described = self._names.get(project_id) is not None
            if project.name is None and not task.failures:
                self._schedule.run_now(task, now)
            self._update_intervals(project)

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
        self._update_intervals(project)
        task = project.tasks.get(STATUS)
        if task is not None and project.running is None and self._is_listed:
            self._schedule.run_now(task, self._clock.monotonic())

    def _use_id_as_name(self, project: Project, failure: ApiError | Fault) -> None:
        """Use the id in place of a name that cannot be read, until a reload.

        Not for a discovered project whose name must be matched: its name is asked for until it is
        known.
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
