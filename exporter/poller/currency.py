"""The currency of a project's account: Unknown, Settled or Doubted.

It is settled once and then is a label of the project's series. live/list and live/read name no
currency: after a deployment to another account, their amounts would appear under the previous
account's label. So the currency is in doubt then, and nothing is published under it, until a cash
book names it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from exporter.sources.portfolio import account_currencies

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.sources.portfolio import Cash
    from exporter.sources.status import Deployment

_CODE: Final = re.compile("[A-Z]{3,}")
# Lean writes several currencies with one glyph: dollars, yen and yuan, or krones.
_GLYPHS: Final = {"€": "EUR", "£": "GBP", "₤": "GBP", "₹": "INR"}


class Unknown(Struct, frozen=True):
    """Before the first cash book: nothing that carries the currency is published."""

    label: ClassVar[None] = None


class Settled(Struct, frozen=True):
    """The currency in the labels of the series; ``""`` if it is ambiguous."""

    label: str
    is_configured: bool = False


class Doubted(Struct, frozen=True):
    """A settled currency that the account may no longer have.

    ``settled`` is the one in the labels of the series, ``other`` that of the last cash book, None
    before one was read.
    """

    settled: str
    other: str | None = None
    label: ClassVar[None] = None


Currency = Unknown | Settled | Doubted


def named_by(text: str) -> str | None:
    """Return the currency of a glyph or code, if it names only one."""
    return text if _CODE.fullmatch(text) else _GLYPHS.get(text)


def own_currency(cash: Collection[Cash], text: str) -> str | None:
    """Return the account's currency by its cash book; None if that is ambiguous.

    ``text`` is the glyph or code with which QuantConnect writes the account's equity. It decides
    between several currencies at rate 1, such as the dollar and stablecoins.
    """
    own = account_currencies(cash)
    if len(own) > 1:
        own = [each for each in own if text and text in (each.currency, each.currency_symbol)]
    return own[0].currency if len(own) == 1 else None


def after_deployment(
    currency: Currency, before: Deployment | None, now: Deployment | None
) -> Currency:
    """Return the currency after a new deployment.

    A deployment at another brokerage counts as another account until its cash book is read.
    """
    if not isinstance(currency, Settled) or currency.is_configured or not currency.label:
        return currency
    if before is None or now is None or now.deploy_id == before.deploy_id:
        return currency
    is_elsewhere = (now.brokerage, now.environment) != (before.brokerage, before.environment)
    return Doubted(currency.label) if is_elsewhere else currency


def after_cash_book(currency: Currency, cash: Collection[Cash], text: str) -> Currency:
    """Return a settled or doubted currency after a cash book was read.

    An ambiguous cash book changes nothing. ``text`` as for ``own_currency``.
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
