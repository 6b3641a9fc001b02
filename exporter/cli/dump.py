"""``quantconnect-exporter dump``: read every project once and print the metrics."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.cli import version
from exporter.cli.configuration import load
from exporter.cli.run import shard_of
from exporter.clock import Clock
from exporter.exposition import TEXT, join
from exporter.log import Log
from exporter.poller import Poller
from exporter.sources import READ_FAMILIES
from exporter.store import Store
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    import argparse

    from exporter.store import ProjectReport

log = Log(__name__)

_GLANCE = 0.05


def dump(options: argparse.Namespace) -> int:
    """Print the exposition. Return 0 if every read succeeded; else 1, with the reason on stderr.

    Calls keep to the account's budget; each project takes about three.
    """
    if sys.stdout is None:
        log.error("Standard output is closed, so nothing is read")
        return 1
    config = load(options)
    if config is None:
        return 1
    store = Store(Clock())
    telemetry = Telemetry(version=__version__, revision=version.revision())
    telemetry.reload_successful.set(1)
    telemetry.reload_timestamp.set(time.time())
    poller = Poller(
        config,
        store=store,
        telemetry=telemetry,
        user_agent=version.USER_AGENT,
        shard=shard_of(options),
    )
    poller.start()
    try:
        while not poller.complete():
            time.sleep(_GLANCE)
    finally:
        poller.stop()
    body = join(READ_FAMILIES, store.snapshots(), telemetry.registry, TEXT)
    sys.stdout.buffer.write(body)  # the format is UTF-8, whatever the terminal's encoding is
    sys.stdout.flush()
    reports = store.reports()
    if not reports:
        log.error("No project was read; quantconnect-exporter doctor says why")
        return 1
    return 0 if all(_was_read(report) for report in reports) else 1


def _was_read(report: ProjectReport) -> bool:
    """Return whether every source of a project was read successfully."""
    return bool(report.sources) and all(
        source.tried is not None and not source.error for source in report.sources
    )
