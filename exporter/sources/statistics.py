"""live/read: runtime and server statistics, sent as display texts.

The answer also holds the project's whole source code and the algorithm's own statistics. Only the
documented statistics and those in the configuration are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.display import parse_display
from exporter.quantconnect.fields import (
    Problem,
    excerpt,
    finite,
    folded,
    is_empty,
    problem,
    quoted,
    text,
)
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter import config
    from exporter.sources.source import Known

RUNTIME_STATISTICS: Final[Mapping[str, bool]] = {
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

# Takes a statistic as sent; raises ValueError if it cannot be read.
_Reader = Callable[[object], float]

_BYTES_PER_MB: Final = 1_048_576
_UP_TIME: Final = re.compile(r"([0-9]{1,6})d ([0-9]{2}):([0-9]{2}):([0-9]{2})")


class Statistics(Struct, frozen=True):
    """The statistics of a deployment (live/read)."""

    runtime: Mapping[str, float]
    """Documented ``runtimeStatistics`` by QuantConnect's key: percentages as ratios, everything
    else in the account's currency and with QuantConnect's sign (fees paid are negative)."""
    custom: Mapping[str, float]
    """Allow-listed statistics that the algorithm set; percentages as ratios."""
    currency: str
    """The glyph or code of ``Equity``; empty if unknown."""
    cpu_usage: float | None
    """A ratio."""
    memory_used_bytes: float | None
    memory_total_bytes: float | None
    uptime_seconds: float | None
    lean_version: str
    """Such as ``v2.5.0.0.17484``; empty if it was not sent."""
    problems: tuple[Problem, ...]

    def without_unrealized(self) -> Statistics:
        """Return the statistics without ``Unrealized``."""
        runtime = {key: value for key, value in self.runtime.items() if key != "Unrealized"}
        return replace(self, runtime=runtime)


# --- Decoding -------------------------------------------------------------------------------------


def decode_statistics(payload: Mapping[str, object], *, custom: Collection[str]) -> Statistics:
    """Return the statistics of an answer of live/read; all are missing if nothing runs.

    ``custom`` names the algorithm's own statistics to read. Never raises: an unreadable value is
    left out with a Problem.
    """
    answer = folded(payload)
    problems: list[Problem] = []
    runtime = _section(answer, "runtimeStatistics", problems)
    server = _section(answer, "serverStatistics", problems)

    def of_runtime(key: str, read: _Reader, field: str) -> float | None:
        return _read(runtime, key, read, field, "runtimeStatistics", problems)

    def of_server(key: str, read: _Reader) -> float | None:
        return _read(server, key, read, key, "serverStatistics", problems)

    return Statistics(
        runtime={
            key: value
            for key, percent in RUNTIME_STATISTICS.items()
            if (value := of_runtime(key, partial(_number, percent=percent), key)) is not None
        },
        custom={
            key: value
            for key in sorted(custom)
            if (value := of_runtime(key, _number, "other")) is not None
        },
        currency=_currency(runtime.get("Equity")),
        cpu_usage=of_server("CPU Usage", partial(_number, percent=True)),
        memory_used_bytes=of_server("Used RAM (MB)", _bytes),
        memory_total_bytes=of_server("Total RAM (MB)", _bytes),
        uptime_seconds=of_server("Up Time", _seconds),
        lean_version=text(folded(server), "LEAN Version", "serverStatistics", problems),
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


def _read(
    section: Mapping[str, object],
    key: str,
    read: _Reader,
    field: str,
    where: str,
    problems: list[Problem],
) -> float | None:
    """Return one statistic; None if it is missing, empty or unreadable."""
    value = section.get(key)
    if value is None or value == "":
        return None
    try:
        return read(value)
    except ValueError as error:
        problems.append(Problem(field, f"{where}[{quoted(key)}]", str(error)))
        return None


def _number(value: object, *, percent: bool | None = None) -> float:
    """Return a number, ``percent`` as for ``parse_display``; raises ValueError."""
    if isinstance(value, str):
        return parse_display(value, percent=percent).value
    result = finite(value)
    if percent or result is None:  # a bare 1.5 may mean 1.5 % or 150 %
        raise ValueError(
            f"found {excerpt(value)}, expected {'a percentage' if percent else 'a finite number'}"
        )
    return result + 0.0  # no minus zero


def _bytes(value: object) -> float:
    """Return the bytes of a number of megabytes; raises ValueError."""
    if isinstance(value, str) and parse_display(value).currency:
        raise ValueError(f"found {excerpt(value)}, expected a number without a unit")
    result = finite(_number(value, percent=False) * _BYTES_PER_MB)
    if result is None:
        raise ValueError(f"found {excerpt(value)}, expected a number within range")
    return result


def _seconds(value: object) -> float:
    """Return the seconds of a time such as ``0d 00:00:03``; raises ValueError."""
    match = _UP_TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"found {excerpt(value)}, expected a time such as 0d 00:00:03")
    days, hours, minutes, seconds = map(int, match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _currency(equity: object) -> str:
    """Return the glyph or code of a display text; empty if there is none."""
    try:
        return parse_display(equity).currency if isinstance(equity, str) else ""
    except ValueError:
        return ""


# --- Families -------------------------------------------------------------------------------------


def _family(name: str, of: str, help_: str, labels: tuple[str, ...] = PROJECT) -> Family:
    return Family(
        f"quantconnect_live_{name}",
        f"{help_} Source: live/read, {of}. Read every statistics_interval.",
        labels,
    )


def _runtime(key: str) -> Callable[[Statistics], float | None]:
    return lambda statistics: statistics.runtime.get(key)


def _fees(statistics: Statistics) -> float | None:
    # QuantConnect displays paid fees with a minus sign; 0 stays a plain 0.
    displayed = statistics.runtime.get("Fees")
    return None if displayed is None else 0.0 - displayed


def _money(name: str, key: str, help_: str) -> Column[Statistics]:
    family = _family(name, f'runtimeStatistics "{key}"', help_, PROJECT + CURRENCY)
    return Column(family, _runtime(key))


STATISTICS_TABLE: Table[Statistics] = Table(
    title="Statistics",
    series="{columns} series at most for each running project.",
    key=lambda _: None,
    labels=lambda _statistics, _row: {},
    columns=(
        Column(
            _family(
                "fees",
                'runtimeStatistics "Fees", sign turned',
                "Fees of this deployment in the account currency, positive when paid.",
                PROJECT + CURRENCY,
            ),
            _fees,
        ),
        _money("holdings_value", "Holdings", "Absolute value of all holdings, account currency."),
        _money("net_profit", "Net Profit", "Realized profit less fees in the account currency."),
        _money(
            "unrealized_pnl",
            "Unrealized",
            "Unrealized profit in the account currency, as QuantConnect displays it: for some"
            " deployments it has been stuck at 0, which is no sample while a position has a profit"
            " or loss. Prefer the sum of quantconnect_holding_unrealized_pnl.",
        ),
        _money("volume", "Volume", "Value traded by this deployment in the account currency."),
        Column(
            _family(
                "return_ratio",
                'runtimeStatistics "Return" / 100',
                "Return of this deployment as a ratio.",
            ),
            _runtime("Return"),
        ),
        Column(
            _family(
                "probabilistic_sharpe_ratio",
                'runtimeStatistics "Probabilistic Sharpe Ratio" / 100',
                "Probability, 0 to 1, that the Sharpe ratio exceeds its benchmark.",
            ),
            _runtime("Probabilistic Sharpe Ratio"),
        ),
        Column(
            _family(
                "cpu_usage_ratio",
                'serverStatistics "CPU Usage" / 100',
                "CPU usage of the live node as a ratio.",
            ),
            attrgetter("cpu_usage"),
        ),
        Column(
            _family(
                "memory_used_bytes",
                'serverStatistics "Used RAM (MB)" in MiB',
                "Memory used on the live node.",
            ),
            attrgetter("memory_used_bytes"),
        ),
        Column(
            _family(
                "memory_total_bytes",
                'serverStatistics "Total RAM (MB)" in MiB',
                "Memory of the live node.",
            ),
            attrgetter("memory_total_bytes"),
        ),
        Column(
            _family(
                "uptime_seconds",
                'serverStatistics "Up Time"',
                "How long the algorithm has been up.",
            ),
            attrgetter("uptime_seconds"),
        ),
    ),
)

LEAN_VERSION: Table[str] = Table(
    title="LEAN version",
    series="{columns} series for each running project.",
    key=lambda version: version,
    labels=lambda version, _: {"lean_version": version},
    columns=(
        Column(
            _family(
                "lean_version_info",
                'serverStatistics "LEAN Version"',
                "The LEAN that the deployment runs on, always 1.",
                (*PROJECT, "lean_version"),
            ),
            lambda _: 1,
            constant=True,
        ),
    ),
)

CUSTOM_STATISTIC: Table[tuple[str, float]] = Table(
    title="Custom statistics",
    series="{columns} series for each name listed under the project's `statistics`.",
    key=lambda item: item[0],
    labels=lambda item, _: {"statistic": item[0]},
    columns=(
        Column(
            _family(
                "custom_statistic",
                "runtimeStatistics set by the algorithm, those listed under `statistics`",
                "A statistic that the algorithm sets itself, percent as a ratio.",
                (*PROJECT, "statistic"),
            ),
            lambda item: item[1],
        ),
    ),
)


def _request(
    project: config.ProjectSettings, _: config.Config, _known: Known[Statistics]
) -> Request[Statistics]:
    decode = partial(decode_statistics, custom=project.statistics)
    return Request(Endpoint.LIVE_READ, {"projectId": project.id}, decode)


STATISTICS: Source[Statistics] = Source(
    name="statistics",
    request=_request,
    interval=lambda _, settings: settings.statistics_interval,
    families=(
        Families(STATISTICS_TABLE, lambda statistics, _: [statistics]),
        Families(
            LEAN_VERSION,
            lambda statistics, _: [statistics.lean_version] if statistics.lean_version else [],
        ),
        Families(CUSTOM_STATISTIC, lambda statistics, _: statistics.custom.items()),
    ),
    every="`statistics_interval`",
    delay="a minute",
)
