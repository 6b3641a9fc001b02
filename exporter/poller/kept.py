"""The last good answer of a source, which is published until it is too old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from exporter.exposition import Snapshot
from exporter.store import Part

if TYPE_CHECKING:
    from exporter.exposition import Renderer
    from exporter.poller.task import Task
    from exporter.sources.source import Source

# A source is outdated after this many intervals, if that is longer than stale_after.
_STALE_INTERVALS: Final = 3


class Good(Struct, frozen=True):
    """A good answer, its time (monotonic), its interval in force and its samples."""

    value: Any
    at: float
    interval: float
    snapshot: Snapshot

    def part(self, task: Task, stale_after: float) -> Part:
        """Return the samples and the time of their withdrawal; ``task`` is the source's."""
        # A shorter interval must not withdraw the answer at once.
        interval = max(self.interval, task.interval)
        return Part(self.snapshot, self.at + max(stale_after, _STALE_INTERVALS * interval))


def rendered(renderer: Renderer, source: Source[Any], value: Any, now: float) -> Snapshot:
    """Return the samples of an answer, rendered at ``now`` (unix seconds)."""
    snapshot: dict[str, Any] = {}
    for families in source.families:
        snapshot |= renderer.render(families.table, families.rows(value, now))
    return snapshot
