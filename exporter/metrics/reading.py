"""Families about a project itself and how the reading of it goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.metrics.table import PROJECT, Column, Family, Table

if TYPE_CHECKING:
    from collections.abc import Mapping


class Source(StrEnum):
    """What is read of a project, each with an interval, an age and a success of its own."""

    PORTFOLIO = "portfolio"
    STATUS = "status"
    STATISTICS = "statistics"


@dataclass(frozen=True)
class Reading:
    """How the reading of one source of a project goes; times are unix seconds, durations seconds.

    ``success`` is None before the first read ended, ``last_success`` and ``duration`` likewise.
    """

    source: Source
    interval: float
    success: bool | None = None
    last_success: float | None = None
    duration: float | None = None


READINGS: Table[Reading] = Table(
    title="Reads",
    key=lambda reading: reading.source,
    labels=lambda reading, _: {"source": reading.source.value},
    columns=(
        Column(
            Family(
                "quantconnect_read_success",
                "1 if the last read of this source of the project succeeded, else 0.",
                (*PROJECT, "source"),
            ),
            lambda reading: None if reading.success is None else float(reading.success),
        ),
        Column(
            Family(
                "quantconnect_read_last_success_timestamp_seconds",
                "When this source of the project was last read well, as a unix timestamp.",
                (*PROJECT, "source"),
            ),
            lambda reading: reading.last_success,
        ),
        Column(
            Family(
                "quantconnect_read_duration_seconds",
                "How long the last read of this source took, from the request to the samples.",
                (*PROJECT, "source"),
            ),
            lambda reading: reading.duration,
        ),
        Column(
            Family(
                "quantconnect_read_interval_seconds",
                "The interval at which this source is read, as stretched to the request budget.",
                (*PROJECT, "source"),
            ),
            lambda reading: reading.interval,
        ),
    ),
)

PROJECT_INFO: Table[Mapping[str, str]] = Table(
    title="Project",
    key=lambda labels: tuple(sorted(labels.items())),
    labels=lambda labels, _: labels,
    columns=(
        Column(
            Family(
                "quantconnect_project_info",
                "A project that is configured or discovered, always 1; carries the project's own"
                " labels from the configuration.",
                (*PROJECT, "account"),
                open_labels=True,
            ),
            lambda _: 1,
            constant=True,
        ),
    ),
)

PROJECT_LIMIT: Table[tuple[str, float]] = Table(
    title="Limits",
    key=lambda item: item,
    labels=lambda item, _: {"limit": item[0]},
    columns=(
        Column(
            Family(
                "quantconnect_project_limit",
                "A limit of the project from the configuration, a fraction of equity, for alerts.",
                (*PROJECT, "limit"),
            ),
            lambda item: item[1],
            constant=True,
        ),
    ),
)
