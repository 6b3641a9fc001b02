"""Whether an account is still in the currency that its series say.

The currency is settled once; live/list and live/read have none of their own. So after a deployment
to another account their amounts would go on under the label of the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.quantconnect.portfolio import account_currency

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.quantconnect.model import Cash, Deployment


class CurrencyDoubt:
    """What speaks against the currency that is settled; its project holds the lock."""

    def __init__(self) -> None:
        self.other: str | None = None
        """What the last cash book that tells says instead."""
        self._moved = False

    def __bool__(self) -> bool:
        """Whether amounts may be in another currency than their label says."""
        return self._moved or self.other is not None

    def forget(self) -> None:
        """Another currency is settled, or none."""
        self.other, self._moved = None, False

    def deployed(self, before: Deployment | None, now: Deployment | None) -> None:
        """A deployment was listed: one at another brokerage is another account until it is read."""
        if before is None or now is None or now.deploy_id == before.deploy_id:
            return
        if (now.brokerage, now.environment) != (before.brokerage, before.environment):
            self._moved = True

    def read(self, settled: str | None, cash: Collection[Cash]) -> None:
        """A cash book was read; one that does not tell changes nothing."""
        if not settled:
            self.forget()
            return
        at_par = [entry.currency for entry in cash if entry.conversion_rate == 1.0]
        unread = any(entry.currency == settled and entry.conversion_rate is None for entry in cash)
        if unread or not at_par:
            return
        own = account_currency(cash)
        agrees = settled in at_par if own is None else own == settled
        self.other, self._moved = None if agrees else own or " or ".join(at_par), False
