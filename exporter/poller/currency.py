"""The currency of a project's account: Unknown, Settled or Doubted.

It is settled once and then is a label of the project's series; live/list and live/read have none of
their own. After a deployment to another account their amounts would go on under the label of the
previous one: then the currency is in doubt, and nothing is published under it, until a cash book
tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from exporter.sources.portfolio import account_currencies

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.sources.portfolio import Cash
    from exporter.sources.status import Deployment

_CODE: Final = re.compile("[A-Z]{3,}")
# Lean writes several dollars with one glyph, and so the yen and the yuan, or the krones.
_GLYPHS: Final = {"€": "EUR", "£": "GBP", "₤": "GBP", "₹": "INR"}


@dataclass(frozen=True)
class Unknown:
    """No cash book has told yet: nothing that carries the currency is published."""

    label: ClassVar[None] = None


@dataclass(frozen=True)
class Settled:
    """The series say this currency; ``""`` where it is ambiguous."""

    label: str
    is_configured: bool = False


@dataclass(frozen=True)
class Doubted:
    """The series said ``settled``, but the account may have another currency now.

    ``other`` is what the last cash book says instead, None before one was read.
    """

    settled: str
    other: str | None = None
    label: ClassVar[None] = None


Currency = Unknown | Settled | Doubted


def named_by(text: str) -> str | None:
    """Return the currency that the glyph or code of an amount names by itself, if it does."""
    return text if _CODE.fullmatch(text) else _GLYPHS.get(text)


def own_currency(cash: Collection[Cash], text: str) -> str | None:
    """Return the account's currency by its cash book; None where that is ambiguous.

    ``text`` is the glyph or code that QuantConnect writes the account's equity with; it decides
    between several currencies at rate 1, as the dollar and the stablecoins that Lean takes for one.
    """
    own = account_currencies(cash)
    if len(own) > 1:
        own = [each for each in own if text and text in (each.currency, each.currency_symbol)]
    return own[0].currency if len(own) == 1 else None


def after_deployment(
    currency: Currency, before: Deployment | None, now: Deployment | None
) -> Currency:
    """Return the currency after a deployment was listed.

    One at another brokerage is another account until its cash book is read.
    """
    if not isinstance(currency, Settled) or currency.is_configured or not currency.label:
        return currency
    if before is None or now is None or now.deploy_id == before.deploy_id:
        return currency
    is_elsewhere = (now.brokerage, now.environment) != (before.brokerage, before.environment)
    return Doubted(currency.label) if is_elsewhere else currency


def after_cash_book(currency: Currency, cash: Collection[Cash], text: str) -> Currency:
    """Return a settled or doubted currency after a cash book was read.

    A cash book that does not tell changes nothing. ``text`` as for ``own_currency``.
    """
    if isinstance(currency, Unknown) or currency == Settled(""):
        return currency
    settled = currency.settled if isinstance(currency, Doubted) else currency.label
    at_par = [entry.currency for entry in cash if entry.conversion_rate == 1.0]
    is_unread = any(entry.currency == settled and entry.conversion_rate is None for entry in cash)
    if is_unread or not at_par:
        return currency
    own = own_currency(cash, text)
    if settled in at_par if own is None else own == settled:
        return Settled(settled) if isinstance(currency, Doubted) else currency
    return Doubted(settled, own or " or ".join(at_par))
