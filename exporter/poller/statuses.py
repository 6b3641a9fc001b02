"""The status of an account's projects: of two answers about a project the one asked later counts.

live/list tells of all that run at once, and of one project when it is asked for that one. Not safe
for threads: the account's poller holds its lock around every call. Times are monotonic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.metrics.reading import Source
from exporter.quantconnect.errors import ApiError, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Clock
    from exporter.poller.plan import Plan
    from exporter.poller.project import PublishedProject
    from exporter.quantconnect.model import Deployment

log = Log(__name__)


@dataclass(frozen=True)
class _Listing:
    """What runs in the account: the newest deployments, when that was asked and answered."""

    running: Mapping[int, Deployment]
    asked: float
    answered: float


class Statuses:
    """Tells the plan and each of the ``projects`` (by id, those there are now) how it stands."""

    def __init__(
        self, plan: Plan, projects: Mapping[int, PublishedProject], *, clock: Clock
    ) -> None:
        self._plan = plan
        self._projects = projects
        self._clock = clock
        self._listing: _Listing | None = None
        # When that was asked which is known of a project: an older answer is none.
        self._asked: dict[int, float] = {}
        self._deployed: set[int] = set()
        self._stopped: set[int] = set()  # of which that was said

    def published(self, project_id: int) -> None:
        """A project has come: the last listing may have told of it."""
        if self._listing is not None:
            self._apply(self._listing, project_id)

    def forget(self, project_id: int) -> None:
        """A project has gone."""
        self._asked.pop(project_id, None)
        self._deployed.discard(project_id)
        self._stopped.discard(project_id)

    def listed(self, running: Mapping[int, Deployment], *, asked: float) -> None:
        """The newest deployment of every project that runs in the account, asked for then."""
        listing = _Listing(running, asked=asked, answered=self._clock.monotonic())
        self._listing = listing
        for project_id in self._projects:
            self._apply(listing, project_id)

    def listing_failed(self, error: ApiError, *, duration: float) -> None:
        """What runs could not be listed: the status of all that is thought to run is not known."""
        for project_id, project in self._projects.items():
            if self._plan.thought_to_run(project_id):
                interval = self._plan.interval(project_id, Source.STATUS)
                project.failed(
                    Source.STATUS, error, duration=duration, interval=interval, logged=True
                )

    def told(self, project_id: int, deployment: Deployment | None, *, asked: float) -> bool:
        """The newest deployment of one project, asked for then; None if it was never deployed.

        Returns whether it counts: not if the project is gone or something newer is known. Raises
        ApiError (malformed) if it was deployed before: what was deployed once stays listed, so that
        a hole in the list would look like a project that never was.
        """
        if project_id not in self._projects or asked < self._asked.get(project_id, asked):
            return False
        if deployment is None and project_id in self._deployed:
            raise ApiError(
                Reason.MALFORMED,
                f"live/list: no deployment of project {project_id} is listed, which had one before",
            )
        running = deployment is not None and deployment.status == "Running"
        now = self._clock.monotonic()
        news = self._plan.runs(project_id, running=running, now=now)
        if news and deployment is not None and not running:
            self._stopped.add(project_id)
            log.warning(
                "A project does not run",
                project_id=project_id,
                project=self._projects[project_id].name,
                status=deployment.status,
                error=deployment.error,
            )
        self._tell(project_id, deployment, asked, now, news=news)
        return True

    def _apply(self, listing: _Listing, project_id: int) -> None:
        if listing.asked < self._asked.get(project_id, listing.asked):
            return
        deployment = listing.running.get(project_id)
        now = self._clock.monotonic()
        news = self._plan.listed(project_id, running=deployment is not None, now=now)
        if deployment is not None:
            self._tell(project_id, deployment, listing.asked, listing.answered, news=news)

    def _tell(
        self,
        project_id: int,
        deployment: Deployment | None,
        asked: float,
        answered: float,
        *,
        news: bool,
    ) -> None:
        self._asked[project_id] = asked
        project = self._projects[project_id]
        if deployment is not None:
            self._deployed.add(project_id)
            if deployment.status == "Running" and project_id in self._stopped:
                self._stopped.discard(project_id)
                log.info("A project runs again", project_id=project_id, project=project.name)
        project.status(
            deployment,
            duration=answered - asked,
            interval=self._plan.interval(project_id, Source.STATUS),
            age=self._clock.monotonic() - answered,
        )
        if news:
            project.intervals(self._plan.intervals(project_id))
