"""Market sessions, for the alert about equity that does not change in an open market.

Deliberately narrow: only hours that are in session all year round count. Unknown markets are never
in session, so that a holiday or an early close fires no alert.

- Crypto and crypto futures trade at all times.
- American markets, and forex, are in session from 14:30 to 20:00 UTC on the days on which the New
  York Stock Exchange trades in full: the hours in which it is open in summer and in winter.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_ALWAYS = frozenset({"Crypto", "CryptoFuture"})
_NEW_YORK = frozenset(
    {
        *("usa", "cme", "cbot", "nymex", "comex", "cfe", "cmeglobex"),
        *("oanda", "fxcm", "interactivebrokers"),
    }
)
_OPEN, _CLOSE = 14 * 3600 + 30 * 60, 20 * 3600  # seconds of the day, UTC
_MONDAY, _THURSDAY, _SATURDAY = 0, 3, 5


def is_in_session(market: str, security_type: str, when: float) -> bool:
    """Return whether a security of that market and type trades at ``when`` (unix seconds).

    ``market`` and ``security_type`` are the labels of ``quantconnect_holding_info``.
    """
    if security_type in _ALWAYS:
        return True
    days, seconds = divmod(when, 86_400)
    return market in _NEW_YORK and _OPEN <= seconds < _CLOSE and _is_trading_day(days)


@lru_cache(maxsize=1024)
def _is_trading_day(days: float) -> bool:
    """Return whether the NYSE is open for a whole session on a day, counted from 1970-01-01."""
    day = datetime.fromtimestamp(days * 86_400, UTC).date()
    return day.weekday() < _SATURDAY and day not in _days_without_full_session(day.year)


def _days_without_full_session(year: int) -> frozenset[date]:
    """Return the holidays of the NYSE, and the three days on which it closes early.

    Source: Rule 7.2 of the NYSE. A day of mourning is not known beforehand.
    """
    thanksgiving = _weekday(year, 11, _THURSDAY, 4)
    new_year = date(year, 1, 1)
    fixed = (date(year, 6, 19), date(year, 7, 4), date(year, 12, 25))
    return frozenset(
        {
            # Not observed on a Friday before, which would be 31 December, the end of the year's
            # books.
            new_year if new_year.weekday() <= _SATURDAY else new_year + timedelta(days=1),
            _weekday(year, 1, _MONDAY, 3),  # Martin Luther King, Jr. Day
            _weekday(year, 2, _MONDAY, 3),  # Washington's Birthday
            _easter(year) - timedelta(days=2),
            _weekday(year, 6, _MONDAY, 1)
            - timedelta(days=7),  # Memorial Day, the last Monday of May
            *(_observed(day) for day in fixed),
            _weekday(year, 9, _MONDAY, 1),  # Labor Day
            thanksgiving,
            # Early closes.
            date(year, 7, 3),
            thanksgiving + timedelta(days=1),
            date(year, 12, 24),
        }
    )


def _observed(day: date) -> date:
    """Return the day on which a holiday is observed: Friday for a Saturday, Monday for a Sunday."""
    return day + timedelta(days={_SATURDAY: -1, _SATURDAY + 1: 1}.get(day.weekday(), 0))


def _weekday(year: int, month: int, weekday: int, number: int) -> date:
    """Return the first, second, … given weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _easter(year: int) -> date:
    """Return Easter Sunday, by the algorithm of Meeus, Jones and Butcher."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
