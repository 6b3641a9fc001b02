"""QuantConnect's API as far as this project may use it: five endpoints that only read.

There is no way to call another one: no create, no liquidate, no stop.
"""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from exporter.quantconnect.auth import Signature
from exporter.quantconnect.envelope import clock_skew, open_envelope
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.live import decode_deployments, newest
from exporter.quantconnect.model import Listing
from exporter.quantconnect.portfolio import decode_portfolio
from exporter.quantconnect.projects import decode_project_name
from exporter.quantconnect.statistics import decode_statistics
from exporter.quantconnect.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from exporter.quantconnect.model import Portfolio, Problem, Statistics

T = TypeVar("T")

# live/read sends the algorithm's source along and live/list every deployment of a project.
MAX_BODY = 16 * 1024 * 1024


class Endpoint(StrEnum):
    """The endpoints that are called; also the values of the label ``endpoint``."""

    AUTHENTICATE = "authenticate"
    LIVE_LIST = "live/list"
    LIVE_PORTFOLIO_READ = "live/portfolio/read"
    LIVE_READ = "live/read"
    PROJECTS_READ = "projects/read"


class Observer(Protocol):
    """Who wants to know of each call; called by the thread that makes it."""

    def call(self, endpoint: str) -> None:
        """A call is begun."""

    def answered(self, endpoint: str, seconds: float, reason: str | None) -> None:
        """It ended after so many seconds, well or for a reason."""

    def skew(self, seconds: float) -> None:
        """Our clock minus QuantConnect's."""

    def problem(self, endpoint: str, field: str) -> None:
        """A field was left out of an answer."""


class QuantConnect:
    """One account at QuantConnect; used by several threads at once.

    Every method makes one call and raises ApiError where it gives nothing to publish. ``timeout``
    is in seconds, connect to last byte; ``connections`` is how many are kept open.
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

    def authenticate(self) -> None:
        """Ask whether user id and token are accepted: ``authenticate``."""
        self._ask(Endpoint.AUTHENTICATE, {}, lambda _: None)

    def portfolio(self, project_id: int, *, max_holdings: int, strike_scale: int) -> Portfolio:
        """Holdings and cash of a project's live algorithm: ``live/portfolio/read``."""
        endpoint = Endpoint.LIVE_PORTFOLIO_READ
        portfolio = self._ask(
            endpoint,
            {"projectId": project_id},
            lambda payload: decode_portfolio(
                payload, max_holdings=max_holdings, strike_scale=strike_scale
            ),
        )
        self._problems(endpoint, portfolio.problems)
        return portfolio

    def running(self) -> Listing:
        """The deployments of the account that run, one a project: ``live/list`` by status.

        A project whose newest deployment there has any other status, or one that cannot be read,
        is not among them: its own answer must say how it stands, not a filter that let it through.
        """
        listing = self._deployments({"status": "Running"})
        running = tuple(
            deployment
            for deployment in newest(listing.deployments).values()
            if deployment.status == "Running"
        )
        return Listing(running, listing.problems)

    def deployments(self, project_id: int | None = None) -> Listing:
        """All deployments there ever were, of one project or of the account: ``live/list``."""
        payload = {} if project_id is None else {"projectId": project_id}
        return self._deployments(payload, project_id)

    def _deployments(self, payload: Mapping[str, object], project_id: int | None = None) -> Listing:
        endpoint = Endpoint.LIVE_LIST
        listing = Listing(
            *self._ask(
                endpoint,
                payload,
                lambda answer: decode_deployments(answer, project_id=project_id),
            )
        )
        self._problems(endpoint, listing.problems)
        return listing

    def statistics(self, project_id: int, *, custom: Collection[str]) -> Statistics:
        """Runtime and server statistics of a live algorithm: ``live/read``."""
        endpoint = Endpoint.LIVE_READ
        statistics = self._ask(
            endpoint,
            {"projectId": project_id},
            lambda payload: decode_statistics(payload, custom=custom),
        )
        self._problems(endpoint, statistics.problems)
        return statistics

    def project_name(self, project_id: int) -> str:
        """The name that a project has at QuantConnect: ``projects/read``."""
        return self._ask(
            Endpoint.PROJECTS_READ,
            {"projectId": project_id},
            lambda payload: decode_project_name(payload, project_id),
        )

    def _ask(
        self,
        endpoint: Endpoint,
        payload: Mapping[str, object],
        decode: Callable[[dict[str, Any]], T],
    ) -> T:
        self._observer.call(endpoint)
        signature = self._signature
        started = time.monotonic()
        reason: Reason | None = Reason.MALFORMED  # of what not even decoding foresees
        try:
            answer = self._transport.post(endpoint, payload, signature)
            skew = clock_skew(answer.headers, self._now())
            if skew is not None:
                self._observer.skew(skew)
            result = decode(open_envelope(answer, scrub=signature.scrub))
            reason = None
        except ApiError as error:
            reason = error.reason
            raise error.said(signature.scrub(error.message)) from None
        finally:
            self._observer.answered(endpoint, time.monotonic() - started, reason)
        return result

    def _problems(self, endpoint: Endpoint, problems: Collection[Problem]) -> None:
        for problem in problems:
            self._observer.problem(endpoint, problem.field)
