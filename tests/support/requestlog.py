"""The requests that the simulator got, for tests that count calls and watch their spacing."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator import Request

KEPT = 200_000
"""The number of the latest requests that are remembered."""


class RequestLog:
    """The latest requests in order of arrival. Safe to read while the server runs."""

    def __init__(self) -> None:
        self._requests: deque[Request] = deque(maxlen=KEPT)
        self._arrived = threading.Condition()

    def __iter__(self) -> Iterator[Request]:
        with self._arrived:
            return iter(list(self._requests))

    def __len__(self) -> int:
        with self._arrived:
            return len(self._requests)

    def __getitem__(self, number: int) -> Request:
        with self._arrived:
            return self._requests[number]

    def add(self, request: Request) -> None:
        """Note a request that has arrived."""
        with self._arrived:
            self._requests.append(request)
            self._arrived.notify_all()

    def clear(self) -> None:
        """Forget what was noted."""
        with self._arrived:
            self._requests.clear()

    def of(self, endpoint: str | None = None, project_id: int | None = None) -> list[Request]:
        """The requests to ``endpoint`` and for ``project_id``, where given."""
        return [
            request
            for request in self
            if endpoint in (None, request.endpoint) and project_id in (None, request.project_id)
        ]

    def wait_for(
        self,
        count: int,
        endpoint: str | None = None,
        project_id: int | None = None,
        *,
        timeout: float = 120.0,
    ) -> list[Request]:
        """Those requests as soon as there are ``count``; TimeoutError after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while len(found := self.of(endpoint, project_id)) < count:
                rest = deadline - time.monotonic()
                if rest <= 0 or not self._arrived.wait(rest):
                    what = endpoint or "any endpoint"
                    msg = f"{len(found)} of {count} requests to {what} came in {timeout} s"
                    raise TimeoutError(msg)
        return found
