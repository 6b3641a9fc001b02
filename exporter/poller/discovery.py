"""Discovery of the account's live projects that the configuration does not list.

These are the running ones, and those that stopped recently enough for alerts about them to matter.
Their source is live/list; a failed listing changes nothing.
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
        """Set the projects that run now; one that no longer runs was alive until now."""
        for project_id in self.running.difference(project_ids):
            self._alive[project_id] = now
        self.running = frozenset(project_ids)

    def add_deployments(self, newest: Mapping[int, Deployment]) -> None:
        """Record when each project was last alive, by its newest deployment."""
        for project_id, deployment in newest.items():
            until = deployment.stopped or deployment.launched
            if until is not None:
                self._alive[project_id] = max(until, self._alive.get(project_id, until))

    def reject(self, project_id: int, name: str) -> None:
        """Record that the name of a project does not match."""
        self.rejected[project_id] = name

    def match_again(self, discover: Discover) -> None:
        """Match the names of rejected projects against a changed configuration."""
        self.rejected = {
            project_id: name
            for project_id, name in self.rejected.items()
            if not discover.matches(name)
        }

    def wanted(self, discover: Discover, now: float) -> set[int]:
        """Return the projects to read, including those with unknown names, which may not match."""
        recent = {
            project_id
            for project_id, until in self._alive.items()
            if now - until < discover.forget_after
        }
        return {*self.running, *recent} - self.rejected.keys()


class Claims:
    """The account that reads each project, so that two accounts never publish the same one.

    Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._owners: dict[int, object] = {}

    def take(self, project_id: int, owner: object) -> bool:
        """Claim a project; return False if another account has it."""
        with self._lock:
            return self._owners.setdefault(project_id, owner) is owner

    def release(self, project_id: int) -> None:
        """Let any account claim the project."""
        with self._lock:
            self._owners.pop(project_id, None)
