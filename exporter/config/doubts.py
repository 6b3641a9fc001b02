"""Doubtful settings: valid, but hardly meant, so the user is warned of them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.config.model import Account, Config


class Doubt(NamedTuple):
    """A doubtful setting of an account: a message for the log, its fields, and advice."""

    account: str
    message: str
    fields: Mapping[str, str]
    advice: str

    def __str__(self) -> str:
        """Return the doubt in one phrase."""
        return f"{self.message[0].lower()}{self.message[1:]}: {', '.join(self.fields.values())}"


def doubts(config: Config) -> tuple[Doubt, ...]:
    """Return all doubts about a configuration."""
    return (*_same_users(config.accounts), *_in_the_clear(config.accounts), *_unread_logs(config))


def _same_users(accounts: tuple[Account, ...]) -> Iterator[Doubt]:
    """Find accounts of one user: QuantConnect counts calls by user, but each has a budget."""
    seen: dict[tuple[int, str], str] = {}
    for account in accounts:
        other = seen.setdefault((account.user_id, account.base_url), account.name)
        if other != account.name:
            yield Doubt(
                account.name,
                "Another account has the same user_id",
                {"other": other},
                "make them one account: two make twice the calls, and a project that both discover"
                " is read by one of them only",
            )


def _in_the_clear(accounts: tuple[Account, ...]) -> Iterator[Doubt]:
    """Find addresses without TLS, of a simulator or a proxy: QuantConnect itself has only https.

    A signature is valid for two hours, for everything that its user may do.
    """
    for account in accounts:
        parts = urlsplit(account.base_url)
        if parts.scheme == "http" and not _is_here(parts.hostname or ""):
            yield Doubt(
                account.name,
                "Signatures and portfolios go over the network unencrypted",
                {"base_url": account.base_url},
                "use https, unless the network is yours alone",
            )


def _unread_logs(config: Config) -> Iterator[Doubt]:
    """Find log queries that are never asked: the log is asked for by its deployment."""
    for account in config.accounts:
        named = {
            name for each in (account.defaults, *account.projects) for name in each.log_queries
        }
        if named and config.logs_interval and not config.status_interval:
            yield Doubt(
                account.name,
                "No log line is counted while status_interval is 0s",
                {"log_queries": ", ".join(sorted(named))},
                "read the status too, or set logs_interval: 0s",
            )


def _is_here(host: str) -> bool:
    """Return whether the host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
