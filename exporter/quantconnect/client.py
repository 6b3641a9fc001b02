"""QuantConnect's API as far as this project may use it: endpoints that only read.

The client cannot name another one: no create, no liquidate, no stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from exporter.quantconnect.envelope import clock_skew, open_envelope
from exporter.quantconnect.errors import ApiError
from exporter.quantconnect.signing import Signature
from exporter.quantconnect.transport import Transport

T = TypeVar("T")

# live/read sends the algorithm's source along and live/list every deployment of a project.
MAX_BODY = 16 * 1024 * 1024


class Endpoint(StrEnum):
    """The endpoints that are called; also the values of the label ``endpoint``."""

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


class Request(Struct, Generic[T], frozen=True):
    """One call: the endpoint, its parameters, and the decoder of the answer.

    ``decode`` takes the answer's JSON object and raises ApiError where it gives nothing to publish.
    """

    endpoint: Endpoint
    parameters: Mapping[str, object]
    decode: Callable[[Mapping[str, object]], T]


class Observer(Protocol):
    """Sees each call; its methods are called by the thread that makes the call."""

    def call(self, endpoint: str) -> None:
        """Note that a call begins."""

    def answered(self, endpoint: str, seconds: float) -> None:
        """Note that it ended after so many seconds, well or not."""

    def skew(self, seconds: float) -> None:
        """Note our clock minus QuantConnect's."""


class QuantConnect:
    """One account at QuantConnect; used by several threads at once.

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

    def ask(self, request: Request[T]) -> T | ApiError:
        """Make one call; return the decoded answer, or the ApiError that says why there is none.

        Decoders quote the answer in their errors; the token and signatures are taken out here.
        """
        endpoint, signature = Endpoint(request.endpoint), self._signature
        self._observer.call(endpoint)
        started = time.monotonic()
        try:
            answer = self._transport.post(endpoint, request.parameters, signature)
            skew = clock_skew(answer.headers, self._now())
            if skew is not None:
                self._observer.skew(skew)
            return request.decode(open_envelope(answer, scrub=signature.scrub))
        except ApiError as error:
            return error.with_message(signature.scrub(error.message))
        finally:
            self._observer.answered(endpoint, time.monotonic() - started)
