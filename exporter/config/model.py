"""The configuration as the rest of the exporter sees it: frozen, complete, checked.

Only ``load``, ``load_from_environment`` and ``resolve`` make a ``Config``. All times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from exporter.config.rendering import render

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from exporter.config.secret import Token

NEWEST_STRIKE_SCALE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project whose live deployment is read.

    ``name`` and ``account_currency`` are None where QuantConnect is to say them. ``limits`` are
    fractions of equity by name; ``statistics`` the user-set runtime statistics to publish;
    ``strike_scale`` 6, or 4 for a deployment on a LEAN older than 2025-11-18.
    """

    id: int
    name: str | None = None
    account_currency: str | None = None
    scrape_interval: float
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    statistics: tuple[str, ...] = ()
    strike_scale: int = NEWEST_STRIKE_SCALE

    @classmethod
    def discovered(cls, project_id: int, config: Config) -> Project:
        """The settings of a project that is not listed but found live."""
        return cls(id=project_id, scrape_interval=config.scrape_interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discover:
    """Which live deployments are projects without being listed, by the project's whole name."""

    include: re.Pattern[str]
    exclude: re.Pattern[str]
    forget_after: float

    @property
    def takes_any_name(self) -> bool:
        """Every name matches, also one that is not known."""
        return self.include.pattern == ".*" and not self.exclude.pattern

    def matches(self, name: str) -> bool:
        """Whether the project of this name is included and not excluded; ``""`` excludes none."""
        if self.exclude.pattern and self.exclude.fullmatch(name):
            return False
        return self.include.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A QuantConnect user whose projects are read.

    ``base_url`` has no trailing slash. ``discover`` is None where only ``projects`` are read.
    """

    name: str
    user_id: int
    token: Token
    base_url: str
    requests_per_minute: float
    discover: Discover | None
    projects: tuple[Project, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything the configuration says. ``source`` is the file's name, or ``environment``.

    ``status_interval`` and ``statistics_interval`` are 0 where that reading is off. ``tickers``
    maps the first ticker of a key to what people call it today. ``ignored`` are the names of the
    environment variables that are set and would configure an account, had not a file that does not
    refer to them.
    """

    source: str
    scrape_interval: float
    request_timeout: float
    stale_after: float
    status_interval: float
    statistics_interval: float
    max_holdings_per_project: int
    tickers: Mapping[str, str]
    accounts: tuple[Account, ...]
    ignored: tuple[str, ...] = field(default=(), compare=False)

    def to_yaml(self) -> str:
        """The running configuration with every default filled in and secrets as ``<secret>``."""
        return render(self)
