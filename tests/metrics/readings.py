"""The reading of a source as the poller has it, for tests of what is published of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Read:
    """One source's reading; intervals and durations are in seconds."""

    name: str
    interval: float
    success: bool | None = None
    last_success: float | None = None
    duration: float | None = None
