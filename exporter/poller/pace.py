"""How often things are read, and how that is made to fit the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.metrics.reading import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

STOPPED_FACTOR = 5
"""How much more rarely a project is read that does not run."""

# What the stretched intervals leave of the budget for names, first reads and tries after failures.
_HEADROOM = 0.95
# What the account-wide live/list takes of the budget at most: a shard's share may be so small that
# it would take all of it, and then nothing else would ever be read.
_LISTING_SHARE = 0.9


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
    def listing_interval(self) -> float:
        """Seconds between account-wide live/lists; 0 is off. Never stretched, but for a budget
        of which it would leave next to nothing."""
        if not self.status_interval:
            return 0.0
        return max(self.status_interval, 1 / (self.calls_per_second * _LISTING_SHARE))

    @property
    def listing(self) -> float:
        """Calls per second for the account-wide live/list."""
        return 1 / self.listing_interval if self.listing_interval else 0.0


@dataclass
class Project:
    """What decides how often a project is read; ``interval`` is its portfolio's, in seconds.

    One that is not ``named`` is not read yet; ``asks_name`` says that its name is asked for.
    ``running`` is None until QuantConnect has told; ``listed`` says that the last account-wide
    list had it.
    """

    interval: float
    named: bool
    asks_name: bool = False
    running: bool | None = None
    listed: bool = False


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
            Source.STATUS: self.pace.listing_interval,
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
        return max(1.0, self._needed / left)

    def interval(self, project: Project, source: Source) -> float:
        """The interval in force, in seconds: stretched, and longer for what does not run.

        The status of what runs comes with the account-wide list, which is never stretched.
        """
        base = self._base(project, source)
        if source is Source.STATUS and project.running is not False:
            return base
        return base * self.stretch
