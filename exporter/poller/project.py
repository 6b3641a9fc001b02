"""One project as it is published: from what was read of it to snapshots in the store.

A project is made once its name is settled, and its account currency with the first good
portfolio; neither changes after that, since series whose labels change are other series. Every
good read is rendered whole and swapped whole; a failed one touches only what describes the
reading. Each source ages by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock
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
from exporter.metrics.reading import PROJECT_INFO, PROJECT_LIMIT, READINGS, Reading, Source
from exporter.metrics.table import Row
from exporter.quantconnect.portfolio import account_currency
from exporter.store import Part, ProjectReport, Published, SourceReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter import config
    from exporter.clock import Clock
    from exporter.exposition import Snapshot
    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Deployment, Portfolio, Problem, Statistics
    from exporter.store import Store

log = Log(__name__)

# A source is too old after so many of its intervals, if that is longer than stale_after.
_STALE_INTERVALS = 3


@dataclass
class _Source:
    """How the reading of one source stands; ``read_at`` is on the monotonic clock."""

    reading: Reading
    tried: float | None = None
    read_at: float | None = None
    snapshot: Snapshot = field(default_factory=dict)
    error: str = ""
    problems: tuple[Problem, ...] = ()


class PublishedProject:
    """Writes one project's snapshots; its sources may be read by several threads at once."""

    def __init__(
        self,
        settings: config.Project,
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
        self._renderer = Renderer(Row(settings.id, name, settings.account_currency, config.tickers))
        self._sources = {
            source: _Source(Reading(source, interval)) for source, interval in intervals.items()
        }
        self._portfolio: Portfolio | None = None
        self._deployment: Deployment | None = None
        self._deployed: bool | None = None
        self._statistics: Statistics | None = None
        with self._lock:
            self._swap()

    @property
    def name(self) -> str:
        """What the project is called."""
        return self._renderer.row.project

    def configure(
        self,
        settings: config.Project,
        *,
        account: str,
        config: config.Config,
        intervals: Mapping[Source, float],
    ) -> None:
        """The configuration says this from now on: what was read before is rendered anew for it."""
        with self._lock:
            row = self._renderer.row
            kept = row.account_currency if self.settings.account_currency is None else None
            self.settings, self._account, self._config = settings, account, config
            self._renderer = Renderer(
                Row(
                    settings.id,
                    settings.name or row.project,
                    settings.account_currency or kept,
                    config.tickers,
                )
            )
            if self._portfolio is not None:
                self._settle_currency(self._portfolio)
            old = self._sources
            self._sources = {
                source: old.get(source, _Source(Reading(source, interval)))
                for source, interval in intervals.items()
            }
            for source, interval in intervals.items():
                state = self._sources[source]
                state.reading = replace(state.reading, interval=interval)
                self._render(source)
            self._swap()

    def retire(self) -> None:
        """Take the project out of the store; what is still being read of it is not published."""
        with self._lock:
            self._retired = True
            self._store.remove(self.settings.id)

    def tried(self, source: Source | None = None) -> bool:
        """Whether a source was tried once, or all of them were."""
        sources = self._sources.values() if source is None else [self._sources[source]]
        return all(state.tried is not None for state in sources)

    # --- Good reads -------------------------------------------------------------------------------

    def portfolio(self, portfolio: Portfolio, *, duration: float, interval: float) -> None:
        """A portfolio was read, in ``duration`` seconds; the next one comes after ``interval``."""
        with self._lock:
            self._portfolio = portfolio
            settled = self._settle_currency(portfolio)
            self._succeeded(Source.PORTFOLIO, duration, interval, portfolio.problems)
            if settled:  # now there is a label for what was read before
                self._render(Source.STATUS)
                self._render(Source.STATISTICS)
            self._swap()

    def status(self, deployment: Deployment | None, *, duration: float, interval: float) -> None:
        """The newest deployment as live/list has it; None for a project never deployed."""
        with self._lock:
            self._deployment = deployment
            self._deployed = deployment is not None
            self._succeeded(Source.STATUS, duration, interval, ())
            self._swap()

    def statistics(self, statistics: Statistics, *, duration: float, interval: float) -> None:
        """The statistics of the live algorithm were read."""
        with self._lock:
            self._statistics = statistics
            self._succeeded(Source.STATISTICS, duration, interval, statistics.problems)
            self._swap()

    def _succeeded(
        self, source: Source, duration: float, interval: float, problems: tuple[Problem, ...]
    ) -> None:
        state = self._sources.get(source)
        if state is None:
            return  # switched off by a reload while it was read
        if state.error:
            log.info("Reading works again", project_id=self.settings.id, source=source.value)
        for problem in problems:
            if problem not in state.problems:
                log.warning(
                    "Left out what could not be understood",
                    project_id=self.settings.id,
                    source=source.value,
                    where=problem.where,
                    field=problem.field,
                    found=problem.message,
                )
        now = self._clock.now()
        state.reading = Reading(
            source, interval=interval, success=True, last_success=now, duration=duration
        )
        state.tried, state.read_at = now, self._clock.monotonic()
        state.error, state.problems = "", problems
        self._render(source)

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
            said = f"{error.reason.value}: {error.message}"
            if said != state.error and not logged:
                log.warning(
                    "Reading failed",
                    project_id=self.settings.id,
                    project=self.name,
                    source=source.value,
                    reason=error.reason.value,
                    error=error.message,
                )
            state.reading = replace(
                state.reading, interval=interval, success=False, duration=duration
            )
            state.tried, state.error = self._clock.now(), said
            self._swap()

    def intervals(self, intervals: Mapping[Source, float]) -> None:
        """The intervals in force are these from now on."""
        with self._lock:
            for source, interval in intervals.items():
                state = self._sources[source]
                state.reading = replace(state.reading, interval=interval)
            self._swap()

    # --- Currency ---------------------------------------------------------------------------------

    def _settle_currency(self, portfolio: Portfolio) -> bool:
        """Settle the account currency by the first cash book, if it isn't; whether it was now."""
        row = self._renderer.row
        if row.account_currency is not None or not (portfolio.cash or portfolio.holdings):
            return False
        currency = account_currency(portfolio.cash)
        if currency is None:
            log.warning(
                "The account currency cannot be told from the cash book; set account_currency",
                project_id=self.settings.id,
                project=self.name,
                currencies=",".join(cash.currency for cash in portfolio.cash),
            )
        self._renderer = Renderer(replace(row, account_currency=currency or ""))
        return True

    # --- Publishing -------------------------------------------------------------------------------

    def _render(self, source: Source) -> None:
        """Render the last good answer of a source, if it is read and there was one."""
        state = self._sources.get(source)
        if state is not None and state.read_at is not None:
            state.snapshot = self._samples(source)

    def _samples(self, source: Source) -> Snapshot:
        render = self._renderer.render
        if source is Source.PORTFOLIO and self._portfolio is not None:
            return {
                **render(POSITIONS, [self._portfolio]),
                **render(HOLDINGS, self._portfolio.holdings),
                **render(CASH, self._portfolio.cash),
            }
        if source is Source.STATUS and self._deployment is not None:
            return {
                **render(LIVE_STATUS, status_flags(self._deployment.status)),
                **render(DEPLOYMENT, [self._deployment]),
            }
        if source is Source.STATISTICS and self._statistics is not None:
            return {
                **render(STATISTICS, [self._statistics]),
                **render(CUSTOM_STATISTIC, self._statistics.custom.items()),
            }
        return {}

    def _swap(self) -> None:
        """Put all of the project into the store at once."""
        if self._retired:
            return
        render = self._renderer.render
        info = {**self.settings.labels, "account": self._account}
        states = self._sources.values()
        described = {
            **render(PROJECT_INFO, [info]),
            **render(PROJECT_LIMIT, self.settings.limits.items()),
            **render(READINGS, [state.reading for state in states]),
        }
        self._store.put(
            Published(
                report=ProjectReport(
                    project_id=self.settings.id,
                    name=self.name,
                    account=self._account,
                    state=self._state(),
                    positions=None if self._portfolio is None else len(self._portfolio.holdings),
                    sources=tuple(_report(state) for state in states),
                ),
                parts=(Part(described), *self._read_parts()),
            )
        )

    def _read_parts(self) -> Iterator[Part]:
        for state in self._sources.values():
            if state.read_at is not None:
                lifetime = max(self._config.stale_after, _STALE_INTERVALS * state.reading.interval)
                yield Part(state.snapshot, expires=state.read_at + lifetime)

    def _state(self) -> str:
        if self._deployment is not None:
            return self._deployment.status
        return "never deployed" if self._deployed is False else "not known yet"


def _report(state: _Source) -> SourceReport:
    return SourceReport(
        source=state.reading.source.value,
        interval=state.reading.interval,
        tried=state.tried,
        succeeded=state.reading.last_success,
        error=state.error,
        problems=tuple(f"{problem.where}: {problem.message}" for problem in state.problems),
    )
