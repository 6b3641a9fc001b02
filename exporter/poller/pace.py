"""How often things are read, and how that is made to fit the budget."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from exporter.metrics.reading import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

STOPPED_FACTOR = 5
"""How much more rarely a project is read that does not run."""

# What the stretched intervals leave of the budget for names, first reads and tries after failures.
_HEADROOM = 0.95


@dataclass(frozen=True)
class Pace:
    """How often an account may and should be asked; intervals in seconds, 0 is off.

    ``calls_per_second`` is the budget of this process; ``discovers`` says that deployments are
    looked for beyond those configured.
    """

    calls_per_second: float
    status_interval: float
    statistics_interval: float
    discovers: bool = False

    @property
    def listing(self) -> float:
        """Calls per second for the account-wide live/list, which is never stretched."""
        return 1 / self.status_interval if self.status_interval else 0.0


@dataclass
class Project:
    """What decides how often a project is read; ``interval`` is its portfolio's, in seconds.

    ``running`` is None until QuantConnect has told.
    """

    interval: float
    named: bool
    running: bool | None = None


class Budget:
    """The calls that an account's projects need, against those that it has."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._needed = 0.0

    def change(self, pace: Pace, projects: Iterable[Project]) -> None:
        """Another pace for these projects."""
        self.pace = pace
        self._needed = sum(self._needs(project) for project in projects)

    def add(self, project: Project) -> None:
        """A project is to be read; call again, after ``remove``, when anything of it changes."""
        self._needed += self._needs(project)

    def remove(self, project: Project) -> None:
        """A project is to be read no longer."""
        self._needed -= self._needs(project)

    def _needs(self, project: Project) -> float:
        """Calls per second for one project, unstretched."""
        return sum(
            1 / self._base(project, source)
            for source in Source
            if self._base(project, source)
            and (source is not Source.STATUS or project.running is False)
        )

    def _base(self, project: Project, source: Source) -> float:
        """The interval before it is stretched; 0 for what is off."""
        configured = {
            Source.PORTFOLIO: project.interval,
            Source.STATUS: self.pace.status_interval,
            Source.STATISTICS: self.pace.statistics_interval,
        }[source]
        return configured * (STOPPED_FACTOR if project.running is False else 1)

    @property
    def needed(self) -> float:
        """Calls per second that the intervals need as they are configured."""
        return self._needed + self.pace.listing

    @property
    def stretch(self) -> float:
        """The factor by which intervals are stretched to fit the budget, 1 or more."""
        left = (self.pace.calls_per_second - self.pace.listing) * _HEADROOM
        # The configuration sees to it that live/list alone fits the budget.
        return max(1.0, self._needed / left) if left > 0 else inf

    def interval(self, project: Project, source: Source) -> float:
        """The interval in force, in seconds: stretched, and longer for what does not run.

        The status of what runs comes with the account-wide list, which is never stretched.
        """
        base = self._base(project, source)
        if source is Source.STATUS and project.running is not False:
            return base
        return base * self.stretch
