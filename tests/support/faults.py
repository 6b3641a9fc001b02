"""Which faults befall which requests.

    server.faults.add(Status(503), endpoint="live/list", times=3)
    handle = server.faults.add(Delay(2.0), project_id=21048731)
    server.faults.remove(handle)

Faults that fit a request act in the order they were added. One that changes something (a delay,
the clock) lets the next act; one that answers is the end of it. The faults themselves are in
``fault_answers`` and ``fault_transport``.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator.exchange import Fault, Request


@dataclass(slots=True)
class _Entry:
    fault: Fault
    endpoint: str | None
    project_id: int | None
    status: str | None
    left: int | None
    skip: int

    def fits(self, request: Request) -> bool:
        return all(
            wanted in (None, asked)
            for wanted, asked in (
                (self.endpoint, request.endpoint),
                (self.project_id, request.project_id),
                (self.status, request.status),
            )
        )


class Faults:
    """The faults in force, by handle. Safe to change while the server runs."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._handles = count(1)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)

    def add(
        self,
        fault: Fault,
        *,
        endpoint: str | None = None,
        project_id: int | None = None,
        status: str | None = None,
        times: int | None = None,
        after: int = 0,
    ) -> int:
        """Let ``fault`` befall the requests to ``endpoint`` (such as ``live/list``), for
        ``project_id`` and for deployments of ``status``, where given, ``times`` times or until
        removed, sparing the first ``after``. Gives a handle to remove it by."""
        handle = next(self._handles)
        with self._lock:
            self._entries[handle] = _Entry(fault, endpoint, project_id, status, times, after)
        return handle

    def remove(self, handle: int) -> None:
        """End a fault; one that has spent itself is gone already."""
        with self._lock:
            self._entries.pop(handle, None)

    def clear(self) -> None:
        """End every fault."""
        with self._lock:
            self._entries.clear()

    def on(self, request: Request) -> Iterator[Fault]:
        """The faults that befall a request, each counted when its turn comes."""
        with self._lock:
            fitting = [
                (handle, each) for handle, each in self._entries.items() if each.fits(request)
            ]
        for handle, entry in fitting:
            with self._lock:
                if handle not in self._entries:
                    continue
                if entry.skip:
                    entry.skip -= 1
                    continue
                if entry.left is not None:
                    entry.left -= 1
                    if not entry.left:
                        del self._entries[handle]
            yield entry.fault
