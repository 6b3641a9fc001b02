"""What a configuration may say and hardly means: no error, but somebody should hear of it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.config.model import Account, Config


class Doubt(NamedTuple):
    """About an account: a constant sentence, what varies in it by name, and what to do."""

    account: str
    message: str
    fields: Mapping[str, str]
    advice: str

    def __str__(self) -> str:
        """In one phrase."""
        return f"{self.message[0].lower()}{self.message[1:]}: {', '.join(self.fields.values())}"


def doubts(config: Config) -> tuple[Doubt, ...]:
    """All of them, one kind after the other."""
    return (*_same_users(config.accounts), *_in_the_clear(config.accounts))


def _same_users(accounts: tuple[Account, ...]) -> Iterator[Doubt]:
    """QuantConnect counts calls and rejections by user; a budget is an account's."""
    seen: dict[tuple[int, str], str] = {}
    for account in accounts:
        other = seen.setdefault((account.user_id, account.base_url), account.name)
        if other != account.name:
            yield Doubt(
                account.name,
                "Another account has the same user_id",
                {"other": other},
                "make them one account: two make twice the calls, and what both discover is read"
                " by one of them only",
            )


def _in_the_clear(accounts: tuple[Account, ...]) -> Iterator[Doubt]:
    """QuantConnect itself is only to be had by https; this is a simulator, or what forwards to it.

    A signature is good for two hours, for whatever its user may do.
    """
    for account in accounts:
        parts = urlsplit(account.base_url)
        if parts.scheme == "http" and not _is_here(parts.hostname or ""):
            yield Doubt(
                account.name,
                "Signatures and portfolios go over the network unencrypted",
                {"base_url": account.base_url},
                "use https, unless nobody else is on that network",
            )


def _is_here(host: str) -> bool:
    """Whether it is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
