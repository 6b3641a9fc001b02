"""The YAML of a configuration, for ``/config``.

Every default is filled in and every secret is ``<secret>``; otherwise, loading the result gives
the same configuration again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import yaml

from exporter.config.duration import format_duration
from exporter.config.environment import escape
from exporter.config.secret import MASK
from exporter.config.values import format_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.model import Account, Config, Defaults, Discover, ProjectSettings


_DURATIONS: Final = (
    *("scrape_interval", "request_timeout", "stale_after", "status_interval"),
    *("statistics_interval", "orders_interval", "trades_interval", "nodes_interval"),
    *("account_interval", "benchmark_interval", "logs_interval"),
)


def to_yaml(config: Config) -> str:
    """Return the running configuration, defaults filled in and secrets as ``<secret>``."""
    document = {
        **{key: format_duration(getattr(config, key)) for key in _DURATIONS},
        "log_queries": _queries(config.log_queries, config.log_severities),
        "max_holdings_per_project": config.max_holdings_per_project,
        "tickers": _texts(config.tickers),
        "accounts": [_account(account, config.log_severities) for account in config.accounts],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _account(account: Account, severities: Mapping[str, str]) -> dict[str, Any]:
    file = account.token.file
    token = {"api_token": MASK} if file is None else {"api_token_file": escape(str(file))}
    entry: dict[str, Any] = {
        "name": escape(account.name),
        "user_id": account.user_id,
        **token,
        "base_url": escape(account.base_url),
        "requests_per_minute": _number(account.requests_per_minute),
        "discover": _discover(account.discover),
        "defaults": {
            **_defaults(account.defaults),
            **_known({"account_currency": account.defaults.assumed_currency}),
        },
    }
    if account.projects:
        entry["projects"] = [_project(project, severities) for project in account.projects]
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


def _project(project: ProjectSettings, severities: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry of a project, without a name or a currency that QuantConnect decides."""
    return {
        "id": project.id,
        **_known({"name": project.name, "account_currency": project.account_currency}),
        **_defaults(project),
        "log_queries": _queries(project.log_queries, severities),
    }


def _defaults(defaults: Defaults) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "scrape_interval": format_duration(defaults.scrape_interval),
        "labels": _texts(defaults.labels),
        "limits": {name: _number(value) for name, value in defaults.limits.items()},
        "statistics": [escape(name) for name in defaults.statistics],
        "strike_scale": defaults.strike_scale,
    }
    if defaults.drawdown_since is not None:
        entry["drawdown_since"] = format_moment(defaults.drawdown_since)
    return entry


def _known(texts: Mapping[str, str | None]) -> dict[str, str]:
    return {key: escape(text) for key, text in texts.items() if text is not None}


def _texts(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: escape(text) for name, text in texts.items()}


def _queries(texts: Mapping[str, str], severities: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"text": escape(text), "severity": severities[name]} for name, text in texts.items()
    }


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
