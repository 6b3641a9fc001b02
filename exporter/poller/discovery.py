"""Which projects of an account are read without being listed in the configuration.

Those that run, and those that stopped so short a while ago that somebody may want to know. What
is known comes from live/list; a listing that failed changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exporter.config import Discover
    from exporter.quantconnect.model import Deployment


class Discovery:
    """What was seen live in one account; times are unix seconds."""

    def __init__(self, discover: Discover) -> None:
        self._discover = discover
        self._running: set[int] = set()
        self._alive: dict[int, float] = {}
        self._rejected: set[int] = set()

    def configure(self, discover: Discover) -> None:
        """Look for these from now on; names are matched anew."""
        self._discover = discover
        self._rejected.clear()

    @property
    def takes_any_name(self) -> bool:
        """Whether a project is one to read whatever its name."""
        return self._discover.include.pattern == ".*" and not self._discover.exclude.pattern

    def running(self, project_ids: Collection[int], now: float) -> None:
        """Exactly these projects run now; what no longer does was alive until now."""
        for project_id in self._running.difference(project_ids):
            self._alive[project_id] = now
        self._running = set(project_ids)

    def deployments(self, newest: Mapping[int, Deployment]) -> None:
        """The newest deployment of each project tells until when it was alive."""
        for project_id, deployment in newest.items():
            until = deployment.stopped or deployment.launched
            if until is not None:
                self._alive[project_id] = max(until, self._alive.get(project_id, until))

    def name(self, project_id: int, name: str) -> bool:
        """A project's name became known; whether it is one to read."""
        matches = self._discover.matches(name)
        if not matches:
            self._rejected.add(project_id)
        return matches

    def wanted(self, now: float) -> set[int]:
        """The projects to read, names aside that are known not to match."""
        forget_after = self._discover.forget_after
        recent = {
            project_id for project_id, until in self._alive.items() if now - until < forget_after
        }
        return (self._running | recent) - self._rejected
