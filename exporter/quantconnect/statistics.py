"""live/read: runtime and server statistics, which come as display texts.

The answer also holds the project's whole source code and whatever the algorithm calls a
statistic. Only the documented statistics and those that the configuration names are looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.quantconnect.display import parse_display
from exporter.quantconnect.fields import excerpt, finite, folded, is_empty, problem, quoted
from exporter.quantconnect.model import Problem, Statistics

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RUNTIME_STATISTICS: Mapping[str, bool] = {
    "Equity": False,
    "Fees": False,
    "Holdings": False,
    "Net Profit": False,
    "Probabilistic Sharpe Ratio": True,
    "Return": True,
    "Unrealized": False,
    "Volume": False,
}
"""The statistics that Lean itself sets, and whether each is a percentage; else it is money."""

_BYTES_PER_MB = 1_048_576
_UP_TIME = re.compile(r"([0-9]{1,6})d ([0-9]{2}):([0-9]{2}):([0-9]{2})")


def decode_statistics(payload: Mapping[str, object], *, custom: Collection[str]) -> Statistics:
    """The statistics of an answer of live/read; all are missing when nothing is running.

    ``custom`` names the algorithm's own statistics that are wanted. Never raises: whatever
    cannot be read is left out with a Problem.
    """
    answer = folded(payload)
    problems: list[Problem] = []
    runtime = _section(answer, "runtimeStatistics", problems)
    server = _section(answer, "serverStatistics", problems)
    return Statistics(
        runtime={
            key: value
            for key, percent in RUNTIME_STATISTICS.items()
            if (value := _statistic(runtime, key, "runtimeStatistics", problems, percent))
            is not None
        },
        custom={
            key: value
            for key in sorted(custom)
            if (value := _custom_statistic(runtime, key, problems)) is not None
        },
        cpu_usage=_statistic(server, "CPU Usage", "serverStatistics", problems, percent=True),
        memory_used_bytes=_memory(server, "Used RAM (MB)", problems),
        memory_total_bytes=_memory(server, "Total RAM (MB)", problems),
        uptime_seconds=_uptime(server, problems),
        problems=tuple(problems),
    )


def _section(
    answer: Mapping[str, object], field: str, problems: list[Problem]
) -> Mapping[str, object]:
    value = answer.get(field.lower())
    if is_empty(value):
        return {}
    if not isinstance(value, dict):
        problems.append(problem(field, field, value, "an object"))
        return {}
    return value


def _statistic(
    section: Mapping[str, object],
    key: str,
    where: str,
    problems: list[Problem],
    percent: bool = False,
) -> float | None:
    """The value of a documented statistic; None where it is missing, empty or unreadable."""
    try:
        return _read(section.get(key), percent=percent)
    except ValueError as error:
        problems.append(Problem(key, f"{where}[{quoted(key)}]", str(error)))
        return None


def _custom_statistic(
    section: Mapping[str, object], key: str, problems: list[Problem]
) -> float | None:
    try:
        return _read(section.get(key), percent=None)
    except ValueError as error:
        problems.append(Problem("other", f"runtimeStatistics[{quoted(key)}]", str(error)))
        return None


def _read(value: object, *, percent: bool | None) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return parse_display(value, percent=percent)
    result = finite(value)
    if percent or result is None:  # a bare number does not say whether 1.5 is 1.5 % or 150 %
        raise ValueError(
            f"found {excerpt(value)}, expected {'a percentage' if percent else 'a finite number'}"
        )
    return result + 0.0  # no minus zero


def _memory(server: Mapping[str, object], key: str, problems: list[Problem]) -> float | None:
    megabytes = _statistic(server, key, "serverStatistics", problems)
    if megabytes is None:
        return None
    result = finite(megabytes * _BYTES_PER_MB)
    if result is None:
        where = f"serverStatistics[{quoted(key)}]"
        problems.append(problem(key, where, server[key], "a number within range"))
    return result


def _uptime(server: Mapping[str, object], problems: list[Problem]) -> float | None:
    key = "Up Time"
    value = server.get(key)
    if value is None or value == "":
        return None
    match = _UP_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        where = f"serverStatistics[{quoted(key)}]"
        problems.append(problem(key, where, value, "a time such as 0d 00:00:03"))
        return None
    days, hours, minutes, seconds = map(int, match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
