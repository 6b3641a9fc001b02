"""What waits to be asked, in the order in which it is asked."""

from __future__ import annotations

from enum import IntEnum
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(IntEnum):
    """The kinds of calls, the most urgent first."""

    AUTHENTICATE = 0
    RUNNING = 1
    """live/list of what runs in the account."""
    DEPLOYMENTS = 2
    """live/list of all deployments of the account, for discovery."""
    PORTFOLIO = 3
    STATUS = 4
    """live/list of one project."""
    STATISTICS = 5
    NAME = 6


class Task(NamedTuple):
    """Something to ask QuantConnect; ``project_id`` is None for what concerns the account."""

    kind: Kind
    project_id: int | None = None


EVERY_KIND: Sequence[Kind] = tuple(Kind)


class Queue:
    """Tasks with the time at which each is due, taken by kind and then by longest wait.

    Times are seconds of one monotonic clock. Every operation costs O(log n) at the most, for
    there may be a hundred thousand tasks.
    """

    def __init__(self) -> None:
        self._due: dict[Task, float] = {}
        self._heaps: dict[Kind, list[tuple[float, int, Task]]] = {kind: [] for kind in Kind}
        self._sequence = count()

    def __len__(self) -> int:
        return len(self._due)

    def due(self, task: Task) -> float | None:
        """When the task is due; None if it doesn't wait here."""
        return self._due.get(task)

    def put(self, task: Task, due: float) -> None:
        """Let the task wait until ``due``, whatever it was waiting for before."""
        self._due[task] = due
        heappush(self._heaps[task.kind], (due, next(self._sequence), task))

    def discard(self, task: Task) -> None:
        """The task waits no longer."""
        self._due.pop(task, None)

    def take(self, now: float, kinds: Sequence[Kind] = EVERY_KIND) -> Task | None:
        """The most urgent task that is due, removed; None if there is none."""
        for kind in kinds:
            if self._next(kind) <= now:
                _, _, task = heappop(self._heaps[kind])
                del self._due[task]
                return task
        return None

    def next_due(self, kinds: Sequence[Kind] = EVERY_KIND) -> float:
        """When the next task is due; infinity if none waits."""
        return min(self._next(kind) for kind in kinds)

    def _next(self, kind: Kind) -> float:
        """When the first of a kind is due; entries that no longer hold are dropped on the way."""
        heap = self._heaps[kind]
        while heap and self._due.get(heap[0][2]) != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else inf
