"""The projects of an account that are read without being listed in the configuration.

Those that run, and those that stopped so short a while ago that an alert about them still matters.
What is known comes from live/list; a listing that failed changes nothing.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exporter.config import Discover
    from exporter.sources.status import Deployment


class Discovery:
    """The projects that were seen live in one account; times are unix seconds."""

    def __init__(self) -> None:
        self.running: frozenset[int] = frozenset()
        """The projects of the last account-wide live/list."""
        self.rejected: dict[int, str] = {}
        """The names of projects that do not match, by id."""
        self._alive: dict[int, float] = {}

    def set_running(self, project_ids: Collection[int], now: float) -> None:
        """Take in the projects that run now; a project that no longer does was alive until now."""
        for project_id in self.running.difference(project_ids):
            self._alive[project_id] = now
        self.running = frozenset(project_ids)

    def add_deployments(self, newest: Mapping[int, Deployment]) -> None:
        """Take in until when each project was alive, by its newest deployment."""
        for project_id, deployment in newest.items():
            until = deployment.stopped or deployment.launched
            if until is not None:
                self._alive[project_id] = max(until, self._alive.get(project_id, until))

    def reject(self, project_id: int, name: str) -> None:
        """Keep in mind that the name of a project does not match."""
        self.rejected[project_id] = name

    def match_again(self, discover: Discover) -> None:
        """Match the names of rejected projects against another configuration."""
        self.rejected = {
            project_id: name
            for project_id, name in self.rejected.items()
            if not discover.matches(name)
        }

    def wanted(self, discover: Discover, now: float) -> set[int]:
        """Return the projects to read; of some the name is not known yet, so may not match."""
        recent = {
            project_id
            for project_id, until in self._alive.items()
            if now - until < discover.forget_after
        }
        return {*self.running, *recent} - self.rejected.keys()


class Claims:
    """The account that reads each project: two accounts that share one make one series.

    Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._owners: dict[int, object] = {}

    def take(self, project_id: int, owner: object) -> bool:
        """Claim a project; False if another account has it."""
        with self._lock:
            return self._owners.setdefault(project_id, owner) is owner

    def release(self, project_id: int) -> None:
        """Let any account claim the project."""
        with self._lock:
            self._owners.pop(project_id, None)
