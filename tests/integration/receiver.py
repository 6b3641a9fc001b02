"""Who is told: a webhook receiver that keeps every notification of an Alertmanager."""

from __future__ import annotations

import http.server
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from prometheus.stack import Alertmanager, Prometheus, Stack

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


@dataclass(frozen=True)
class Notification:
    """One message: who gets it, of which alerts, and whether they are still so."""

    receiver: str
    status: str
    alerts: tuple[dict[str, Any], ...]

    @property
    def names(self) -> set[str]:
        """The names of its alerts."""
        return {alert["labels"]["alertname"] for alert in self.alerts}

    def about(self, label: str) -> list[str]:
        """The values of a label of its alerts."""
        return sorted(alert["labels"].get(label, "") for alert in self.alerts)


@dataclass
class Receiver:
    """A context manager; ``url`` is what Alertmanager posts to, below it a path per receiver."""

    url: str = ""
    _received: list[Notification] = field(default_factory=list)

    def received(
        self, alert: str | None = None, *, receiver: str | None = None, status: str | None = None
    ) -> list[Notification]:
        """What came so far, of that alert, to that receiver, with that status."""
        return [
            each
            for each in list(self._received)
            if (alert is None or alert in each.names)
            and receiver in (None, each.receiver)
            and status in (None, each.status)
        ]

    def __enter__(self) -> Self:
        received = self._received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append(
                    Notification(
                        receiver=self.path.strip("/"),
                        status=body["status"],
                        alerts=tuple(body["alerts"]),
                    )
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def telling(receiver: Receiver, directory: Path, target: str, *, quicken: int) -> Stack:
    """A Prometheus that scrapes ``target``, and an Alertmanager that tells ``receiver``."""
    alertmanager = Alertmanager(directory, webhook=receiver.url, quicken=quicken)
    prometheus = Prometheus(
        directory, targets=[target], alertmanager=alertmanager.address, quicken=quicken
    )
    return Stack(prometheus, alertmanager)
