"""Signal handlers for the start of the exporter, before its event loop replaces them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NoReturn

from exporter.log import Log

if TYPE_CHECKING:
    from types import FrameType

log = Log(__name__)


def stop_cleanly_while_starting() -> None:
    """Exit with 0 on SIGTERM and SIGINT, and ignore SIGHUP, until the server handles them."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        log.info("Stopped before it was started")
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
