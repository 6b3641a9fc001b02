"""When QuantConnect is asked, and what becomes of its answers.

``plan`` decides what is asked next, as a pure function of results and time; ``account`` performs
it with threads; ``projects`` and ``project`` publish what was read. One account never waits for
another.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from random import Random
from typing import TYPE_CHECKING

from exporter.clock import Clock
from exporter.poller.account import AccountPoller
from exporter.poller.claims import Claims
from exporter.poller.pace import Pace
from exporter.poller.plan import Plan
from exporter.poller.projects import AccountProjects
from exporter.quantconnect.client import Endpoint, QuantConnect
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from exporter.config import Account, Config
    from exporter.store import Store
    from exporter.telemetry import Telemetry

# A loop that has not turned for so many seconds is stuck.
_STUCK = 120.0
# Calls usually take well under a second; so many at once keep up even when they take four.
_SECONDS_PER_CALL = 4
_FEWEST_CALLS, _MOST_CALLS = 4, 64


@dataclass(frozen=True)
class Shard:
    """This process's share of the projects: those with ``id % total == index``."""

    index: int = 0
    total: int = 1

    def owns(self, project_id: int) -> bool:
        """Whether a project is in this share."""
        return project_id % self.total == self.index


class Poller:
    """Reads every configured account, each with a loop of its own."""

    def __init__(
        self,
        config: Config,
        *,
        store: Store,
        telemetry: Telemetry,
        user_agent: str,
        shard: Shard | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._telemetry = telemetry
        self._user_agent = user_agent
        self._shard = shard or Shard()
        self._clock = clock or Clock()
        self._random = random or Random()
        self._claims = Claims()
        self._accounts = {_key(account): self._account(account) for account in config.accounts}

    def start(self) -> None:
        """Begin to read, in threads."""
        for account in self._accounts.values():
            account.start()

    def stop(self) -> None:
        """Stop promptly."""
        for account in self._accounts.values():
            account.stop()

    def ready(self) -> bool:
        """Whether every project's portfolio was tried once or its account waits to be let in."""
        return all(account.complete(sources=False) for account in self._accounts.values())

    def complete(self) -> bool:
        """Whether every source of every project was tried once, or can't be."""
        return all(account.complete(sources=True) for account in self._accounts.values())

    def healthy(self) -> bool:
        """Whether every loop turns; what QuantConnect answers or doesn't has no part in it."""
        now = self._clock.monotonic()
        return all(now - account.turned < _STUCK for account in self._accounts.values())

    def reload(self, config: Config) -> None:
        """Go by another configuration; what it leaves as it was goes on undisturbed."""
        accounts = {_key(account): account for account in config.accounts}
        pollers = dict(self._accounts)
        self._config = config
        for key in self._accounts.keys() - accounts.keys():
            poller = pollers.pop(key)
            poller.stop()
            poller.release_all()
            self._telemetry.forget_account(poller.account.name)
        for key, poller in pollers.items():
            poller.release(accounts[key])
        for key, account in accounts.items():
            if key in pollers:
                pace = self._pace(account)
                self._telemetry.budget(account.name, pace.calls_per_second)
                pollers[key].configure(account, config, pace)
            else:
                pollers[key] = self._account(account)
                pollers[key].start()
        self._accounts = pollers  # swapped whole, for others are looking at the old one

    def _pace(self, account: Account) -> Pace:
        return Pace(
            calls_per_second=account.requests_per_minute / 60 / self._shard.total,
            status_interval=self._config.status_interval,
            statistics_interval=self._config.statistics_interval,
            discovers=account.discover is not None,
        )

    def _account(self, account: Account) -> AccountPoller:
        pace = self._pace(account)
        calls = ceil(pace.calls_per_second * _SECONDS_PER_CALL)
        calls_at_once = min(_MOST_CALLS, max(_FEWEST_CALLS, calls))
        telemetry = self._telemetry.account(
            account.name,
            endpoints=[endpoint.value for endpoint in Endpoint],
            reasons=[reason.value for reason in Reason],
            budget=pace.calls_per_second,
        )
        plan = Plan(pace, random=self._random, now=self._clock.monotonic())
        return AccountPoller(
            account,
            self._config,
            plan=plan,
            projects=AccountProjects(
                account,
                self._config,
                plan=plan,
                claims=self._claims,
                owns=self._shard.owns,
                store=self._store,
                clock=self._clock,
            ),
            client=QuantConnect(
                user_id=account.user_id,
                token=account.token.read().reveal(),
                base_url=account.base_url,
                timeout=self._config.request_timeout,
                connections=calls_at_once,
                user_agent=self._user_agent,
                observer=telemetry,
                now=self._clock.now,
            ),
            calls_at_once=calls_at_once,
            telemetry=telemetry,
            clock=self._clock,
        )


def _key(account: Account) -> tuple[str, int, str]:
    """What makes an account another one."""
    return (account.name, account.user_id, account.base_url)
