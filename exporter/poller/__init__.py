"""When QuantConnect is asked, and what becomes of its answers.

``plan`` decides what is asked next, as a pure function of results and time; ``account`` performs
it with threads; ``projects`` and ``project`` publish what was read. One account never waits for
another.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import ceil
from random import Random
from typing import TYPE_CHECKING

from exporter.clock import Clock
from exporter.poller.account import AccountPoller
from exporter.poller.claims import Claims
from exporter.poller.credentials import Credentials
from exporter.poller.pace import Pace
from exporter.poller.plan import Plan
from exporter.poller.projects import AccountProjects
from exporter.quantconnect.client import ASKED, QuantConnect
from exporter.quantconnect.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from exporter.config import Account, Config, Secret
    from exporter.store import AccountReport, Store
    from exporter.telemetry import AccountTelemetry, Telemetry

    _Key = tuple[str, int, str]

# A loop that has not turned for so many seconds is stuck.
_STUCK = 120.0
# As many calls at once as can be begun until the first of them times out: then some that stall
# hold none of the others up. Threads are made only when they are needed.
_FEWEST_CALLS, _MOST_CALLS = 4, 64
# Threads that have not ended by then, such as in a name look-up, are left to end by themselves.
_STOP_TIMEOUT = 2.0


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
        self._ready = False
        self._accounts = {
            _key(account): self._account(account, account.token.read())
            for account in config.accounts
        }

    def start(self) -> None:
        """Begin to read, in threads."""
        for account in self._accounts.values():
            account.start()

    def stop(self) -> None:
        """Stop promptly."""
        _stop(self._accounts.values())

    def ready(self) -> bool:
        """Whether every project's portfolio was tried once or its account waits; once so, always.

        What is discovered or configured later does not make an exporter unready that serves.
        """
        if not self._ready:
            self._ready = all(account.ready() for account in self._accounts.values())
        return self._ready

    def complete(self) -> bool:
        """Whether every source of every project was tried once, or can't be."""
        return all(account.complete() for account in self._accounts.values())

    def healthy(self) -> bool:
        """Whether every loop turns; what QuantConnect answers or doesn't has no part in it."""
        now = self._clock.monotonic()
        return all(now - account.turned < _STUCK for account in self._accounts.values())

    def accounts(self) -> Sequence[AccountReport]:
        """How QuantConnect takes each account, for people."""
        return [account.report() for account in self._accounts.values()]

    def reload(self, config: Config) -> None:
        """Go by another configuration; what it leaves as it was goes on undisturbed.

        Raises ConfigError if a new account's token cannot be read, RuntimeError if there is no
        thread for it to be had, and changes nothing then. One reload at a time.
        """
        accounts = {_key(account): account for account in config.accounts}
        pollers = self._renamed(accounts)
        new = accounts.keys() - pollers.keys()
        tokens = {key: accounts[key].token.read() for key in new}
        before, self._config = self._config, config
        begun: dict[_Key, AccountPoller] = {}
        try:
            for key in new:
                # Without projects, which others may read until they let go of them.
                begun[key] = self._account(replace(accounts[key], projects=()), tokens[key])
                begun[key].start()
        except BaseException:
            self._config = before
            _stop(begun.values())
            for poller in begun.values():
                poller.release_all()
            self._register(self._accounts.values())
            raise
        removed = [pollers.pop(key) for key in pollers.keys() - accounts.keys()]
        _stop(removed)
        for poller in removed:
            poller.release_all()
        pollers |= begun
        for key, poller in pollers.items():
            poller.release(accounts[key], self._elsewhere(accounts[key]))
        for key, account in accounts.items():
            pace = self._pace(account)
            pollers[key].configure(account, config, pace, self._calls_at_once(pace))
        self._register(pollers.values())
        self._accounts = pollers  # swapped whole, for others are looking at the old one

    def _renamed(self, accounts: Mapping[_Key, Account]) -> dict[_Key, AccountPoller]:
        """The pollers there are, under another name where that is all that is new of an account."""
        pollers = dict(self._accounts)
        gone = {key[1:]: key for key in pollers.keys() - accounts.keys()}
        for key in accounts.keys() - pollers.keys():
            if key[1:] in gone:
                pollers[key] = pollers.pop(gone.pop(key[1:]))
        return pollers

    def _elsewhere(self, account: Account) -> frozenset[int]:
        """The projects that other accounts list."""
        others = (other for other in self._config.accounts if other.name != account.name)
        return frozenset(settings.id for other in others for settings in other.projects)

    def _calls_at_once(self, pace: Pace) -> int:
        calls = ceil(pace.calls_per_second * self._config.request_timeout)
        return min(_MOST_CALLS, max(_FEWEST_CALLS, calls))

    def _pace(self, account: Account) -> Pace:
        return Pace(
            calls_per_second=account.requests_per_minute / 60 / self._shard.total,
            status_interval=self._config.status_interval,
            statistics_interval=self._config.statistics_interval,
            discovers=account.discover is not None,
        )

    def _instruments(self, account: Account) -> AccountTelemetry:
        return self._telemetry.account(
            account.name,
            endpoints=[endpoint.value for endpoint in ASKED],
            reasons=[reason.value for reason in Reason],
            budget=self._pace(account).calls_per_second,
        )

    def _register(self, pollers: Iterable[AccountPoller]) -> None:
        """Have label sets for these accounts: one that went may have had the name of another."""
        for poller in pollers:
            self._instruments(poller.account)

    def _account(self, account: Account, token: Secret) -> AccountPoller:
        pace = self._pace(account)
        calls_at_once = self._calls_at_once(pace)
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
        plan = Plan(pace, random=self._random, now=self._clock.monotonic())
        projects = AccountProjects(
            account,
            self._config,
            plan=plan,
            claims=self._claims,
            owns=self._shard.owns,
            elsewhere=self._elsewhere(account),
            store=self._store,
            clock=self._clock,
        )
        return AccountPoller(
            account,
            self._config,
            plan=plan,
            projects=projects,
            client=client,
            credentials=Credentials(account, client, used=token),
            calls_at_once=calls_at_once,
            telemetry=telemetry,
            clock=self._clock,
        )


def _stop(accounts: Collection[AccountPoller]) -> None:
    for account in accounts:
        account.quit()
    deadline = time.monotonic() + _STOP_TIMEOUT
    for account in accounts:
        account.join(deadline)


def _key(account: Account) -> _Key:
    """What makes an account another one."""
    return (account.name, account.user_id, account.base_url)
