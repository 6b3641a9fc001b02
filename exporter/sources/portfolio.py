"""live/portfolio/read: the open positions and the cash book of a project.

An answer is refused if its missing data would look like a liquidation: a portfolio without
``holdings`` or ``cash``, or with one that cannot be read at all.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from exporter.metrics.table import CURRENCY, PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    folded,
    is_empty,
    mapping,
    number,
    problem,
    quoted,
    refuse_errors,
    text,
    unknown_name,
    utf8,
)
from exporter.sources.holdings import HOLDINGS, Holding, decode_holdings
from exporter.sources.sessions import is_in_session
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter import config
    from exporter.sources.source import Known

# By their names in lower case. Every currency has all three, zeros too.
_CASH_NUMBERS: Final = {
    name.lower(): name for name in ("amount", "conversionRate", "valueInAccountCurrency")
}
_CASH_FIELDS: Final = {
    *_CASH_NUMBERS,
    *("symbol", "currencysymbol", "securitysymbols", "securitysymbol"),
}


class Cash(Struct, frozen=True):
    """One currency of the cash book (live/portfolio/read, ``portfolio.cash``)."""

    currency: str
    """The key: a currency's code."""
    currency_symbol: str
    """The glyph of the currency, or its code if Lean has no glyph; empty if not sent."""
    amount: float | None
    """In that currency; negative is margin debt."""
    conversion_rate: float | None
    """To the account's currency; 0 means that there is no rate yet."""
    value: float | None
    """``valueInAccountCurrency``. None without a rate, unless the amount is known to be 0."""
    has_conversion_securities: bool
    """A security determines the conversion rate, so this is not the account's own currency."""


class Portfolio(Struct, frozen=True):
    """A portfolio's open positions and cash, and the problems of reading them."""

    holdings: tuple[Holding, ...]
    cash: tuple[Cash, ...]
    problems: tuple[Problem, ...]

    @property
    def is_blank(self) -> bool:
        """No position and no money, as in a deployment whose setup failed."""
        return not self.holdings and not any(entry.amount or entry.value for entry in self.cash)

    @property
    def has_pnl(self) -> bool:
        """At least one position has an unrealized profit or loss other than 0."""
        return any(holding.unrealized_pnl for holding in self.holdings)

    @property
    def first_tickers(self) -> set[str]:
        """The first ticker of each equity."""
        return {
            holding.security.ticker
            for holding in self.holdings
            if holding.security and holding.security_type == "Equity"
        }

    @property
    def tickers(self) -> dict[str, str]:
        """Today's ticker of each equity by its first ticker, if it was sent."""
        return {
            holding.security.ticker: holding.value
            for holding in self.holdings
            if holding.value and holding.security and holding.security_type == "Equity"
        }


# --- Decoding -------------------------------------------------------------------------------------


def decode_portfolio(
    payload: Mapping[str, object], *, max_holdings: int, strike_scale: int = 6
) -> Portfolio:
    """Return the portfolio of an answer of live/portfolio/read.

    ``{}``, ``[]`` and null for ``holdings`` or ``cash`` mean none. Raises ApiError: not_ready when
    there is no ``portfolio``, or nothing in it; malformed when only ``holdings`` or only ``cash``
    is missing, or one cannot be read at all; api_error when no position is open and the answer
    names errors; too_large when more than ``max_holdings`` positions are open.
    """
    answer = folded(payload)
    portfolio = answer.get("portfolio")
    if is_empty(portfolio):
        raise ApiError(Reason.NOT_READY, "live/portfolio/read: there is no portfolio yet")
    sections = folded(mapping(portfolio, "live/portfolio/read: portfolio"))
    problems: list[Problem] = []
    holdings = decode_holdings(_section(sections, "holdings"), strike_scale, problems)
    if not holdings:
        refuse_errors(answer, "live/portfolio/read: no open position")
    if len(holdings) > max_holdings:
        raise ApiError(
            Reason.TOO_LARGE,
            f"live/portfolio/read: {len(holdings)} open positions, at most {max_holdings} expected",
        )
    cash = _cash(_section(sections, "cash"), problems)
    return Portfolio(tuple(holdings), tuple(cash), tuple(problems))


def _section(sections: Mapping[str, object], name: str) -> dict[str, object]:
    if name not in sections:
        raise ApiError(
            Reason.MALFORMED, f"live/portfolio/read: portfolio has no {name}, expected an object"
        )
    return mapping(sections[name], f"live/portfolio/read: portfolio.{name}")


