"""account/read: the credit of an organization, and the expiry of its card.

Only the card's month of expiry is read: no brand, no digits. Nothing of the card is logged.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.metrics.table import Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.fields import Problem, folded, number, refuse_unready
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter import config
    from exporter.sources.source import Known

_MONTH: Final = re.compile(r"(0[1-9]|1[0-2])/([0-9]{2})")


class Credit(Struct, frozen=True):
    """The credit of an organization."""

    balance: float | None
    """In QuantConnect credits, of which 100 are a US dollar."""
    card_expiry: float | None
    """Unix seconds of the end of the expiry month; None without a card."""
    problems: tuple[Problem, ...]


def decode_credit(payload: Mapping[str, object]) -> Credit:
    """Return the credit of an answer of account/read.

    Raises ApiError (not_ready) when the answer has no ``creditBalance``.
    """
    answer = folded(payload)
    refuse_unready(answer, "creditBalance", Endpoint.ACCOUNT_READ)
    problems: list[Problem] = []
    return Credit(
        balance=number(answer, "creditBalance", "answer", problems),
        card_expiry=_card_expiry(answer.get("card"), problems),
        problems=tuple(problems),
    )


def _card_expiry(card: object, problems: list[Problem]) -> float | None:
    """Return the end of the month ``MM/yy``, UTC."""
    if card is None or card == []:
        return None
    sent = folded(card).get("expiration") if isinstance(card, dict) else None
    found = _MONTH.fullmatch(sent) if isinstance(sent, str) else None
    if found is None:
        # Without the value: nothing of a card is ever logged.
        problems.append(Problem("expiration", "card", "expected a month such as 12/27"))
        return None
    years, month = divmod(int(found[1]), 12)
    return datetime(2000 + int(found[2]) + years, month + 1, 1, tzinfo=UTC).timestamp()


ACCOUNT_CREDIT: Table[Credit] = Table(
    title="Credit",
    series="{columns} series at most for each account.",
    key=lambda _: None,
    labels=lambda _credit, _row: {},
    columns=(
        Column(
            Family(
                "quantconnect_account_credit_balance",
                "Credit of the account's organization in QuantConnect credits, of which 100 are a"
                " US dollar. Source: account/read, field creditBalance. Read every"
                " account_interval.",
                ("account",),
            ),
            attrgetter("balance"),
        ),
        Column(
            Family(
                "quantconnect_account_card_expiry_timestamp_seconds",
                "When the organization's card expires, the end of its month, as a unix timestamp;"
                " no sample without a card. Source: account/read, field card.expiration. Read every"
                " account_interval.",
                ("account",),
            ),
            attrgetter("card_expiry"),
        ),
    ),
)


def _request(
    _project: config.ProjectSettings, _: config.Config, _known: Known[Credit]
) -> Request[Credit]:
    return Request(Endpoint.ACCOUNT_READ, {}, decode_credit)


CREDIT: Source[Credit] = Source(
    name="account",
    request=_request,
    interval=lambda _, settings: settings.account_interval,
    families=(Families(ACCOUNT_CREDIT, lambda credit, _: [credit]),),
    every="`account_interval`",
    delay="none",
)
