"""A configuration back to YAML: what ``/config`` shows.

Every default is filled in, every secret is ``<secret>``; apart from that, loading the result
gives the same configuration again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from exporter.config.duration import format_duration
from exporter.config.environment import escape
from exporter.config.secret import MASK

if TYPE_CHECKING:
    from exporter.config.model import Account, Config, Discover, Project


def render(config: Config) -> str:
    """The YAML document of ``config``."""
    document = {
        "scrape_interval": format_duration(config.scrape_interval),
        "request_timeout": format_duration(config.request_timeout),
        "stale_after": format_duration(config.stale_after),
        "status_interval": format_duration(config.status_interval),
        "statistics_interval": format_duration(config.statistics_interval),
        "max_holdings_per_project": config.max_holdings_per_project,
        "tickers": {first: escape(today) for first, today in config.tickers.items()},
        "accounts": [_account(account) for account in config.accounts],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _account(account: Account) -> dict[str, Any]:
    file = account.token.file
    token = {"api_token": MASK} if file is None else {"api_token_file": escape(str(file))}
    entry: dict[str, Any] = {
        "name": escape(account.name),
        "user_id": account.user_id,
        **token,
        "base_url": escape(account.base_url),
        "requests_per_minute": _number(account.requests_per_minute),
        "discover": _discover(account.discover),
    }
    if account.projects:
        entry["projects"] = [_project(project) for project in account.projects]
    return entry


def _discover(discover: Discover | None) -> dict[str, Any]:
    if discover is None:
        return {"enabled": False}
    return {
        "enabled": True,
        "include": escape(discover.include.pattern),
        "exclude": escape(discover.exclude.pattern),
        "forget_after": format_duration(discover.forget_after),
    }


def _project(project: Project) -> dict[str, Any]:
    """A project; a name and a currency that QuantConnect is to say can't be filled in."""
    said = {"name": project.name, "account_currency": project.account_currency}
    return {
        "id": project.id,
        **{key: escape(value) for key, value in said.items() if value is not None},
        "scrape_interval": format_duration(project.scrape_interval),
        "labels": {name: escape(value) for name, value in project.labels.items()},
        "limits": {name: _number(value) for name, value in project.limits.items()},
        "statistics": [escape(name) for name in project.statistics],
        "strike_scale": project.strike_scale,
    }


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
