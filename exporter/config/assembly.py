"""The frozen values of a document that was found valid."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from exporter.config.model import Account, Config, Defaults, Discover
from exporter.config.schema import (
    AccountDefaultsEntry,
    AccountEntry,
    DefaultsEntry,
    DiscoverEntry,
    Document,
    LimitsEntry,
    ProjectEntry,
)
from exporter.config.secret import Token

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.config.model import ProjectSettings
    from exporter.config.schema import LogQueries

# The label of an only account that has no name.
ONLY_ACCOUNT: Final = "default"


def assemble(document: Document, *, source: str, directory: Path) -> Config:
    """Return the configuration; relative paths in the document start from ``directory``.

    The document must be free of problems.
    """
    assert document.accounts is not UNSET  # noqa: S101
    queries = _texts(document.log_queries or {})
    built_in = Defaults(scrape_interval=document.scrape_interval, log_queries=queries)
    defaults = _nearest(document.defaults, built_in)
    return Config(
        source=source,
        scrape_interval=document.scrape_interval,
        request_timeout=document.request_timeout,
        stale_after=document.stale_after,
        status_interval=document.status_interval,
        statistics_interval=document.statistics_interval,
        orders_interval=document.orders_interval,
        trades_interval=document.trades_interval,
        nodes_interval=document.nodes_interval,
        account_interval=document.account_interval,
        benchmark_interval=document.benchmark_interval,
        logs_interval=document.logs_interval,
        log_queries=queries,
        log_severities=_log_severities(document, document.accounts),
        max_holdings_per_project=document.max_holdings_per_project,
        tickers=MappingProxyType(document.tickers or {}),
        accounts=tuple(_account(entry, defaults, directory) for entry in document.accounts),
    )


def _log_severities(document: Document, accounts: tuple[AccountEntry, ...]) -> Mapping[str, str]:
    queries = [document.log_queries or {}]
    for account in accounts:
        queries += (project.log_queries or {} for project in account.projects or ())
    return MappingProxyType(
        {name: query.severity for each in queries for name, query in each.items()}
    )


def _account(entry: AccountEntry, further: Defaults, directory: Path) -> Account:
    assert entry.user_id is not UNSET  # noqa: S101
    file = entry.api_token_file
    defaults = _nearest(entry.defaults, further)
    return Account(
        name=entry.name or ONLY_ACCOUNT,
        user_id=entry.user_id,
        token=Token(secret=entry.api_token, file=None if file is None else directory / file),
        base_url=entry.base_url,
        requests_per_minute=entry.requests_per_minute,
        discover=_discover(entry),
        defaults=defaults,
        projects=tuple(_project(project, defaults) for project in entry.projects or ()),
    )


def _discover(entry: AccountEntry) -> Discover | None:
    discover = entry.discover
    if discover is None and entry.projects is None:
        # With only a user id and a token, everything live is read.
        discover = DiscoverEntry(enabled=True)
    if discover is None or not discover.enabled:
        return None
    return Discover(
        include=discover.include, exclude=discover.exclude, forget_after=discover.forget_after
    )


def _project(entry: ProjectEntry, defaults: Defaults) -> ProjectSettings:
    assert entry.id is not UNSET  # noqa: S101
    return _nearest(entry, defaults).of_project(
        entry.id, name=entry.name, account_currency=entry.account_currency
    )


def _nearest(entry: DefaultsEntry | None, further: Defaults) -> Defaults:
    """Return the settings of ``entry``, and those of ``further`` for what it leaves out.

    Labels and limits are taken key by key, log queries all together.
    """
    if entry is None:
        return further
    interval = entry.scrape_interval if isinstance(entry, AccountDefaultsEntry) else None
    queries = entry.log_queries if isinstance(entry, ProjectEntry) else None
    limits = {
        key: further.limits.get(key) if value is None else value
        for key, value in msgspec.structs.asdict(entry.limits or LimitsEntry()).items()
    }
    return Defaults(
        scrape_interval=interval or further.scrape_interval,
        labels=MappingProxyType({**further.labels, **(entry.labels or {})}),
        limits=MappingProxyType({key: value for key, value in limits.items() if value is not None}),
        statistics=further.statistics if entry.statistics is None else entry.statistics,
        log_queries=further.log_queries if queries is None else _texts(queries),
        drawdown_since=entry.drawdown_since or further.drawdown_since,
        strike_scale=entry.strike_scale or further.strike_scale,
        assumed_currency=entry.account_currency or further.assumed_currency,
    )


def _texts(queries: LogQueries) -> Mapping[str, str]:
    return MappingProxyType(
        {name: query.text for name, query in queries.items() if query.text is not UNSET}
    )
