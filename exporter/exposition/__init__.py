"""Samples to bytes: Prometheus's text formats and OpenMetrics.

``render`` makes snapshots when QuantConnect was read; ``formats`` picks a format and joins the
snapshots when Prometheus scrapes, ``compression`` makes gzip of that. None knows QuantConnect.
"""

from __future__ import annotations

from exporter.exposition.compression import Piece, gzip
from exporter.exposition.formats import (
    TEXT,
    Format,
    accepts_gzip,
    join,
    negotiate,
    openmetrics_1_0_0,
    pieces,
    samples,
    text_1_0_0,
)
from exporter.exposition.render import Renderer, Snapshot, number

__all__ = [
    "TEXT",
    "Format",
    "Piece",
    "Renderer",
    "Snapshot",
    "accepts_gzip",
    "gzip",
    "join",
    "negotiate",
    "number",
    "openmetrics_1_0_0",
    "pieces",
    "samples",
    "text_1_0_0",
]
