"""The poller of QuantConnect: chooses each call and processes its answer.

One loop per account, and no account waits for another. ``schedule`` chooses the next call, as a
pure function of outcomes and time; ``account`` makes it; ``projects`` and ``project`` take answers
in; ``record`` counts and logs.
"""

from __future__ import annotations

import time
from dataclasses import replace
from math import ceil
from random import Random
from threading import Thread
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.clock import Clock
from exporter.poller.account import AccountPoller, Limits
from exporter.poller.credentials import Credentials
from exporter.poller.discovery import Claims
from exporter.poller.projects import Projects
from exporter.poller.record import Record
from exporter.poller.schedule import Budget, Schedule
from exporter.poller.task import Task
from exporter.quantconnect.client import Endpoint, QuantConnect
from exporter.quantconnect.errors import Reason
from exporter.sources import ACCOUNT_SOURCES, SOURCES
from exporter.sources.source import Known

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from exporter.config import Account, Config, Secret
    from exporter.store import AccountReport, Store
    from exporter.telemetry import AccountTelemetry, Telemetry

    _Key = tuple[str, int, str]

__all__ = ["Limits", "Poller", "Shard"]

# A loop without a turn for so many seconds is stuck.
_STUCK: Final = 120.0
# As many calls at once as can begin before the first of them times out, so that stalled calls do
# not delay the others.
_FEWEST_CALLS, _MOST_CALLS = 4, 64


class Shard(Struct, frozen=True):
    """This process's share of the projects: those with ``id % total == index``."""

    index: int = 0
    total: int = 1

    def owns(self, project_id: int) -> bool:
        """Return True for a project in this share."""
        return project_id % self.total == self.index


