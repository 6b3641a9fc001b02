"""What an account needs of its budget; saying that intervals are stretched: when that begins,
ends, or changes much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.log import Log

if TYPE_CHECKING:
    from exporter.config import Account
    from exporter.poller.plan import Plan
    from exporter.telemetry import AccountTelemetry

log = Log(__name__)

_NEWS = 1.5


class Stretch:
    """What was last said of one account; its poller holds the lock."""

    def __init__(self, telemetry: AccountTelemetry) -> None:
        self._telemetry = telemetry
        self._said = 1.0

    def tell(self, plan: Plan, account: Account) -> None:
        """Show what is needed, and say how it stands if that is news."""
        self._telemetry.demand(round(plan.needed, 9))  # without what adding and removing leave
        stretch, said = plan.stretch, self._said
        alike = max(stretch, said) < _NEWS * min(stretch, said)
        if alike and (stretch > 1) == (said > 1):
            return
        self._said = stretch
        if stretch > 1:
            log.warning(
                "The projects need more calls than requests_per_minute allows;"
                " intervals are stretched",
                account=account.name,
                needed_per_minute=plan.needed * 60,
                requests_per_minute=account.requests_per_minute,
                stretched_by=stretch,
            )
        else:
            log.info("Intervals are stretched no longer", account=account.name)
