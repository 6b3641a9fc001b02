"""Threads come when they are needed, up to the bound, and go when they are not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from exporter.poller import workers
from exporter.poller.workers import Workers

from .given import eventually, said

if TYPE_CHECKING:
    import pytest


def ended(pool: Workers) -> None:
    pool.stop(time.monotonic() + 20)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("test-")]


class Held:
    """Jobs that wait to be let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()
        self.done = threading.Semaphore(0)

    def __call__(self) -> None:
        self.begun.release()
        self.go.wait(20)
        self.done.release()

    def began(self, count: int) -> bool:
        return all(self.begun.acquire(timeout=20) for _ in range(count))


def test_one_that_rests_is_asked_again() -> None:
    pool, names = Workers("test", 4), []
    for _ in range(20):
        pool.submit(lambda: names.append(threading.current_thread().name))
        eventually(lambda: len(pool._resting) == 1)
    assert names == ["test-0"] * 20
    ended(pool)


def test_what_finds_none_free_waits() -> None:
    pool, held = Workers("test", 3), Held()
    for _ in range(5):
        pool.submit(held)
    assert held.began(3)
    assert len(pool._threads) == 3
    held.go.set()
    assert held.began(2)
    ended(pool)
    assert all(held.done.acquire(blocking=False) for _ in range(5))


def test_those_who_have_nothing_to_do_end_and_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_IDLE_SECONDS", 0.05)
    pool = Workers("test", 4)
    for _ in range(2):
        held = Held()
        for _ in range(4):
            pool.submit(held)
        assert held.began(4)
        held.go.set()
        eventually(lambda: not pool._threads)
    ended(pool)


def test_nothing_is_lost_between_resting_and_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_IDLE_SECONDS", 0.0005)
    pool, done = Workers("test", 4), threading.Semaphore(0)
    for number in range(2000):
        pool.submit(done.release)
        if number % 3 == 0:
            assert done.acquire(timeout=20)
            done.release()
    assert all(done.acquire(timeout=20) for _ in range(2000))
    assert not done.acquire(blocking=False)
    ended(pool)


def test_what_came_at_the_last_moment_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_IDLE_SECONDS", 0.05)
    pool, done = Workers("test", 4), threading.Semaphore(0)
    pool.submit(done.release)
    eventually(lambda: len(pool._resting) == 1)
    # While the lock is held its time runs out, and it cannot say so before it has another job.
    with pool._lock:
        inbox = pool._resting.pop()
        time.sleep(0.2)
        inbox.put(done.release)
    assert all(done.acquire(timeout=20) for _ in range(2))
    ended(pool)


def test_a_job_that_raises_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    pool, done = Workers("test", 1), threading.Event()

    def fail() -> None:
        raise ValueError("no")

    pool.submit(fail)
    pool.submit(done.set)
    assert done.wait(20)
    assert len(said(caplog, "A fault of this exporter")) == 1
    ended(pool)
