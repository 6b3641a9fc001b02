"""Signal handlers of commands that run until they are stopped."""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn

from exporter.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

log = Log(__name__)

_STOP: Final = (signal.SIGTERM, signal.SIGINT)


def stop_cleanly_while_starting() -> None:
    """Exit with 0 on SIGTERM and SIGINT, and ignore SIGHUP, until the server handles them."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        log.info("Stopped before it was started")
        raise SystemExit(0)

    for number in _STOP:
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextmanager
def stop_awaited() -> Iterator[Callable[[], object]]:
    """Yield a function that returns on the first SIGTERM or SIGINT since the context was entered.

    A thread that begins to wait for a lock just as a signal comes would sleep through it. So the
    signal writes a byte, which stays until it is read.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    with reader, writer:
        before = signal.set_wakeup_fd(writer.fileno())
        handlers = {number: signal.signal(number, lambda *_: None) for number in _STOP}
        try:
            yield lambda: reader.recv(1)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(before)