class Poller:
    """Reads every configured account, each with its own loop."""

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
        limits: Limits | None = None,
        thread: type[Thread] = Thread,
    ) -> None:
        self._config = config
        self._store = store
        self._telemetry = telemetry
        self._user_agent = user_agent
        self._shard = shard or Shard()
        self._clock = clock or Clock()
        self._random = random or Random()
        self._limits = limits or Limits()
        self._thread = thread
        self._claims = Claims()
        self._ready = False
        self._accounts = {
            _key(account): self._account(account, account.token.read())
            for account in config.accounts
        }

    def start(self) -> None:
        """Start reading, in threads."""
        for account in self._accounts.values():
            account.start()

    def stop(self) -> None:
        """Stop promptly."""
        self._stop(self._accounts.values())

    def ready(self) -> bool:
        """Return True once and for all when every project's portfolio was tried or its account
        waits.

        Projects that are discovered or configured later do not make a serving exporter unready.
        """
        if not self._ready:
            self._ready = all(account.is_ready() for account in self._accounts.values())
        return self._ready

    def complete(self) -> bool:
        """Return True once every source of every project was tried or cannot be tried."""
        return all(account.is_complete() for account in self._accounts.values())

    def healthy(self) -> bool:
        """Return True while every loop runs, whatever QuantConnect answers."""
        now = self._clock.monotonic()
        return all(now - account.last_turn < _STUCK for account in self._accounts.values())

    def accounts(self) -> Sequence[AccountReport]:
        """Return the state of each account, for people."""
        return [account.report() for account in self._accounts.values()]

    def reload(self, config: Config) -> None:
        """Apply another configuration: build new pollers, carry state over, swap, stop the rest.

        Raises ConfigError if a new account's token cannot be read, RuntimeError if no thread can be
        started for it; then nothing changes. One reload at a time.
        """
        accounts = {_key(account): account for account in config.accounts}
        pollers = self._rekeyed(accounts)
        new = accounts.keys() - pollers.keys()
        tokens = {key: accounts[key].token.read() for key in new}
        before, self._config = self._config, config
        begun: dict[_Key, AccountPoller] = {}
        try:
            for key in new:
                # Without projects: other accounts may read them until they release them.
                begun[key] = self._account(replace(accounts[key], projects=()), tokens[key])
                begun[key].start()
        except BaseException:
            self._config = before
            self._discard(begun.values())
            self._register(self._accounts.values())
            raise
        self._discard([pollers.pop(key) for key in pollers.keys() - accounts.keys()])
        pollers |= begun
        for key, poller in pollers.items():
            poller.release(accounts[key], self._listed_by_others(accounts[key]))
        for key, account in accounts.items():
            budget = self._budget(account)
            pollers[key].adopt(account, config, budget, self._calls_at_once(budget))
        self._register(pollers.values())
        self._accounts = pollers  # swapped whole: other threads use the old one

    def _discard(self, pollers: Collection[AccountPoller]) -> None:
        self._stop(pollers)
        for poller in pollers:
            poller.release(None, ())

    def _stop(self, pollers: Collection[AccountPoller]) -> None:
        for poller in pollers:
            poller.quit()
        deadline = time.monotonic() + self._limits.stop
        for poller in pollers:
            poller.join(deadline)

    def _rekeyed(self, accounts: Mapping[_Key, Account]) -> dict[_Key, AccountPoller]:
        """Return the running pollers, with new keys where only an account's name has changed."""
        pollers = dict(self._accounts)
        gone = {key[1:]: key for key in pollers.keys() - accounts.keys()}
        for key in accounts.keys() - pollers.keys():
            if key[1:] in gone:
                pollers[key] = pollers.pop(gone.pop(key[1:]))
        return pollers

    def _listed_by_others(self, account: Account) -> frozenset[int]:
        """Return the projects that other accounts list."""
        others = (other for other in self._config.accounts if other.name != account.name)
        return frozenset(settings.id for other in others for settings in other.projects)

    def _calls_at_once(self, budget: Budget) -> int:
        calls = ceil(budget.calls_per_second * self._config.request_timeout)
        return min(_MOST_CALLS, max(_FEWEST_CALLS, calls))

    def _budget(self, account: Account) -> Budget:
        return Budget(
            calls_per_second=account.requests_per_minute / 60 / self._shard.total,
            status_interval=self._config.status_interval,
        )

    def _instruments(self, account: Account) -> AccountTelemetry:
        return self._telemetry.account(
            account.name,
            endpoints=_endpoints(account, self._config),
            reasons=[reason.value for reason in Reason],
            budget=self._budget(account).calls_per_second,
        )

    def _register(self, pollers: Iterable[AccountPoller]) -> None:
        """Create label sets for these accounts; a removed account may have had the same name."""
        for poller in pollers:
            self._instruments(poller.account)

    def _account(self, account: Account, token: Secret) -> AccountPoller:
        budget = self._budget(account)
        calls_at_once = self._calls_at_once(budget)
        telemetry = self._instruments(account)
        client = QuantConnect(
            user_id=account.user_id,
            token=token.reveal(),
            base_url=account.base_url,
            timeout=self._config.request_timeout,
            connections=calls_at_once,
            user_agent=self._user_agent,
            observer=telemetry,
            now=self._clock.now,
        )
        authenticate = Task(name="authenticate", endpoint=Endpoint.AUTHENTICATE, priority=0)
        schedule = Schedule(authenticate, budget, random=self._random, now=self._clock.monotonic())
        record = Record(account.name, telemetry, self._clock)
        projects = Projects(
            account,
            self._config,
            schedule=schedule,
            authenticate=authenticate,
            claims=self._claims,
            owns=self._shard.owns,
            reads_account=self._shard.index == 0,
            elsewhere=self._listed_by_others(account),
            record=record,
            store=self._store,
            clock=self._clock,
            name_tries=self._limits.name_tries,
        )
        return AccountPoller(
            account,
            self._config,
            schedule=schedule,
            projects=projects,
            record=record,
            client=client,
            credentials=Credentials(account, client, used=token),
            calls_at_once=calls_at_once,
            telemetry=telemetry,
            clock=self._clock,
            limits=self._limits,
            thread=self._thread,
        )


def _endpoints(account: Account, config: Config) -> list[str]:
    """Return the endpoints that a configuration needs, always including the account's own."""
    asked = {Endpoint.AUTHENTICATE, Endpoint.LIVE_LIST, Endpoint.PROJECTS_READ}
    for settings in (account.settings_for(0), *account.projects):
        for source in (*SOURCES, *ACCOUNT_SOURCES):
            if source.interval(settings, config):
                asked.add(source.request(settings, config, Known()).endpoint)
    return sorted(asked)


def _key(account: Account) -> _Key:
    """Return the identity of an account."""
    return (account.name, account.user_id, account.base_url)
