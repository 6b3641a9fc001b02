"""Samples to bytes: Prometheus's text formats and OpenMetrics.

``render`` makes snapshots when QuantConnect was read; when Prometheus scrapes, ``formats``
picks a format, ``scrape`` joins the snapshots and ``compression`` makes gzip of that. None of them
knows QuantConnect.
"""

from __future__ import annotations

from exporter.exposition.compression import Compressor, Piece
from exporter.exposition.formats import (
    TEXT,
    Format,
    accepts_gzip,
    negotiate,
    openmetrics_1_0_0,
    text_1_0_0,
)
from exporter.exposition.render import Renderer, Snapshot, number
from exporter.exposition.scrape import join, pieces, samples

__all__ = [
    "TEXT",
    "Compressor",
    "Format",
    "Piece",
    "Renderer",
    "Snapshot",
    "accepts_gzip",
    "join",
    "negotiate",
    "number",
    "openmetrics_1_0_0",
    "pieces",
    "samples",
    "text_1_0_0",
]
