"""Threads that perform calls: as many as are needed, up to a bound, and kept."""

from __future__ import annotations

import time
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from exporter.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable

log = Log(__name__)


class Workers:
    """Runs what is submitted, each in one of at most ``most`` threads.

    The threads are daemons: a call that can't be interrupted, such as a name look-up, must not
    keep a process from ending.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self.most = most
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def submit(self, job: Callable[[], None], *, under_way: int) -> None:
        """Run a job; ``under_way`` is how many there are with it, from which threads are made.

        Raises RuntimeError if there is no thread and none can be had; one more that can't be had
        is done without.
        """
        if under_way > len(self._threads):
            name = f"{self._name}-{len(self._threads)}"
            thread = Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                if not self._threads:
                    raise
            else:
                self._threads.append(thread)
        self._jobs.put(job)

    def stop(self, deadline: float) -> None:
        """Let the threads end when they are through; wait for that until ``deadline``, which is
        on Python's own monotonic clock."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("A fault of this exporter, please report it")
