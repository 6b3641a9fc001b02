"""The schema of the configuration file (see ``reader`` for what a schema is)."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from exporter.config.reader import Entry, parsed
from exporter.config.secret import Secret
from exporter.config.values import base_url, duration_between, label_name, moment, pattern

DEFAULT_BASE_URL: Final = "https://www.quantconnect.com/api/v2"
_MAX_ID: Final = 2**63 - 1


def _duration(minimum: str, maximum: str, *, off: bool = False) -> Meta:
    zero = "0s (off) or " if off else ""
    description = f"{zero}a duration from {minimum} to {maximum}, such as 30s"
    return parsed(description, duration_between(minimum, maximum, off=off))


def _fraction(of: str) -> Meta:
    return Meta(gt=0, le=1, description=f"{of} as a fraction above 0, at most 1 (0.10 is 10 %)")


def _multiple(of: str) -> Meta:
    return Meta(
        gt=0, le=1000, description=f"{of} as a multiple of equity, above 0, at most 1000 (1 is all)"
    )


Interval = Annotated[float, _duration("1s", "1d")]
IntervalOrOff = Annotated[float, _duration("1s", "1d", off=True)]
UserId = Annotated[
    int, Meta(ge=1, le=_MAX_ID, description="QuantConnect's user id, a whole number such as 123456")
]
ProjectId = Annotated[
    int,
    Meta(ge=1, le=_MAX_ID, description="a project's id, a whole number such as 23456789"),
]
ApiToken = Annotated[
    Secret,
    parsed("the API token of QuantConnect's account page", Secret.parse),
]
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"\A\S(?:.*\S)?\Z",
        description="a name, a text of 1 to 200 characters without space around it",
    ),
]
FilePath = Annotated[
    str, Meta(min_length=1, pattern=r"\A[^\0]+\Z", description="the path of a file")
]
BaseUrl = Annotated[
    str,
    parsed(
        f"an address such as {DEFAULT_BASE_URL}, without user name, password or query", base_url
    ),
]
Rate = Annotated[
    float, Meta(ge=0.1, le=1_000_000, description="a number of calls from 0.1 to 1000000")
]
Pattern = Annotated[re.Pattern[str], parsed("a regular expression", pattern)]
Switch = Annotated[bool, Meta(description="true or false")]
Currency = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Z][A-Z0-9]{1,11}\Z", description="a currency code in capitals, such as USD"
    ),
]
LabelName = Annotated[
    str,
    parsed(
        "a label name (letters, digits and _, not starting with a digit or __) that neither this"
        " exporter nor Prometheus sets",
        label_name,
    ),
]
LabelValue = Annotated[
    str,
    Meta(min_length=1, description="a text that is not empty (an empty label is none)"),
]
Statistic = Annotated[
    str, Meta(min_length=1, max_length=200, description="the name of a runtime statistic")
]
LogText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"\A\S(?:.*\S)?\Z",
        description="a text to find in a line of the log, 1 to 200 characters without space around",
    ),
]
Severity = Annotated[
    Literal["info", "warning", "critical"], Meta(description="info, warning or critical")
]
FirstTicker = Annotated[
    str,
    Meta(
        pattern=r"\A[^\sa-z|]+\Z",
        description="a ticker in capitals, as it stands at the start of QuantConnect's key",
    ),
]
Ticker = Annotated[
    str, Meta(pattern=r"\A\S+\Z", description="a ticker, a text without spaces such as META")
]
MaxHoldings = Annotated[
    int, Meta(ge=1, le=1_000_000, description="a whole number from 1 to 1000000")
]
Moment = Annotated[
    float,
    parsed(
        "a date such as 2026-11-01 (from 00:00 UTC on) or a timestamp such as 2026-11-01T14:30:00Z",
        moment,
    ),
]
# multiple_of leaves out 5: the two scales that LEAN has used.
StrikeScale = Annotated[int, Meta(ge=4, le=6, multiple_of=2, description="4 or 6")]
MaxDrawdown = Annotated[float, _fraction("the loss since the peak")]
MaxDailyLoss = Annotated[float, _fraction("the loss of a day")]
MaxPositionLoss = Annotated[float, _fraction("one position's loss")]
MaxGrossLeverage = Annotated[float, _multiple("gross exposure")]
MaxPositionWeight = Annotated[float, _multiple("one position's value")]
MinCashRatio = Annotated[
    float,
    Meta(ge=-10, le=1, description="cash as a fraction of equity from -10 to 1 (0.05 is 5 %)"),
]
MaxOrdersPerHour = Annotated[
    float,
    Meta(gt=0, le=1_000_000, description="a number of orders above 0, at most 1000000"),
]
MaxDaysWithoutFill = Annotated[
    float,
    Meta(gt=0, le=365, description="a number of days above 0, at most 365 (0.5 is twelve hours)"),
]


class LogQueryEntry(Entry, frozen=True, kw_only=True):
    """A value of ``log_queries``: its text alone, or a mapping with the alert's severity."""

    text_for: ClassVar[str] = "text"

    text: LogText | UnsetType = UNSET
    severity: Severity = "warning"


