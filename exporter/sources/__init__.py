"""The sources that are read from QuantConnect: a file for each, from request to families.

A new source is a file here and a name in ``SOURCES``, which the poller, the exposition and the
reference page use.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from exporter.metrics import own
from exporter.metrics.project import PROJECT_INFO, PROJECT_LIMIT, READINGS
from exporter.sources.benchmark import BENCHMARK
from exporter.sources.credit import CREDIT
from exporter.sources.logs import LOGS
from exporter.sources.nodes import NODES
from exporter.sources.orders import ORDERS
from exporter.sources.portfolio import PORTFOLIO
from exporter.sources.projects import DESCRIPTION
from exporter.sources.statistics import STATISTICS
from exporter.sources.status import STATUS
from exporter.sources.trades import TRADES

if TYPE_CHECKING:
    from exporter.metrics.table import Family, Table
    from exporter.sources.source import Source

SOURCES: Final[tuple[Source[Any], ...]] = (
    PORTFOLIO,
    STATUS,
    STATISTICS,
    DESCRIPTION,
    ORDERS,
    LOGS,
    TRADES,
    BENCHMARK,
)
"""The sources of a project, the most urgent first."""

ACCOUNT_SOURCES: Final[tuple[Source[Any], ...]] = (NODES, CREDIT)
"""The sources of an account."""

TABLES: Final[tuple[Table[Any], ...]] = (
    PROJECT_INFO,
    PROJECT_LIMIT,
    READINGS,
    *chain.from_iterable(source.tables for source in (*SOURCES, *ACCOUNT_SOURCES)),
)
READ_FAMILIES: Final[tuple[Family, ...]] = tuple(
    chain.from_iterable(table.families for table in TABLES)
)
"""The families that are made of what is read, in the order in which they are published."""

CATALOGUE: Final[tuple[Family, ...]] = READ_FAMILIES + own.FAMILIES
"""Every metric family that this exporter publishes."""
