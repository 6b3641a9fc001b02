"""One project: its state, and the series made from it.

A project takes in an answer and returns a verdict; nothing else changes its state. Its name and its
account's currency are settled before its first publication and never change after that, since
series with other labels are other series. Each source ages by itself: a failed read changes only
the series about reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from exporter.exposition import Renderer, Snapshot
from exporter.log import Log
from exporter.metrics.project import PROJECT_INFO, PROJECT_LIMIT, READINGS
from exporter.metrics.table import Row
from exporter.poller.currency import (
    Currency,
    Doubted,
    Settled,
    Unknown,
    after_cash_book,
    after_deployment,
    named_by,
    own_currency,
)
from exporter.poller.kept import Good, rendered
from exporter.poller.task import Fault, Outcome, Task
from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources import SOURCES
from exporter.sources.orders import ORDERS, Orders
from exporter.sources.portfolio import PORTFOLIO, Portfolio
from exporter.sources.projects import DESCRIPTION
from exporter.sources.source import Known
from exporter.sources.statistics import STATISTICS, Statistics
from exporter.sources.status import NEVER_RAN, RUNNING, STATUS, Deployment, Status
from exporter.store import Part, ProjectReport, Published

if TYPE_CHECKING:
    from exporter import config
    from exporter.clock import Clock
    from exporter.quantconnect.client import Request
    from exporter.sources.source import Source

log = Log(__name__)

STOPPED_FACTOR: Final = 5
"""A project that does not run is read at intervals longer by this factor."""

AMBIGUOUS_CURRENCY: Final = "The account currency is ambiguous; set account_currency"
OTHER_CURRENCY: Final = "The cash book is in another currency than the configuration says"
OTHER_TICKER: Final = (
    "A security's ticker has changed, but its series have the old one; set the new one in tickers"
)
STOPPED: Final = "A project does not run"
STARTED: Final = "A project runs again"
NAME_PENDING: Final = "waiting for its name"
"""The state of a project whose name is not known yet."""

BLANK: Final = (
    "live/portfolio/read: no position and no money, as after a deployment whose setup has not"
    " succeeded"
)
NEVER_RAN_YET: Final = (
    "live/portfolio/read: no position, and the newest deployment has not run: the broker may still"
    " hold the previous one's positions"
)


class Project:
    """One project of an account; used under the account's lock.

    ``first_priority`` is that of its most urgent source. ``before`` is the same project under the
    previous configuration, whose state carries over.
    """

    def __init__(
        self,
        settings: config.ProjectSettings,
        *,
        account: str,
        config: config.Config,
        clock: Clock,
        first_priority: int,
        before: Project | None = None,
    ) -> None:
        self.settings = settings
        self._account = account
        self._config = config
        self._clock = clock
        self.name: str | None = settings.name
        self.is_called_by_id = False
        """The name could not be read, so the id stands for it until a reload."""
        self.is_name_awaited = False
        """A name may replace the id, after a reload."""
        self.running: bool | None = None
        """None until it is known."""
        self.is_described = False
        """The listing of the account's projects contains the project."""
        self._status_asked = 0.0
        # The id of the last deployment that ran.
        self._last_run_id = ""
        self._was_logged_as_stopped = False
        self._was_currency_logged = False
        self._tickers_logged: set[str] = set()
        # Times, monotonic: since when a running project's portfolio is blank; since when the first
        # read of the portfolio fails.
        self._blank_since: float | None = None
        self._unread_since: float | None = None
        self._currency: Currency = Unknown()
        self._assumed = settings.assumed_currency
        self._good: dict[Source[Any], Good] = {}
        # The last answers of readings that are not complete.
        self._partial: dict[Source[Any], Any] = {}
        self.tasks = {
            source: Task(
                name=source.name,
                endpoint=self.request(source).endpoint,
                priority=priority,
                project_id=settings.id,
                source=source,
                calls=source.calls(settings),
            )
            for priority, source in enumerate(SOURCES, first_priority)
            if source.interval(settings, config)
        }
        if before is not None:
            self._carry_over(before)
        if settings.account_currency:
            self._currency = Settled(settings.account_currency, is_configured=True)
        self._relabel()
        if isinstance(self._currency, Unknown):
            self._set_currency(self._best_currency(self._value(PORTFOLIO)))

    def _carry_over(self, before: Project) -> None:
        self.name = self.settings.name or before.name
        self.is_called_by_id = before.is_called_by_id and self.settings.name is None
        self.is_name_awaited = self.is_called_by_id
        self.is_described = before.is_described
        self._last_run_id = before._last_run_id
        self._was_logged_as_stopped = before._was_logged_as_stopped
        self._blank_since, self._unread_since = before._blank_since, before._unread_since
        self.tasks |= {
            source: task for source, task in before.tasks.items() if source in self.tasks
        }
        for source, task in self.tasks.items():
            task.calls = source.calls(self.settings)
        self._good = {source: good for source, good in before._good.items() if source in self.tasks}
        self._partial = {
            source: partial for source, partial in before._partial.items() if source in self.tasks
        }
        if STATUS in self.tasks:
            self.running, self._status_asked = before.running, before._status_asked
        # A configured, assumed or ambiguous currency does not carry over: it may be clear now.
        own = before.settings.account_currency
        if own is None and before._currency not in (Settled(""), Settled(before._assumed or "")):
            self._currency = before._currency
        if isinstance(before._currency, Doubted) and before._currency.other:
            # The last portfolio belongs to the previous account, or to none that was assumed.
            self._currency, self._assumed = Unknown(), None
            self._good.pop(PORTFOLIO, None)

    # --- Calls ------------------------------------------------------------------------------------

    def regular_interval(self, source: Source[Any]) -> float:
        """Return the regular interval of a source in seconds, not stretched; 0 if there is none."""
        interval = source.interval(self.settings, self._config)
        if source is DESCRIPTION:
            return 0.0 if self.is_described or self.name is None else interval
        if self.name is None or (source is STATUS and self.running is not False):
            return 0.0  # the account-wide live/list has it
        if source.needs_deployment and STATUS in self.tasks and self._deployment is None:
            return 0.0
        return interval * (STOPPED_FACTOR if self.running is False else 1)

    def request(self, source: Source[Any]) -> Request[Any]:
        """Return the next call for a source."""
        before = self._partial.get(source, self._value(source))
        known = Known(self.deploy_id, before, self._clock.now())
        return source.request(self.settings, self._config, known)

    @property
    def is_tried(self) -> bool:
        """True once a read of the portfolio was tried."""
        return self.tasks[PORTFOLIO].tried is not None

    @property
    def is_complete(self) -> bool:
        """True once a read of every source was tried."""
        return all(
            task.tried is not None
            for source, task in self.tasks.items()
            if source.is_reading_published
            and (self.regular_interval(source) or not source.needs_deployment)
        )

    # --- Taking in answers ------------------------------------------------------------------------

    def take_in(
        self, source: Source[Any], answer: Any | ApiError | Fault, *, asked: float, interval: float
    ) -> Outcome:
        """Take in an answer of a source, to a call that began at ``asked`` (monotonic).

        ``interval`` is the one in force, in seconds. Return the verdict: an answer that the project
        refuses counts as failed, like a call that QuantConnect refused.
        """
        if isinstance(answer, ApiError | Fault):
            self._take_in_failure(source, answer)
            return Outcome(answer)
        if source not in self.tasks:
            return Outcome(problems=answer.problems)  # switched off by a reload meanwhile
        if source is STATUS and asked < self._status_asked:
            return Outcome(problems=answer.problems)  # a later call was answered before
        is_outdated = source is ORDERS and answer.deploy_id != self.deploy_id
        if is_outdated or not source.is_whole(answer):
            self._partial[source] = answer
            return Outcome(problems=answer.problems, is_whole=False)
        refusal = None
        if source is PORTFOLIO:
            refusal = self._judge_portfolio(answer)
        elif source is STATUS:
            refusal = self._judge_status(answer, asked)
        if refusal is not None:
            return Outcome(refusal)
        # Rendered before it counts as read: if that fails, the previous answer keeps its age.
        snapshot = self._rendered(source, answer)
        contradicted = self._contradicted
        self._partial.pop(source, None)
        self._good[source] = Good(answer, self._clock.monotonic(), interval, snapshot)
        if source is STATISTICS and isinstance(self._currency, Unknown):
            self._set_currency(self._best_currency(self._value(PORTFOLIO)))
        elif self._contradicted != contradicted:
            self._render(STATISTICS)
        if source in (PORTFOLIO, ORDERS):
            self._warn_of_tickers()
        return Outcome(problems=answer.problems)

    def _take_in_failure(self, source: Source[Any], failure: ApiError | Fault) -> None:
        if source is PORTFOLIO:
            self._settle_without_portfolio()
        if failure.reason is Reason.MALFORMED:
            # The answer may not fit the previous ones: the reading restarts, after the wait.
            self._partial.pop(source, None)

    def _value(self, source: Source[Any]) -> Any | None:
        good = self._good.get(source)
        return None if good is None else good.value

    @property
    def _deployment(self) -> Deployment | None:
        status: Status | None = self._value(STATUS)
        return None if status is None else status.deployment

    @property
    def deploy_id(self) -> str:
        """The newest deployment's id; empty if unknown."""
        deployment = self._deployment
        return "" if deployment is None else deployment.deploy_id

    @property
    def _contradicted(self) -> tuple[bool, bool]:
        """True where other sources contradict: all statistics, and ``Unrealized`` 0.

        A project that was never deployed has no statistics, whatever was answered. And
        ``Unrealized`` is not 0 if a position has a profit or loss.
        """
        status: Status | None = self._value(STATUS)
        portfolio: Portfolio | None = self._value(PORTFOLIO)
        return (
            status is not None and status.deployment is None,
            portfolio is not None and portfolio.has_pnl,
        )

    # --- Portfolio --------------------------------------------------------------------------------

    def _judge_portfolio(self, portfolio: Portfolio) -> ApiError | None:
        """Return the reason to refuse a portfolio; None to accept it."""
        not_ready = self._why_not_ready(portfolio)
        if not_ready:
            return ApiError(Reason.NOT_READY, not_ready)
        if isinstance(self._currency, Unknown):
            self._set_currency(self._best_currency(portfolio))
            return None
        currency = after_cash_book(self._currency, portfolio.cash, self._equity_text)
        if isinstance(self._currency, Settled) and self._currency.is_configured:
            self._warn_of_other_currency(currency)
            return None
        self._set_currency(currency)
        if isinstance(currency, Doubted) and currency.other:
            remedy = (
                "set account_currency for this project"
                if currency.settled == self._assumed
                else "reload the configuration to use the new currency"
            )
            return ApiError(
                Reason.MALFORMED,
                f"the account is in {currency.other} now, but its series are in {currency.settled};"
                f" {remedy}",
            )
        return None

    def _why_not_ready(self, portfolio: Portfolio) -> str:
        """Return why a portfolio without positions cannot be trusted yet; empty if it can."""
        if portfolio.holdings:
            self._blank_since = None
            return ""
        deployment = self._deployment
        if deployment is not None and (
            deployment.status in NEVER_RAN
            or (self._last_run_id and deployment.deploy_id != self._last_run_id)
        ):
            return NEVER_RAN_YET
        runs = self.running or STATUS not in self.tasks
        if not portfolio.is_blank or not runs:
            self._blank_since = None
            return BLANK if portfolio.is_blank else ""
        # A project that keeps running with an empty portfolio really has an empty account.
        now = self._clock.monotonic()
        if self._blank_since is None:
            self._blank_since = now
        return BLANK if now - self._blank_since <= self._config.stale_after else ""

    @property
    def _changed_tickers(self) -> dict[str, str]:
        """Today's tickers of held equities that differ from their keys and ``tickers``."""
        portfolio: Portfolio | None = self._value(PORTFOLIO)
        orders: Orders | None = self._value(ORDERS)
        if portfolio is None:
            return {}
        tickers = {} if orders is None else orders.totals.tickers
        found = {first: tickers[first] for first in portfolio.first_tickers & tickers.keys()}
        found |= portfolio.tickers
        known = self._config.tickers
        return {
            first: now for first, now in sorted(found.items()) if known.get(first, first) != now
        }

    def _warn_of_tickers(self) -> None:
        for first, now in self._changed_tickers.items():
            if first not in self._tickers_logged:
                self._tickers_logged.add(first)
                log.warning(
                    OTHER_TICKER,
                    project_id=self.settings.id,
                    project=self.name,
                    tickers=f"{first}: {now}",
                )

    # --- Status -----------------------------------------------------------------------------------

    def _judge_status(self, status: Status, asked: float) -> ApiError | None:
        """Return the reason to refuse a status; otherwise update whether the project runs."""
        before, now = self._deployment, status.deployment
        if now is None and before is not None:
            # QuantConnect lists deployments for ever: one that is missing is a hole in the list.
            return ApiError(
                Reason.MALFORMED,
                f"live/list: no deployment of project {self.settings.id}, which had one before",
            )
        self._status_asked = asked
        was_running, self.running = self.running, now is not None and now.status == RUNNING
        if now is None:
            return None
        self._set_currency(after_deployment(self._currency, before, now))
        if before is not None and before.deploy_id != now.deploy_id and ORDERS in self._good:
            # The orders are the previous deployment's; keep only the place up to which they were
            # read.
            self._partial[ORDERS] = self._good.pop(ORDERS).value
        if self.running:
            if now.deploy_id != self._last_run_id:
                self._last_run_id, self._blank_since = now.deploy_id, None
            if self._was_logged_as_stopped:
                self._was_logged_as_stopped = False
                log.info(STARTED, project_id=self.settings.id, project=self.name)
        elif was_running is not False:
            self._was_logged_as_stopped = True
            log.warning(
                STOPPED,
                project_id=self.settings.id,
                project=self.name,
                status=now.status,
                error=now.error,
            )
        return None

    # --- Currency ---------------------------------------------------------------------------------

    @property
    def _equity_text(self) -> str:
        """The glyph or code of the account's currency in the statistics; empty if unknown."""
        statistics: Statistics | None = self._value(STATISTICS)
        return "" if statistics is None else statistics.currency

    def _best_currency(self, portfolio: Portfolio | None) -> Currency:
        """Return the currency as far as it is known by now."""
        text = self._equity_text
        is_silent = portfolio is None or not (portfolio.cash or portfolio.holdings)
        cash = () if portfolio is None else portfolio.cash
        currency = (named_by(text) if is_silent else own_currency(cash, text)) or self._assumed
        if currency:
            return Settled(currency)
        if is_silent or (STATISTICS in self.tasks and STATISTICS not in self._good):
            return Unknown()  # the next answer may name it
        return self._ambiguous(",".join(each.currency for each in cash))

    def _ambiguous(self, currencies: str) -> Currency:
        log.warning(
            AMBIGUOUS_CURRENCY,
            project_id=self.settings.id,
            project=self.name,
            currencies=currencies,
        )
        return Settled("")

    def _settle_without_portfolio(self) -> None:
        """Settle the currency as ambiguous if no portfolio could be read since the start."""
        if not isinstance(self._currency, Unknown):
            return
        now = self._clock.monotonic()
        if self._unread_since is None:
            self._unread_since = now
        if now - self._unread_since >= self._config.stale_after and self._value(PORTFOLIO) is None:
            self._set_currency(self._ambiguous(""))

    def _warn_of_other_currency(self, currency: Currency) -> None:
        is_other = isinstance(currency, Doubted)
        if isinstance(currency, Doubted) and not self._was_currency_logged:
            log.warning(
                OTHER_CURRENCY,
                project_id=self.settings.id,
                project=self.name,
                account_currency=currency.settled,
                found=currency.other,
            )
        self._was_currency_logged = is_other

    def _set_currency(self, currency: Currency) -> None:
        if currency == self._currency:
            return
        if isinstance(currency, Doubted) and not isinstance(self._currency, Doubted):
            # Amounts read before the currency came into doubt may belong to the previous account.
            self._good.pop(STATISTICS, None)
            status = self._good.get(STATUS)
            if status is not None:
                self._good[STATUS] = replace(status, value=status.value.without_equity())
        self._currency = currency
        self._relabel()

    # --- Publishing -------------------------------------------------------------------------------

    def set_name(self, name: str, *, is_id: bool = False) -> None:
        """Publish the project under this name from now on; ``is_id`` if it is the id."""
        self.name, self.is_called_by_id, self.is_name_awaited = name, is_id, False
        self._relabel()

    def _relabel(self) -> None:
        """Render everything again with changed labels."""
        label = self._currency.label
        settled = self._currency.settled if isinstance(self._currency, Doubted) else label
        name = self.name or ""
        tickers = self._config.tickers
        row = Row(self._account, self.settings.id, name, settled, tickers)
        self._renderer = Renderer(row)
        # While the currency is in doubt, only the last portfolio is published under the settled
        # one.
        is_sure = label == settled
        self._sure = self._renderer if is_sure else Renderer(replace(row, account_currency=None))
        for source in list(self._good):
            self._render(source)

    def _render(self, source: Source[Any]) -> None:
        good = self._good.get(source)
        if good is not None:
            self._good[source] = replace(good, snapshot=self._rendered(source, good.value))

    def _rendered(self, source: Source[Any], value: Any) -> Snapshot:
        if source is STATISTICS:
            is_contradicted, has_pnl = self._contradicted
            if is_contradicted:
                return {}
            if has_pnl and value.runtime.get("Unrealized") == 0.0:
                value = value.without_unrealized()
        renderer = self._renderer if source is PORTFOLIO else self._sure
        return rendered(renderer, source, value, self._clock.now())

    def collect(self) -> Published:
        """Return all series of the project, for the store."""
        render = self._renderer.render
        settings = self.settings
        since = settings.drawdown_since
        limits = settings.limits if since is None else {**settings.limits, "drawdown_since": since}
        # Strict parsers reject a family whose series have different label names.
        labels = dict.fromkeys(self._config.label_names, "") | dict(settings.labels)
        readings = [task for source, task in self.tasks.items() if source.is_reading_published]
        described = {
            **render(PROJECT_INFO, [labels]),
            **render(PROJECT_LIMIT, limits.items()),
            **render(READINGS, readings),
        }
        parts = {
            source: good.part(self.tasks[source], self._config.stale_after)
            for source, good in self._good.items()
        }
        until = {source: part.expires for source, part in parts.items()}
        portfolio: Portfolio | None = self._value(PORTFOLIO)
        deployment = self._deployment
        return Published(
            report=ProjectReport(
                project_id=self.settings.id,
                name=self.name or "",
                account=self._account,
                state=NAME_PENDING if self.name is None else self._state(),
                positions=None if portfolio is None else len(portfolio.holdings),
                sources=tuple(each.report() for each in readings) if self.name is not None else (),
                currencies=0 if portfolio is None else len(portfolio.cash),
                renamed=self._changed_tickers,
                naming=self.tasks[DESCRIPTION].report(),
                error="" if deployment is None else deployment.error,
                account_currency=self._currency.label,
                positions_until=until.get(PORTFOLIO),
                state_until=until.get(STATUS),
            ),
            parts=(Part(described), *parts.values()) if self.name is not None else (),
        )

    def _state(self) -> str:
        status: Status | None = self._value(STATUS)
        if status is None:
            return "not known yet"
        return "never deployed" if status.deployment is None else status.deployment.status
