"""What was read of one project to the samples of its families, under the project's labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.exposition import Renderer
from exporter.log import Log
from exporter.metrics.live import (
    CUSTOM_STATISTIC,
    DEPLOYMENT,
    LIVE_STATUS,
    STATISTICS,
    status_flags,
)
from exporter.metrics.portfolio import CASH, HOLDINGS, POSITIONS
from exporter.metrics.reading import PROJECT_INFO, PROJECT_LIMIT, READINGS
from exporter.quantconnect.portfolio import account_currency

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.exposition import Snapshot
    from exporter.metrics.reading import Reading
    from exporter.metrics.table import Row
    from exporter.quantconnect.model import Deployment, Portfolio, Statistics

log = Log(__name__)


class ProjectSamples:
    """Renders for one project; belongs to whoever publishes it."""

    def __init__(self, row: Row) -> None:
        self._renderer = Renderer(row)

    @property
    def row(self) -> Row:
        """What all the samples have in common."""
        return self._renderer.row

    @row.setter
    def row(self, row: Row) -> None:
        self._renderer = Renderer(row)

    def settle_currency(self, portfolio: Portfolio) -> bool:
        """Settle the account currency by the first cash book, if it isn't; whether it was now."""
        if self.row.account_currency is not None or not (portfolio.cash or portfolio.holdings):
            return False
        currency = account_currency(portfolio.cash)
        if currency is None:
            log.warning(
                "The account currency cannot be told from the cash book; set account_currency",
                project_id=self.row.project_id,
                project=self.row.project,
                currencies=",".join(cash.currency for cash in portfolio.cash),
            )
        self.row = replace(self.row, account_currency=currency or "")
        return True

    def portfolio(self, portfolio: Portfolio) -> Snapshot:
        """Positions, holdings and cash."""
        render = self._renderer.render
        return {
            **render(POSITIONS, [portfolio]),
            **render(HOLDINGS, portfolio.holdings),
            **render(CASH, portfolio.cash),
        }

    def status(self, deployment: Deployment | None, *, in_doubt: bool) -> Snapshot:
        """The status of the newest deployment and what is known of it; nothing without one.

        While the account's currency is ``in_doubt``, nothing that it is a label of.
        """
        if deployment is None:
            return {}
        render = self._of_account(in_doubt=in_doubt).render
        return {
            **render(LIVE_STATUS, status_flags(deployment.status)),
            **render(DEPLOYMENT, [deployment]),
        }

    def statistics(self, statistics: Statistics, *, in_doubt: bool) -> Snapshot:
        """QuantConnect's own statistics and the algorithm's; ``in_doubt`` as for ``status``."""
        render = self._of_account(in_doubt=in_doubt).render
        return {
            **render(STATISTICS, [statistics]),
            **render(CUSTOM_STATISTIC, statistics.custom.items()),
        }

    def _of_account(self, *, in_doubt: bool) -> Renderer:
        return Renderer(replace(self.row, account_currency=None)) if in_doubt else self._renderer

    def described(
        self, info: Mapping[str, str], limits: Mapping[str, float], readings: Iterable[Reading]
    ) -> Snapshot:
        """What describes the project and the reading of it."""
        render = self._renderer.render
        return {
            **render(PROJECT_INFO, [info]),
            **render(PROJECT_LIMIT, limits.items()),
            **render(READINGS, readings),
        }
