"""What QuantConnect's answers say, as frozen values.

The decoders of this package write these types, the metrics and the poller read them. A number
is the float nearest to the JSON number that was sent, neither rounded nor recomputed, but 0 for
minus zero; None means that it was not sent or could not be read (then a Problem says so), and must
become no sample.
Every text can be encoded as UTF-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

STATUSES: tuple[str, ...] = (
    "DeployError",
    "InQueue",
    "Running",
    "Stopped",
    "Liquidated",
    "Deleted",
    "Completed",
    "RuntimeError",
    "Invalid",
    "LoggingIn",
    "Initializing",
    "History",
    "PendingInput",
    "Idle",
)
"""The known statuses of a deployment: the API's documented ones, then those of Lean's
AlgorithmStatus that are not among them."""

UNKNOWN_STATUS = "Unknown"
"""Any other status, a missing one included."""


class Problem(Struct, frozen=True):
    """One thing in a good answer that was left out because it could not be read."""

    field: str
    """The documented (long) name of the field in that endpoint's answer, or ``other``."""
    where: str
    """Its place, such as ``holdings["AAPL R735QTJ8XC9X"]``."""
    message: str
    """What was found, as a short escaped excerpt, and what was expected."""


class Security(Struct, frozen=True, cache_hash=True):
    """What a security identifier, the key of a holding, says (Lean's SecurityIdentifier.cs)."""

    ticker: str
    """The first ticker that the security ever had: FB where people say META."""
    security_type: str
    """QuantConnect's name, such as ``Equity``, or ``unknown(77)``."""
    market: str
    """QuantConnect's name, such as ``usa``, or ``unknown(99)``."""
    expiry: date | None = None
    """Of futures and options; None for what does not expire and for a canonical symbol."""
    strike: Decimal | None = None
    """Of options, exact, in the currency of the underlying."""
    right: Literal["call", "put", ""] = ""
    style: Literal["american", "european", ""] = ""
    underlying: Security | None = None


class Holding(Struct, frozen=True):
    """One open position (live/portfolio/read, ``portfolio.holdings``)."""

    symbol_id: str
    """The full security identifier: the key of the holding."""
    value: str
    """``symbol.value``, today's ticker; empty where it was not sent."""
    security: Security | None
    """None where the key cannot be decoded."""
    security_type: str
    """Of the key, else of the ``type`` that was sent, else ``unknown``."""
    currency_symbol: str
    """The glyph of the quote currency; several currencies share ``$``."""
    quantity: float | None
    """Units or contracts, negative when short. None when unreadable: still a position."""
    average_price: float | None
    """In the quote currency."""
    market_price: float | None
    """In the quote currency."""
    conversion_rate: float | None
    """From the quote currency to the account's."""
    market_value: float | None
    """In the account's currency, negative when short."""
    unrealized_pnl: float | None
    """In the account's currency, net of the estimated closing fee."""
    unrealized_pnl_percent: float | None
    """In percent: -1.98 is -1.98 %."""


class Cash(Struct, frozen=True):
    """One currency of the cash book (live/portfolio/read, ``portfolio.cash``)."""

    currency: str
    """The key: a currency's code."""
    amount: float | None
    """In that currency; negative is margin debt."""
    conversion_rate: float | None
    """To the account's currency; 0 means that there is no rate yet."""
    value: float | None
    """``valueInAccountCurrency``. None without a rate, unless the amount is known to be 0."""
    has_conversion_securities: bool
    """A security gives the conversion rate, so this is not the account's own currency."""


class Portfolio(Struct, frozen=True):
    """A portfolio's open positions and cash, and what could not be read of them."""

    holdings: tuple[Holding, ...]
    cash: tuple[Cash, ...]
    problems: tuple[Problem, ...]


class Deployment(Struct, frozen=True):
    """One live deployment of a project (an entry of live/list)."""

    project_id: int
    deploy_id: str
    status: str
    """One of STATUSES, or UNKNOWN_STATUS."""
    launched: float | None
    """Unix seconds."""
    stopped: float | None
    """Unix seconds."""
    brokerage: str
    environment: str
    equity: float | None
    """In the account's currency."""
    error: str

    def without_equity(self) -> Deployment:
        """The same, where nobody knows which currency its equity is in."""
        return replace(self, equity=None)


class Listing(Struct, frozen=True):
    """Live deployments as live/list has them, and what could not be read of them."""

    deployments: tuple[Deployment, ...]
    problems: tuple[Problem, ...]


class Statistics(Struct, frozen=True):
    """The statistics of a deployment (live/read)."""

    runtime: Mapping[str, float]
    """Documented ``runtimeStatistics`` by QuantConnect's key: percentages as ratios, everything
    else in the account's currency and with QuantConnect's sign (fees paid are negative)."""
    custom: Mapping[str, float]
    """Allow-listed statistics that the algorithm set; percentages as ratios."""
    cpu_usage: float | None
    """A ratio."""
    memory_used_bytes: float | None
    memory_total_bytes: float | None
    uptime_seconds: float | None
    problems: tuple[Problem, ...]
