"""Threads that perform calls: as many as are needed, up to a bound, and kept."""

from __future__ import annotations

from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Workers:
    """Runs what is submitted, each in one of at most ``most`` threads.

    The threads are daemons: a call that can't be interrupted, such as a name look-up, must not
    keep a process from ending. What is submitted handles its own errors.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self.most = most
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def submit(self, job: Callable[[], None], *, under_way: int) -> None:
        """Run a job; ``under_way`` is how many there are with it, from which threads are made."""
        if under_way > len(self._threads):
            name = f"{self._name}-{len(self._threads)}"
            thread = Thread(target=self._work, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put(job)

    def stop(self, timeout: float) -> None:
        """Let the threads end when they are through, waiting for each so many seconds at most."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(timeout)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
