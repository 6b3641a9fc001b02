"""live/logs/read: the number of log lines that contain a text.

Only their number is read. The lines are the user's own text, with prices and account numbers: none
of it is kept, logged or published.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from exporter.metrics.table import PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import Problem, finite, folded, refuse_unready
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from exporter import config
    from exporter.sources.source import Known


class LogLines(Struct, frozen=True):
    """The number of lines that match each query, by the query's name."""

    counts: Mapping[str, int]
    is_whole: bool
    """Every query was sent."""
    problems: tuple[Problem, ...] = ()


def decode_length(
    payload: Mapping[str, object], *, name: str, counts: Mapping[str, int], is_last: bool
) -> LogLines:
    """Return ``counts`` with a query's number of lines added, from an answer of live/logs/read.

    Raises ApiError: not_ready when the answer has no length, malformed when it is not a number.
    """
    answer = folded(payload)
    refuse_unready(answer, "length", Endpoint.LIVE_LOGS_READ)
    length = finite(answer["length"])
    if length is None or length < 0 or length != int(length):
        # Without the value, which may contain a log line.
        raise ApiError(
            Reason.MALFORMED, f"{Endpoint.LIVE_LOGS_READ}: length: expected a number of lines"
        )
    return LogLines({**counts, name: int(length)}, is_last)


LOG_LINES: Table[tuple[str, int]] = Table(
    title="Log lines",
    series="{columns} series for each of `log_queries`.",
    key=lambda item: item[0],
    labels=lambda item, _: {"query": item[0]},
    columns=(
        Column(
            Family(
                "quantconnect_live_log_lines",
                "Lines in the project's log that contain the text of a query; no counter, since"
                " QuantConnect drops the oldest lines. Source: live/logs/read, field length, all"
                " deployments. Read every logs_interval; QuantConnect refreshes it about every 5"
                " minutes.",
                (*PROJECT, "query"),
            ),
            lambda item: item[1],
        ),
    ),
)


def _request(
    project: config.ProjectSettings, _: config.Config, known: Known[LogLines]
) -> Request[LogLines]:
    before, names = known.before, list(project.log_queries)
    counts = {} if before is None or before.is_whole else before.counts
    counts = {name: count for name, count in counts.items() if name in names}
    if len(counts) == len(names):  # a reload has removed the next query
        counts = {}
    name = next(name for name in names if name not in counts)
    return Request(
        Endpoint.LIVE_LOGS_READ,
        {
            "projectId": project.id,
            "algorithmId": known.deploy_id,
            "format": "json",
            "startLine": 0,
            "endLine": 1,
            "query": project.log_queries[name],
        },
        partial(decode_length, name=name, counts=counts, is_last=len(counts) == len(names) - 1),
    )


def _interval(project: config.ProjectSettings, settings: config.Config) -> float:
    # The call names a deployment, which comes from live/list.
    return settings.logs_interval if project.log_queries and settings.status_interval else 0.0


LOGS: Source[LogLines] = Source(
    name="logs",
    request=_request,
    interval=_interval,
    families=(Families(LOG_LINES, lambda lines, _: lines.counts.items()),),
    every="`logs_interval`, 5 times that while stopped; only with `log_queries` and status",
    delay="5 minutes",
    is_whole=lambda lines: lines.is_whole,
    calls=lambda project: len(project.log_queries),
    needs_deployment=True,
)
