"""The catalogue: every metric family this exporter publishes, declared as data.

From these declarations come the exposition, the reference page ``docs/metrics.md`` and the tests
that hold dashboards and rules to names that exist. Nothing here knows threads, HTTP or bytes; a
number goes through as QuantConnect sent it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from exporter.metrics import own
from exporter.metrics.live import CUSTOM_STATISTIC, DEPLOYMENT, LIVE_STATUS, STATISTICS
from exporter.metrics.portfolio import CASH, HOLDINGS, POSITIONS
from exporter.metrics.reading import PROJECT_INFO, PROJECT_LIMIT, READINGS

if TYPE_CHECKING:
    from exporter.metrics.table import Family, Table

TABLES: tuple[Table[Any], ...] = (
    PROJECT_INFO,
    PROJECT_LIMIT,
    READINGS,
    POSITIONS,
    HOLDINGS,
    CASH,
    LIVE_STATUS,
    DEPLOYMENT,
    STATISTICS,
    CUSTOM_STATISTIC,
)
PROJECT_FAMILIES: tuple[Family, ...] = tuple(
    chain.from_iterable(table.families for table in TABLES)
)
EXPORTER_FAMILIES: tuple[Family, ...] = own.FAMILIES
CATALOGUE: tuple[Family, ...] = PROJECT_FAMILIES + EXPORTER_FAMILIES
