"""Faults of this exporter's own: caught so that the loop goes on, counted, and logged."""

from __future__ import annotations

import time
import traceback
from math import inf
from typing import TYPE_CHECKING

from exporter.log import Log

if TYPE_CHECKING:
    from exporter.telemetry import AccountTelemetry

log = Log(__name__)

# One that comes again at each turn is logged so often.
_QUIET_SECONDS = 60.0
_MOST = 100


class Faults:
    """Those of one account."""

    def __init__(self, telemetry: AccountTelemetry) -> None:
        self._telemetry = telemetry
        self._said: dict[str, float] = {}

    def caught(self, **fields: object) -> None:
        """Count and log what was just caught; to be called where it was."""
        self._telemetry.fault()
        # Python's own clock: ours may be what is at fault.
        fault, now = traceback.format_exc(), time.monotonic()
        if now - self._said.get(fault, -inf) < _QUIET_SECONDS:
            return
        if len(self._said) >= _MOST:
            self._said.clear()
        self._said[fault] = now
        log.exception("A fault of this exporter, please report it", **fields)
