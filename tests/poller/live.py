"""A poller with all its threads, against a simulated QuantConnect over HTTP."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from threading import Thread
from typing import TYPE_CHECKING, Any

from exporter.clock import Clock
from exporter.exposition import TEXT
from exporter.poller import Limits, Poller, Shard
from exporter.store import Store
from exporter.telemetry import Telemetry

from .given import config_of, eventually, lines, value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.config import Config
    from tests.support import SimulatorServer


LIMITS = Limits(longest_nap=0.02, fault_nap=0.02)
"""The loop looks around more often than each ten seconds, which no test wants to wait for."""


class Soon(Random):
    """Backs off for no more than a moment."""

    def uniform(self, a: float, b: float) -> float:
        return min(b, a + 0.03)


def quick(
    config: Config,
    *,
    interval: float = 0.05,
    status_interval: float = 0.05,
    statistics_interval: float = 0.2,
    request_timeout: float = 5.0,
    requests_per_minute: float = 60_000.0,
) -> Config:
    """The same at intervals that no configuration allows, so that much happens in a second."""
    accounts = tuple(
        replace(
            account,
            requests_per_minute=requests_per_minute,
            projects=tuple(replace(each, scrape_interval=interval) for each in account.projects),
        )
        for account in config.accounts
    )
    return replace(
        config,
        accounts=accounts,
        scrape_interval=interval,
        status_interval=status_interval,
        statistics_interval=statistics_interval,
        request_timeout=request_timeout,
    )


class Live:
    """A poller and what it publishes."""

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        shard: Shard | None = None,
        telemetry: Telemetry | None = None,
        user_agent: str = "test",
        limits: Limits = LIMITS,
        thread: type[Thread] = Thread,
    ) -> None:
        self.clock = clock or Clock()
        self.store = Store(self.clock)
        self.telemetry = telemetry or Telemetry(version="1", revision="abc")
        self.poller = Poller(
            config,
            store=self.store,
            telemetry=self.telemetry,
            user_agent=user_agent,
            shard=shard,
            clock=self.clock,
            random=Soon(1),
            limits=limits,
            thread=thread,
        )

    def value(self, start: str) -> float | None:
        return value(self.store.snapshots(), f"quantconnect_{start}")

    def success(self, project_id: int, source: str = "portfolio") -> float | None:
        report = self.store.report(project_id)
        account = "" if report is None else report.account
        return value(
            self.store.snapshots_of(project_id),
            f'quantconnect_read_success{{account="{account}",project="P{project_id}"'
            f',project_id="{project_id}",source="{source}"',
        )

    def numbers(self, project_id: int) -> list[str]:
        return lines(self.store.snapshots_of(project_id))

    def own(self, line: str) -> float | None:
        """A sample of the exporter's own."""
        text = TEXT.render(self.telemetry.registry).decode().splitlines()
        found = [each for each in text if each.startswith(f"quantconnect_{line} ")]
        return float(found[0].rpartition(" ")[2]) if found else None

    def stops(self) -> float:
        """Stop, and how many seconds that took."""
        started = time.monotonic()
        self.poller.stop()
        return time.monotonic() - started


@contextmanager
def live(config: Config, **keywords: Any) -> Iterator[Live]:
    """Reads from here on, until the end."""
    running = Live(config, **keywords)
    running.poller.start()
    try:
        yield running
    finally:
        running.poller.stop()


def account(server: SimulatorServer, rest: str, *, name: str = "main", token: str = "") -> str:
    """An account of the configuration, whose QuantConnect is the simulated one."""
    token = token or f"api_token: {server.world.token}"
    return f"{{name: {name}, user_id: 1, {token}, base_url: '{server.base_url}', {rest}}}"


def projects(*ids: int) -> str:
    """Projects as the configuration lists them, called by P and their id."""
    return "projects: [" + ", ".join(f"{{id: {each}, name: P{each}}}" for each in ids) + "]"


def configured(directory: Path, *accounts: str) -> Config:
    return config_of(directory, f"accounts: [{', '.join(accounts)}]\n")


def eventually_complete(running: Live) -> None:
    """Wait until everything was tried once."""
    eventually(running.poller.complete)


def eventually_there(running: Live, projects: int) -> None:
    """Wait until there are so many projects."""
    eventually(lambda: len(running.store.reports()) == projects)


def eventually_read(running: Live, *ids: int) -> None:
    """Wait until the last reads of these portfolios were good ones."""
    eventually(lambda: all(running.success(each) == 1 for each in ids))
