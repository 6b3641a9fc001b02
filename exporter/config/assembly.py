"""From a document that was found valid to the frozen values that the exporter works with."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from exporter.config.model import Account, Config, Discover, Project
from exporter.config.schema import (
    AccountEntry,
    DiscoverEntry,
    Document,
    LimitsEntry,
    ProjectEntry,
)
from exporter.config.secret import Token

if TYPE_CHECKING:
    from pathlib import Path

# An account that needs no name, being the only one, still needs a label.
ONLY_ACCOUNT: Final = "default"


def assemble(document: Document, *, source: str, directory: Path) -> Config:
    """The configuration; ``directory`` is what relative paths in the document start from.

    Total for a document without problems; anything else is the caller's mistake.
    """
    assert document.accounts is not UNSET  # noqa: S101
    return Config(
        source=source,
        scrape_interval=document.scrape_interval,
        request_timeout=document.request_timeout,
        stale_after=document.stale_after,
        status_interval=document.status_interval,
        statistics_interval=document.statistics_interval,
        max_holdings_per_project=document.max_holdings_per_project,
        tickers=MappingProxyType(document.tickers or {}),
        accounts=tuple(_account(entry, document, directory) for entry in document.accounts),
    )


def _account(entry: AccountEntry, document: Document, directory: Path) -> Account:
    assert entry.user_id is not UNSET  # noqa: S101
    file = entry.api_token_file
    return Account(
        name=entry.name or ONLY_ACCOUNT,
        user_id=entry.user_id,
        token=Token(secret=entry.api_token, file=None if file is None else directory / file),
        base_url=entry.base_url,
        requests_per_minute=entry.requests_per_minute,
        discover=_discover(entry),
        projects=tuple(_project(project, document) for project in entry.projects or ()),
    )


def _discover(entry: AccountEntry) -> Discover | None:
    discover = entry.discover
    if discover is None and entry.projects is None:
        # Only a user id and a token are required: whatever is live is read then.
        discover = DiscoverEntry(enabled=True)
    if discover is None or not discover.enabled:
        return None
    return Discover(
        include=discover.include, exclude=discover.exclude, forget_after=discover.forget_after
    )


def _project(entry: ProjectEntry, document: Document) -> Project:
    assert entry.id is not UNSET  # noqa: S101
    limits = msgspec.structs.asdict(entry.limits or LimitsEntry())
    return Project(
        id=entry.id,
        name=entry.name,
        account_currency=entry.account_currency,
        scrape_interval=entry.scrape_interval or document.scrape_interval,
        labels=MappingProxyType(entry.labels or {}),
        limits=MappingProxyType({key: value for key, value in limits.items() if value is not None}),
        statistics=entry.statistics or (),
        strike_scale=entry.strike_scale,
    )
