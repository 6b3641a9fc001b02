"""live/portfolio/read: the open positions and the cash book of a project.

What would let a hole look like a liquidation is refused: a portfolio without ``holdings`` or
``cash``, or with one of which nothing can be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    folded,
    is_empty,
    mapping,
    number,
    problem,
    quoted,
    refuse_errors,
    utf8,
)
from exporter.quantconnect.holdings import decode_holdings
from exporter.quantconnect.model import Cash, Portfolio, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# By their names in lower case. Of every currency all three are sent, zeros too.
_CASH_NUMBERS = {
    name.lower(): name for name in ("amount", "conversionRate", "valueInAccountCurrency")
}
_CASH_FIELDS = _CASH_NUMBERS | dict.fromkeys(
    ("symbol", "currencysymbol", "securitysymbols", "securitysymbol"), ""
)


def decode_portfolio(
    payload: Mapping[str, object], *, max_holdings: int, strike_scale: int = 6
) -> Portfolio:
    """The portfolio of an answer of live/portfolio/read.

    ``{}``, ``[]`` and null for ``holdings`` or ``cash`` are none. Raises ApiError: not_ready when
    there is no ``portfolio``, or nothing in it; malformed when ``holdings`` or ``cash`` is missing
    beside the other, or nothing of it can be read; api_error when no position is open and the
    answer names errors; too_large when more than ``max_holdings`` positions are open.
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


def account_currency(cash: Iterable[Cash]) -> str | None:
    """The account's currency: the only one with rate 1 that no security converts.

    Where none is so, the only one with rate 1 at all. None where that is ambiguous, as with a
    stablecoin that Lean takes for a dollar.
    """
    at_par = [entry for entry in cash if entry.conversion_rate == 1.0]
    own = [entry for entry in at_par if not entry.has_conversion_securities] or at_par
    return own[0].currency if len(own) == 1 else None


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
        if raw.keys() - _CASH_FIELDS.keys():  # new names, perhaps of what is missing
            if raw.keys().isdisjoint(_CASH_NUMBERS):
                problems.append(problem("other", where, entry, "an object of known fields"))
                continue
            problems += [
                Problem(field, where, "missing beside names that are not known, expected a number")
                for name, field in _CASH_NUMBERS.items()
                if name not in raw
            ]
        amount = number(raw, "amount", where, problems)
        rate = number(raw, "conversionRate", where, problems)
        value = number(raw, "valueInAccountCurrency", where, problems)
        result.append(
            Cash(
                currency=utf8(key),
                amount=amount,
                conversion_rate=rate,
                # Without a rate 0 is sent, which is not what an amount is worth.
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
    """Whether securities are named: in a list, or, in older answers, as one that may be blank."""
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
