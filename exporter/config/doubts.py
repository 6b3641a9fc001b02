"""What a configuration may say and hardly means: no error, but somebody should hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
    """All of them, in the order of the accounts."""
    return (*_same_users(config.accounts),)


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
