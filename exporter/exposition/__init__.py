"""Samples to bytes: Prometheus's text formats and OpenMetrics.

``render`` makes snapshots when QuantConnect was read; ``formats`` picks a format and joins the
snapshots when Prometheus scrapes. Neither knows QuantConnect.
"""

from __future__ import annotations

from exporter.exposition.formats import (
    TEXT,
    Format,
    accepts_gzip,
    compress,
    join,
    negotiate,
    openmetrics_1_0_0,
    samples,
    text_1_0_0,
)
from exporter.exposition.render import Renderer, Snapshot, number

__all__ = [
    "TEXT",
    "Format",
    "Renderer",
    "Snapshot",
    "accepts_gzip",
    "compress",
    "join",
    "negotiate",
    "number",
    "openmetrics_1_0_0",
    "samples",
    "text_1_0_0",
]
