"""Families about a project itself and about its reads."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from exporter.metrics.table import PROJECT, Column, Family, Table

if TYPE_CHECKING:
    from collections.abc import Mapping


class Reading(Protocol):
    """The reading of one source of a project; intervals and durations are in seconds."""

    @property
    def name(self) -> str:
        """The source's name."""

    @property
    def interval(self) -> float:
        """The interval in force."""

    @property
    def success(self) -> bool | None:
        """True if the last read succeeded; None before the first read ended."""

    @property
    def last_success(self) -> float | None:
        """The unix time of the last good read; None before the first one."""

    @property
    def duration(self) -> float | None:
        """The duration of the last read; None before the first read ended."""


READINGS: Table[Reading] = Table(
    title="Reads",
    series="{columns} series for each source of a project; fewer where reading a source is turned"
    " off.",
    key=attrgetter("name"),
    labels=lambda reading, _: {"source": reading.name},
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
                "When this source of the project was last read successfully, as a unix timestamp.",
                (*PROJECT, "source"),
            ),
            attrgetter("last_success"),
        ),
        Column(
            Family(
                "quantconnect_read_duration_seconds",
                "How long the last read of this source took, from the request to the samples.",
                (*PROJECT, "source"),
            ),
            attrgetter("duration"),
        ),
        Column(
            Family(
                "quantconnect_read_interval_seconds",
                "The interval at which this source is read, as stretched to the request budget.",
                (*PROJECT, "source"),
            ),
            attrgetter("interval"),
        ),
    ),
)

PROJECT_INFO: Table[Mapping[str, str]] = Table(
    title="Project",
    series="{columns} series for each project.",
    key=lambda labels: tuple(sorted(labels.items())),
    labels=lambda labels, _: labels,
    columns=(
        Column(
            Family(
                "quantconnect_project_info",
                "A project that is configured or discovered, always 1; carries the project's own"
                " labels from the configuration.",
                PROJECT,
                open_labels=True,
            ),
            lambda _: 1,
            constant=True,
        ),
    ),
)

PROJECT_LIMIT: Table[tuple[str, float]] = Table(
    title="Limits",
    series="{columns} series for each limit of a project.",
    key=lambda item: item,
    labels=lambda item, _: {"limit": item[0]},
    columns=(
        Column(
            Family(
                "quantconnect_project_limit",
                "A limit of the project from the configuration, for alerts: a fraction of equity,"
                " but max_orders_per_hour is a number of orders, max_days_without_fill a number of"
                " days, and drawdown_since a unix timestamp.",
                (*PROJECT, "limit"),
            ),
            lambda item: item[1],
            constant=True,
        ),
    ),
)
