"""QuantConnect's API as far as this project may use it: endpoints that only read.

The client cannot name another one: no create, no liquidate, no stop. The poller and ``doctor``
use it; they decide when to call, and what follows from an error.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from exporter.quantconnect.envelope import clock_skew, open_envelope
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import decode_deployments, newest
from exporter.quantconnect.model import Listing
from exporter.quantconnect.portfolio import decode_portfolio
from exporter.quantconnect.projects import decode_project_name
from exporter.quantconnect.signing import Signature
from exporter.quantconnect.statistics import decode_statistics
from exporter.quantconnect.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from exporter.quantconnect.model import Portfolio, Problem, Statistics

T = TypeVar("T")

# live/read sends the algorithm's source code too, and live/list every deployment of a project.
MAX_BODY = 16 * 1024 * 1024


class Endpoint(StrEnum):
    """The endpoints that may be called; each only reads. The values of the label ``endpoint``."""

    ACCOUNT_READ = "account/read"
    AUTHENTICATE = "authenticate"
    LIVE_CHART_READ = "live/chart/read"
    LIVE_LIST = "live/list"
    LIVE_LOGS_READ = "live/logs/read"
    LIVE_ORDERS_READ = "live/orders/read"
    LIVE_PORTFOLIO_READ = "live/portfolio/read"
    LIVE_READ = "live/read"
    LIVE_TRADES_READ = "live/trades/read"
    PROJECTS_NODES_READ = "projects/nodes/read"
    PROJECTS_READ = "projects/read"


ASKED = (
    Endpoint.AUTHENTICATE,
    Endpoint.LIVE_LIST,
    Endpoint.LIVE_PORTFOLIO_READ,
    Endpoint.LIVE_READ,
    Endpoint.PROJECTS_READ,
)
"""The endpoints that the methods of ``QuantConnect`` call."""


class Observer(Protocol):
    """A receiver of facts about each call, in the thread that makes the call."""

    def call(self, endpoint: str) -> None:
        """Note that a call begins."""

    def answered(self, endpoint: str, seconds: float, reason: str | None) -> None:
        """Note that a call ended after so many seconds; the reason is None if it succeeded."""

    def skew(self, seconds: float) -> None:
        """Note the local clock minus QuantConnect's."""

    def problem(self, endpoint: str, field: str) -> None:
        """Note that a field was left out of an answer."""


class QuantConnect:
    """One account at QuantConnect; used by several threads at once.

    Each method that asks makes one call and raises ApiError if it gives nothing to publish.
    ``timeout`` is the total time of a call in seconds, from the name look-up to the last byte;
    ``connections`` is how many are kept open; ``max_body`` is in bytes after decompression.
    """

    def __init__(
        self,
        *,
        user_id: int,
        token: str,
        base_url: str,
        timeout: float,
        connections: int,
        user_agent: str,
        observer: Observer,
        now: Callable[[], float] = time.time,
        max_body: int = MAX_BODY,
    ) -> None:
        self._user_id = user_id
        self._observer = observer
        self._now = now
        self._transport = Transport(
            base_url=base_url,
            timeout=timeout,
            max_body=max_body,
            connections=connections,
            user_agent=user_agent,
        )
        self.use_token(token)

    def use_token(self, token: str) -> None:
        """Sign with this token from the next call on."""
        self._signature = Signature(user_id=self._user_id, token=token, now=self._now)

    @property
    def timeout(self) -> float:
        """The total time of a call, in seconds."""
        return self._transport.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._transport.timeout = seconds

    def close(self) -> None:
        """End calls under way and drop connections."""
        self._transport.close()

    def call(self, endpoint: Endpoint, parameters: Mapping[str, object]) -> dict[str, Any]:
        """Return the JSON object of an answer that says success. Raise ApiError otherwise.

        Raise ValueError for an endpoint that is not an Endpoint; nothing is sent then.
        """
        return self.ask(endpoint, parameters, lambda answer: answer)

    def ask(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, object],
        decode: Callable[[dict[str, Any]], T],
    ) -> T:
        """Return what ``decode`` makes of the answer. Its ApiError counts as the call's.

        Decoders quote the answer in their errors; the token and signatures are taken out here.
        """
        endpoint = Endpoint(endpoint)
        self._observer.call(endpoint)
        signature = self._signature
        started = time.monotonic()
        reason: Reason | None = Reason.MALFORMED  # for errors that no decoder foresees
        try:
            answer = self._transport.post(endpoint, parameters, signature)
            skew = clock_skew(answer.headers, self._now())
            if skew is not None:
                self._observer.skew(skew)
            result = decode(open_envelope(answer, scrub=signature.scrub))
            reason = None
        except ApiError as error:
            reason = error.reason
            raise error.with_message(signature.scrub(error.message)) from None
        finally:
            self._observer.answered(endpoint, time.monotonic() - started, reason)
        return result

    def authenticate(self) -> None:
        """Ask whether user id and token are accepted: ``authenticate``."""
        self.call(Endpoint.AUTHENTICATE, {})

    def portfolio(self, project_id: int, *, max_holdings: int, strike_scale: int) -> Portfolio:
        """Return holdings and cash of a project's live algorithm: ``live/portfolio/read``."""
        endpoint = Endpoint.LIVE_PORTFOLIO_READ
        portfolio = self.ask(
            endpoint,
            {"projectId": project_id},
            lambda payload: decode_portfolio(
                payload, max_holdings=max_holdings, strike_scale=strike_scale
            ),
        )
        self._problems(endpoint, portfolio.problems)
        return portfolio

    def running(self) -> Listing:
        """Return the account's deployments that run, one a project: ``live/list`` by status.

        A project is left out if its newest deployment there has another status or one that cannot
        be read: the server's filter may let such a deployment through.
        """
        listing = self._deployments({"status": "Running"})
        running = tuple(
            deployment
            for deployment in newest(listing.deployments).values()
            if deployment.status == "Running"
        )
        return Listing(running, listing.problems)

    def deployments(self, project_id: int | None = None) -> Listing:
        """Return all deployments ever made, of a project or of the account: ``live/list``."""
        payload = {} if project_id is None else {"projectId": project_id}
        return self._deployments(payload, project_id)

    def _deployments(self, payload: Mapping[str, object], project_id: int | None = None) -> Listing:
        endpoint = Endpoint.LIVE_LIST
        listing = Listing(
            *self.ask(
                endpoint,
                payload,
                lambda answer: decode_deployments(answer, project_id=project_id),
            )
        )
        self._problems(endpoint, listing.problems)
        return listing

    def statistics(self, project_id: int, *, custom: Collection[str]) -> Statistics:
        """Return runtime and server statistics of a live algorithm: ``live/read``."""
        endpoint = Endpoint.LIVE_READ
        statistics = self.ask(
            endpoint,
            {"projectId": project_id},
            lambda payload: decode_statistics(payload, custom=custom),
        )
        self._problems(endpoint, statistics.problems)
        return statistics

    def project_name(self, project_id: int) -> str:
        """Return the name that a project has at QuantConnect: ``projects/read``."""
        return self.ask(
            Endpoint.PROJECTS_READ,
            {"projectId": project_id},
            lambda payload: decode_project_name(payload, project_id),
        )

    def _problems(self, endpoint: Endpoint, problems: Collection[Problem]) -> None:
        for problem in problems:
            self._observer.problem(endpoint, problem.field)
