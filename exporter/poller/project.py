"""One project as it is published: from what was read of it to snapshots in the store.

A project is made once its name is settled, and its account currency with the first good
portfolio; neither changes after that, since series whose labels change are other series. Every
good read is rendered whole and swapped whole; a failed one touches only what describes the
reading. Each source ages by itself.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from exporter.log import Log
from exporter.metrics.reading import Source
from exporter.metrics.table import Row
from exporter.poller.currency import CurrencyDoubt
from exporter.poller.samples import ProjectSamples
from exporter.poller.source import ReadSource
from exporter.quantconnect.errors import ApiError, Reason
from exporter.store import Part, ProjectReport, Published

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter import config
    from exporter.clock import Clock
    from exporter.exposition import Snapshot
    from exporter.quantconnect.model import Deployment, Portfolio, Statistics
    from exporter.store import Store

log = Log(__name__)


class PublishedProject:
    """Writes one project's snapshots; its sources may be read by several threads at once."""

    def __init__(
        self,
        settings: config.ProjectSettings,
        *,
        name: str,
        account: str,
        config: config.Config,
        intervals: Mapping[Source, float],
        store: Store,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self._account = account
        self._config = config
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._retired = False
        self._samples = ProjectSamples(
            Row(settings.id, name, settings.account_currency, config.tickers)
        )
        self._portfolio: Portfolio | None = None
        self._doubt = CurrencyDoubt()
        self._deployment: Deployment | None = None
        self._deployed: bool | None = None
        self._statistics: Statistics | None = None
        self._sources: dict[Source, ReadSource] = {}
        self._read_from(intervals)
        with self._lock:
            self._swap()

    @property
    def name(self) -> str:
        """What the project is called."""
        return self._samples.row.project

    def configure(
        self,
        settings: config.ProjectSettings,
        *,
        account: str,
        config: config.Config,
        intervals: Mapping[Source, float],
    ) -> None:
        """The configuration says this from now on: what was read before is rendered anew for it."""
        with self._lock:
            before = self._samples.row
            doubted = self._in_doubt
            # What was configured is not kept, nor what was ambiguous, which may be clear by now.
            kept = before.account_currency if self.settings.account_currency is None else None
            if kept and self._doubt.other is not None:
                # What was read last is of an account that is not this project's any more.
                kept, self._portfolio = None, None
            if not kept:
                self._doubt.forget()
            row = replace(
                before,
                project=settings.name or before.project,
                account_currency=settings.account_currency or kept or None,
                tickers=config.tickers,
            )
            self.settings, self._account, self._config = settings, account, config
            self._read_from(intervals)
            if row != before or self._in_doubt is not doubted:
                self._relabel(row)
            self._swap()

    def rename(self, name: str) -> None:
        """It is called so from now on."""
        with self._lock:
            self._relabel(replace(self._samples.row, project=name))
            self._swap()

    def _relabel(self, row: Row) -> None:
        """Render what was read before anew for another row."""
        self._samples.row = row
        if self._portfolio is not None:
            self._samples.settle_currency(self._portfolio)
        for source in self._sources:
            self._render(source)

    def _read_from(self, intervals: Mapping[Source, float]) -> None:
        """Exactly these sources are read, at these intervals."""
        before = self._sources
        self._sources = {
            source: before.get(source)
            or ReadSource(self.settings.id, source, interval, clock=self._clock)
            for source, interval in intervals.items()
        }
        for source, interval in intervals.items():
            self._sources[source].interval(interval)
        if Source.STATUS not in intervals:
            self._deployment, self._deployed = None, None

    def retire(self) -> None:
        """Take the project out of the store; what is still being read of it is not published."""
        with self._lock:
            self._retired = True
            self._store.remove(self.settings.id)

    def tried(self, source: Source | None = None) -> bool:
        """Whether a source was tried once, or all of them were; what came of it is in the store."""
        with self._lock:
            sources = self._sources.values() if source is None else [self._sources[source]]
            return all(state.tried for state in sources)

    # --- Good reads -------------------------------------------------------------------------------

    def portfolio(self, portfolio: Portfolio, *, duration: float, interval: float) -> None:
        """A portfolio was read, in ``duration`` seconds; the next one comes after ``interval``.

        Raises ApiError (malformed) where it is in another currency than its series would say: after
        a deployment to another account, until a reload takes up the currency of now. Nor is
        anything else published in the account's currency meanwhile.
        """
        with self._lock:
            state = self._sources[Source.PORTFOLIO]
            self._check_currency(portfolio)
            # Now there is a label for what was read before.
            if self._samples.settle_currency(portfolio):
                self._render(Source.STATUS)
                self._render(Source.STATISTICS)
            # Before it counts as read: if this raises, what was read before must go on ageing.
            snapshot = self._samples.portfolio(portfolio)
            state.succeeded(duration=duration, interval=interval, problems=portfolio.problems)
            state.snapshot, self._portfolio = snapshot, portfolio
            self._swap()

    def status(
        self,
        deployment: Deployment | None,
        *,
        duration: float,
        interval: float,
        age: float = 0.0,
    ) -> None:
        """The newest deployment as live/list had it ``age`` seconds ago; None if never deployed."""
        with self._lock:
            state = self._sources.get(Source.STATUS)
            if state is None:
                return  # switched off by a reload while it was read
            doubted = self._in_doubt
            self._doubt.deployed(self._deployment, deployment)
            snapshot = self._samples.status(deployment, in_doubt=self._in_doubt)
            state.succeeded(duration=duration, interval=interval, age=age)
            news = self._deployed is not (deployment is not None)
            self._deployment, self._deployed = deployment, deployment is not None
            state.snapshot = snapshot
            if self._in_doubt is not doubted:
                self._statistics = None  # of the account of before
            if news or self._in_doubt is not doubted:
                self._render(Source.STATISTICS)
            self._swap()

    def statistics(self, statistics: Statistics, *, duration: float, interval: float) -> None:
        """The statistics of the live algorithm were read."""
        with self._lock:
            state = self._sources.get(Source.STATISTICS)
            if state is None:
                return
            snapshot = (
                {}
                if self._deployed is False
                else self._samples.statistics(statistics, in_doubt=self._in_doubt)
            )
            state.succeeded(duration=duration, interval=interval, problems=statistics.problems)
            state.snapshot, self._statistics = snapshot, statistics
            self._swap()

    # --- Failed reads -----------------------------------------------------------------------------

    def failed(
        self,
        source: Source,
        error: ApiError,
        *,
        duration: float,
        interval: float,
        logged: bool = False,
    ) -> None:
        """A read failed: what was read before stands, until it is too old.

        ``logged`` says that somebody has logged it for all the projects that it concerns.
        """
        with self._lock:
            state = self._sources.get(source)
            if state is None:
                return
            state.failed(
                error, duration=duration, interval=interval, project=self.name, logged=logged
            )
            self._swap()

    def intervals(self, intervals: Mapping[Source, float]) -> None:
        """The intervals in force are these from now on."""
        with self._lock:
            for source, interval in intervals.items():
                self._sources[source].interval(interval)
            self._swap()

    @property
    def _in_doubt(self) -> bool:
        """Whether amounts in the account's currency may be in another than their label says."""
        return bool(self._doubt) and self.settings.account_currency is None

    def _check_currency(self, portfolio: Portfolio) -> None:
        before, doubted = self._doubt.other, self._in_doubt
        settled = self._samples.row.account_currency
        self._doubt.read(settled, portfolio.cash)
        if self._in_doubt is not doubted:
            if not doubted:
                self._forget_amounts()
            self._render(Source.STATUS)
            self._render(Source.STATISTICS)
        if self._doubt.other is None:
            return
        if self.settings.account_currency is None:
            raise ApiError(
                Reason.MALFORMED,
                f"the account is in {self._doubt.other} now, and its series say {settled};"
                " reload the configuration to go on under the new currency",
            )
        if before is None:  # who configures one may know better
            log.warning(
                "The cash book is in another currency than the configuration says",
                project_id=self.settings.id,
                project=self.name,
                account_currency=settled,
                found=self._doubt.other,
            )

    def _forget_amounts(self) -> None:
        """What was told before the doubt is, perhaps, of the account of before."""
        self._statistics = None
        if self._deployment is not None:
            self._deployment = self._deployment.without_equity()

    # --- Publishing -------------------------------------------------------------------------------

    def _render(self, source: Source) -> None:
        """Render the last good answer of a source, if it is read and there was one."""
        state = self._sources.get(source)
        if state is not None and state.known:
            state.snapshot = self._rendered(source)

    def _rendered(self, source: Source) -> Snapshot:
        """What was read last of a source."""
        if source is Source.PORTFOLIO:
            return {} if self._portfolio is None else self._samples.portfolio(self._portfolio)
        if source is Source.STATUS:
            return self._samples.status(self._deployment, in_doubt=self._in_doubt)
        # Of what was never deployed there are none, whatever was answered.
        if self._statistics is None or self._deployed is False:
            return {}
        return self._samples.statistics(self._statistics, in_doubt=self._in_doubt)

    def _swap(self) -> None:
        """Put all of the project into the store at once."""
        if self._retired:
            return
        info = {**self.settings.labels, "account": self._account}
        states = self._sources.values()
        described = self._samples.described(
            info, self.settings.limits, [state.reading for state in states]
        )
        stale_after = self._config.stale_after
        parts = {source: state.part(stale_after) for source, state in self._sources.items()}
        known = {source: part for source, part in parts.items() if part is not None}
        until = {source: part.expires for source, part in known.items()}
        self._store.put(
            Published(
                report=ProjectReport(
                    project_id=self.settings.id,
                    name=self.name,
                    account=self._account,
                    state=self._state(),
                    positions=None if self._portfolio is None else len(self._portfolio.holdings),
                    sources=tuple(state.report() for state in states),
                    error="" if self._deployment is None else self._deployment.error,
                    positions_until=until.get(Source.PORTFOLIO),
                    state_until=until.get(Source.STATUS),
                ),
                parts=(Part(described), *known.values()),
            )
        )

    def _state(self) -> str:
        if self._deployment is not None:
            return self._deployment.status
        return "never deployed" if self._deployed is False else "not known yet"
