"""The sources of an account as a whole, such as its organization's nodes and credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.exposition import Renderer
from exporter.metrics.project import READINGS
from exporter.metrics.table import Row
from exporter.poller.kept import Good, rendered
from exporter.poller.task import Fault, Outcome, Task
from exporter.quantconnect.errors import ApiError
from exporter.sources.source import Known
from exporter.store import Part

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Clock
    from exporter.config import Account, Config
    from exporter.quantconnect.client import Request
    from exporter.sources.source import Source


class Organization:
    """The sources of one account; used under the account's lock.

    ``before`` is the same account under the previous configuration, whose state carries over.
    """

    def __init__(
        self,
        account: Account,
        config: Config,
        *,
        sources: Iterable[Source[Any]],
        clock: Clock,
        first_priority: int = 0,
        before: Organization | None = None,
    ) -> None:
        self._account = account
        self._config = config
        self._clock = clock
        self._renderer = Renderer(Row(account.name))
        self._good: dict[Source[Any], Good] = {}
        self.tasks: dict[Source[Any], Task] = {}
        for priority, source in enumerate(sources, first_priority):
            if self.regular_interval(source):
                self.tasks[source] = Task(
                    name=source.name,
                    endpoint=self.request(source, 0).endpoint,
                    priority=priority,
                    source=source,
                )
        if before is not None:
            self._carry_over(before)

    def _carry_over(self, before: Organization) -> None:
        self.tasks |= {
            source: task for source, task in before.tasks.items() if source in self.tasks
        }
        for source, good in before._good.items():
            if source in self.tasks:
                self._good[source] = self._kept(source, good.value, good.at, good.interval)

    def regular_interval(self, source: Source[Any]) -> float:
        """Return the interval of a source, in seconds, not stretched; 0 if it is off."""
        return source.interval(self._account.settings_for(0), self._config)

    def request(self, source: Source[Any], project_id: int) -> Request[Any]:
        """Return the call for a source, made for any project of the account."""
        return source.request(self._account.settings_for(project_id), self._config, Known())

    def take_in(
        self, source: Source[Any], answer: Any | ApiError | Fault, interval: float
    ) -> Outcome:
        """Take in an answer; return the verdict. ``interval`` is the one in force, in seconds."""
        if isinstance(answer, ApiError | Fault):
            return Outcome(answer)
        if source in self.tasks:
            self._good[source] = self._kept(source, answer, self._clock.monotonic(), interval)
        return Outcome(problems=answer.problems)

    def _kept(self, source: Source[Any], value: Any, at: float, interval: float) -> Good:
        snapshot = rendered(self._renderer, source, value, self._clock.now())
        return Good(value, at, interval, snapshot)

    def collect(self) -> tuple[Part, ...]:
        """Return all series of the account, for the store."""
        if not self.tasks:
            return ()
        readings = Part(self._renderer.render(READINGS, self.tasks.values()))
        stale_after = self._config.stale_after
        parts = (good.part(self.tasks[source], stale_after) for source, good in self._good.items())
        return (readings, *parts)
