"""Threads that perform calls: as many as are needed, up to a bound, and no longer than they are."""

from __future__ import annotations

import time
from collections import deque
from queue import Empty, SimpleQueue
from threading import Lock, Thread, current_thread
from typing import TYPE_CHECKING

from exporter.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    _Inbox = SimpleQueue["Callable[[], None] | None"]

log = Log(__name__)

# A thread that had nothing to do for so long ends. Calls that stall need many for a while.
_IDLE_SECONDS = 30.0


class Workers:
    """Runs what is submitted, each in one of at most ``most`` threads.

    Who has rested least is asked first, so that those who are needed seldom come to their end. The
    threads are daemons: a call that can't be interrupted, such as a name look-up, must not keep a
    process from ending.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self.most = most
        self._lock = Lock()
        self._made = 0
        self._threads: set[Thread] = set()
        self._resting: list[_Inbox] = []
        self._waiting: deque[Callable[[], None]] = deque()
        self._stopping = False

    def submit(self, job: Callable[[], None]) -> None:
        """Run a job; one that finds no thread free waits.

        Raises RuntimeError if there is no thread and none can be had; one more that can't be had
        is done without.
        """
        with self._lock:
            if self._resting:
                self._resting.pop().put(job)
                return
            if len(self._threads) < self.most:
                thread = Thread(
                    target=self._work, args=(job,), name=f"{self._name}-{self._made}", daemon=True
                )
                self._threads.add(thread)
                try:
                    thread.start()
                except RuntimeError:
                    self._threads.discard(thread)
                    if not self._threads:
                        raise
                else:
                    self._made += 1
                    return
            self._waiting.append(job)

    def stop(self, deadline: float) -> None:
        """Let the threads end when they are through; wait for that until ``deadline``, which is
        on Python's own monotonic clock."""
        with self._lock:
            self._stopping = True
            threads = list(self._threads)
            while self._resting:
                self._resting.pop().put(None)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, first: Callable[[], None]) -> None:
        inbox: _Inbox = SimpleQueue()
        job: Callable[[], None] | None = first
        while job is not None:
            try:
                job()
            except Exception:
                log.exception("A fault of this exporter, please report it")
            job = self._next(inbox)

    def _next(self, inbox: _Inbox) -> Callable[[], None] | None:
        """What to do next; None is to end, and then this thread is none of ours any more."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            if self._stopping:
                self._threads.discard(current_thread())
                return None
            self._resting.append(inbox)
        try:
            job = inbox.get(timeout=_IDLE_SECONDS)
        except Empty:
            with self._lock:
                if inbox in self._resting:
                    self._resting.remove(inbox)
                    self._threads.discard(current_thread())
                    return None
            job = inbox.get()  # it was given something at the last moment
        return job