LogQueries = dict[Name, LogQueryEntry]


class LimitsEntry(Entry, frozen=True, kw_only=True):
    """``limits`` for the alert rules."""

    max_drawdown: MaxDrawdown | None = None
    max_daily_loss: MaxDailyLoss | None = None
    max_gross_leverage: MaxGrossLeverage | None = None
    max_position_weight: MaxPositionWeight | None = None
    max_position_loss: MaxPositionLoss | None = None
    min_cash_ratio: MinCashRatio | None = None
    max_orders_per_hour: MaxOrdersPerHour | None = None
    max_days_without_fill: MaxDaysWithoutFill | None = None


class DefaultsEntry(Entry, frozen=True, kw_only=True):
    """``defaults`` at the top: settings of every project."""

    labels: dict[LabelName, LabelValue] | None = None
    limits: LimitsEntry | None = None
    statistics: tuple[Statistic, ...] | None = None
    drawdown_since: Moment | None = None
    strike_scale: StrikeScale | None = None
    account_currency: Currency | None = None


class AccountDefaultsEntry(DefaultsEntry, frozen=True, kw_only=True):
    """``defaults`` of an account."""

    scrape_interval: Interval | None = None


class ProjectEntry(AccountDefaultsEntry, frozen=True, kw_only=True):
    """An item of ``projects``."""

    short_for: ClassVar[str] = "id"

    id: ProjectId | UnsetType = UNSET
    name: Name | None = None
    log_queries: LogQueries | None = None


class DiscoverEntry(Entry, frozen=True, kw_only=True):
    """``discover``: the live deployments that are projects without being listed."""

    short_for: ClassVar[str] = "enabled"

    enabled: Switch = False
    include: Pattern = pattern(".*")
    exclude: Pattern = pattern("")
    forget_after: Annotated[float, _duration("0s", "1y")] = 7 * 86_400.0


class AccountEntry(Entry, frozen=True, kw_only=True):
    """An item of ``accounts``."""

    name: Name | None = None
    user_id: UserId | UnsetType = UNSET
    api_token: ApiToken | None = None
    api_token_file: FilePath | None = None
    base_url: BaseUrl = DEFAULT_BASE_URL
    requests_per_minute: Rate = 60.0
    discover: DiscoverEntry | None = None
    defaults: AccountDefaultsEntry | None = None
    projects: tuple[ProjectEntry, ...] | None = None


class Document(Entry, frozen=True, kw_only=True):
    """The whole file."""

    scrape_interval: Interval = 60.0
    request_timeout: Annotated[float, _duration("1s", "10m")] = 30.0
    stale_after: Annotated[float, _duration("1s", "30d")] = 900.0
    status_interval: IntervalOrOff = 60.0
    statistics_interval: IntervalOrOff = 300.0
    orders_interval: IntervalOrOff = 600.0
    trades_interval: IntervalOrOff = 3600.0
    nodes_interval: IntervalOrOff = 600.0
    account_interval: IntervalOrOff = 3600.0
    benchmark_interval: IntervalOrOff = 0.0
    logs_interval: IntervalOrOff = 300.0
    log_queries: LogQueries | None = None
    max_holdings_per_project: MaxHoldings = 10_000
    defaults: DefaultsEntry | None = None
    tickers: dict[FirstTicker, Ticker] | None = None
    accounts: tuple[AccountEntry, ...] | UnsetType = UNSET
