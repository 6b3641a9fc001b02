"""The configuration for the rest of the exporter: frozen, complete, valid.

Only ``load``, ``load_text``, ``load_from_environment`` and ``resolve`` make a ``Config``. All
times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from exporter.config.secret import Token

NEWEST_STRIKE_SCALE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The settings of a project without an entry of its own under ``projects``.

    ``limits`` are fractions of equity by name, but for ``max_orders_per_hour`` (orders) and
    ``max_days_without_fill`` (days). ``statistics`` are the user-set runtime statistics
    to publish. ``log_queries`` are texts to count in the lines of the log, ignoring case, by name.
    ``drawdown_since`` is the unix time from which the peak of the equity counts, None
    for all of it. ``strike_scale`` is 6, or 4 for a deployment on a LEAN older than 2025-11-18.
    ``assumed_currency`` is the currency of the project's account until its cash book names it, None
    if there is none.
    """

    scrape_interval: float
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    statistics: tuple[str, ...] = ()
    log_queries: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    drawdown_since: float | None = None
    strike_scale: int = NEWEST_STRIKE_SCALE
    assumed_currency: str | None = None

    def of_project(
        self, project_id: int, *, name: str | None = None, account_currency: str | None = None
    ) -> ProjectSettings:
        """Return these settings as those of one project."""
        settings = {each.name: getattr(self, each.name) for each in fields(Defaults)}
        return ProjectSettings(
            id=project_id, name=name, account_currency=account_currency, **settings
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSettings(Defaults):
    """The settings in force of one project, all defaults filled in.

    ``name`` and ``account_currency`` are None where QuantConnect's answers decide them.
    """

    id: int
    name: str | None = None
    account_currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover:
    """The live deployments that are projects without being listed, by the project's whole name."""

    include: re.Pattern[str]
    exclude: re.Pattern[str]
    forget_after: float

    @property
    def takes_any_name(self) -> bool:
        """Every name matches, also one that is not known."""
        return self.include.pattern == ".*" and not self.exclude.pattern

    def matches(self, name: str) -> bool:
        """Return whether the name is included and not excluded; ``""`` excludes none."""
        if self.exclude.pattern and self.exclude.fullmatch(name):
            return False
        return self.include.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A QuantConnect user whose projects are read.

    ``base_url`` has no trailing slash. ``discover`` is None where only ``projects`` are read.
    ``defaults`` are those of the account over those at the top of the file; ``projects`` are the
    listed ones, with ``defaults`` filled in.
    """

    name: str
    user_id: int
    token: Token
    base_url: str
    requests_per_minute: float
    discover: Discover | None
    defaults: Defaults
    projects: tuple[ProjectSettings, ...]
    _listed: Mapping[int, ProjectSettings] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        listed = MappingProxyType({project.id: project for project in self.projects})
        object.__setattr__(self, "_listed", listed)

    def settings_for(self, project_id: int) -> ProjectSettings:
        """Return the settings of a project, listed or discovered."""
        return self._listed.get(project_id) or self.defaults.of_project(project_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration. ``source`` is the file's name, or ``environment``.

    The intervals after ``status_interval``, itself included, are 0 where that reading is off;
    ``logs_interval`` counts only for projects with ``log_queries``. ``log_severities`` are the
    severities of the alert about log queries, by the names of all queries, those of projects
    included: ``info``, ``warning`` or ``critical``. ``tickers`` maps the first ticker of an
    equity, as in QuantConnect's keys, to today's. ``ignored`` are the environment variables that
    would configure an account, but are set next to a file that does not refer to them.
    ``label_names`` are those of all projects' own labels.
    """

    source: str
    scrape_interval: float
    request_timeout: float
    stale_after: float
    status_interval: float
    statistics_interval: float
    orders_interval: float
    trades_interval: float
    nodes_interval: float
    account_interval: float
    benchmark_interval: float
    logs_interval: float
    log_queries: Mapping[str, str]
    log_severities: Mapping[str, str]
    max_holdings_per_project: int
    tickers: Mapping[str, str]
    accounts: tuple[Account, ...]
    ignored: tuple[str, ...] = field(default=(), compare=False)
    label_names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names: set[str] = set()
        for account in self.accounts:
            names.update(*(each.labels for each in (account.defaults, *account.projects)))
        object.__setattr__(self, "label_names", tuple(sorted(names)))