def _cash(cash: Mapping[str, object], problems: list[Problem]) -> list[Cash]:
    result = []
    for key, entry in cash.items():
        where = f"cash[{quoted(key)}]"
        raw = folded(entry) if isinstance(entry, dict) else {}
        if not isinstance(entry, dict) and not is_empty(entry):
            problems.append(problem("other", where, entry, "an object"))
            continue
        unknown = [name for name in raw if name not in _CASH_FIELDS]
        missing = [field for name, field in _CASH_NUMBERS.items() if raw.get(name) is None]
        if unknown and missing:
            problems.append(unknown_name(unknown[0], where, missing))
            if len(missing) == len(_CASH_NUMBERS):
                continue
        amount = number(raw, "amount", where, problems)
        rate = number(raw, "conversionRate", where, problems)
        value = number(raw, "valueInAccountCurrency", where, problems)
        result.append(
            Cash(
                currency=utf8(key),
                currency_symbol=text(raw, "currencySymbol", where, problems),
                amount=amount,
                conversion_rate=rate,
                # Without a rate, QuantConnect sends 0, which is not the amount's value.
                value=None if rate == 0.0 and amount != 0.0 else value,
                has_conversion_securities=_has_conversion_securities(raw, where, problems),
            )
        )
    if cash and not result:
        raise ApiError(
            Reason.MALFORMED,
            "live/portfolio/read: portfolio.cash: no currency can be read, "
            f"{problems[-1].where}: {problems[-1].message}",
        )
    return result


def _has_conversion_securities(
    raw: Mapping[str, object], where: str, problems: list[Problem]
) -> bool:
    """Return True if the entry names securities: a list or, in older answers, a single one."""
    listed = raw.get("securitysymbols")
    if listed is None:
        listed = raw.get("securitysymbol")
        if isinstance(listed, dict) and not folded(listed).get("value"):
            return False
    if is_empty(listed) or listed == "":
        return False
    if not isinstance(listed, list | dict | str):
        problems.append(problem("securitySymbols", where, listed, "an array"))
    return True


def account_currencies(cash: Iterable[Cash]) -> list[Cash]:
    """Return the entries that may be the account's own currency.

    These have rate 1 and no security for conversion; if there is none, all with rate 1. More than
    one is ambiguous, as with a stablecoin that Lean treats as a dollar.
    """
    at_par = [entry for entry in cash if entry.conversion_rate == 1.0]
    return [entry for entry in at_par if not entry.has_conversion_securities] or at_par


# --- Families -------------------------------------------------------------------------------------


def _family(name: str, of: str, help_: str, labels: tuple[str, ...]) -> Family:
    return Family(
        f"quantconnect_{name}",
        f"{help_} Source: live/portfolio/read, {of}. Read every scrape_interval; QuantConnect"
        " refreshes it about every 10 minutes.",
        labels,
    )


POSITIONS: Table[Portfolio] = Table(
    title="Positions",
    series="{columns} series for each project.",
    key=lambda _: None,
    labels=lambda _portfolio, _row: {},
    columns=(
        Column(
            _family(
                "holdings",
                "holdings with a quantity",
                "Number of open positions; 0 is a portfolio without any.",
                PROJECT,
            ),
            lambda portfolio: len(portfolio.holdings),
        ),
    ),
)

IN_SESSION: Table[int] = Table(
    title="Market sessions",
    series="{columns} series for each project.",
    key=lambda _: None,
    labels=lambda _number, _row: {},
    columns=(
        Column(
            _family(
                "holdings_in_session",
                "the symbol ids",
                "Number of open positions whose market was certainly in session at the read, so"
                " none on holidays and days with an early close.",
                PROJECT,
            ),
            float,
        ),
    ),
)


def _positions_in_session(portfolio: Portfolio, now: float) -> int:
    return sum(
        is_in_session(holding.security.market, holding.security_type, now)
        for holding in portfolio.holdings
        if holding.security is not None
    )


CASH: Table[Cash] = Table(
    title="Cash",
    series="{columns} series for each currency of the cash book.",
    key=lambda cash: cash.currency,
    labels=lambda cash, _: {"currency": cash.currency},
    columns=(
        Column(
            _family(
                "cash_amount",
                "field amount",
                "Cash in its own currency; negative is debt.",
                (*PROJECT, "currency"),
            ),
            attrgetter("amount"),
        ),
        Column(
            _family(
                "cash_conversion_rate",
                "field conversionRate",
                "Rate to the account currency; 0 is a currency for which there is no rate yet.",
                (*PROJECT, "currency"),
            ),
            attrgetter("conversion_rate"),
        ),
        Column(
            _family(
                "cash_value",
                "field valueInAccountCurrency",
                "Cash in the account currency; no sample while there is no conversion rate.",
                (*PROJECT, "currency", *CURRENCY),
            ),
            attrgetter("value"),
        ),
    ),
)


def _request(
    project: config.ProjectSettings, settings: config.Config, _known: Known[Portfolio]
) -> Request[Portfolio]:
    decode = partial(
        decode_portfolio,
        max_holdings=settings.max_holdings_per_project,
        strike_scale=project.strike_scale,
    )
    return Request(Endpoint.LIVE_PORTFOLIO_READ, {"projectId": project.id}, decode)


PORTFOLIO: Source[Portfolio] = Source(
    name="portfolio",
    request=_request,
    interval=lambda project, _: project.scrape_interval,
    families=(
        Families(POSITIONS, lambda portfolio, _: [portfolio]),
        Families(IN_SESSION, lambda portfolio, now: [_positions_in_session(portfolio, now)]),
        Families(HOLDINGS, lambda portfolio, _: portfolio.holdings),
        Families(CASH, lambda portfolio, _: portfolio.cash),
    ),
    every="`scrape_interval`, 5 times that while stopped",
    delay="10 minutes",
)
