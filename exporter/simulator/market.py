"""All prices at any time: a pure function of the seed and the time.

Related instruments move together: a future follows its index, an option its underlying, a cross
rate its two currencies. Prices of securities are rounded to their tick; a cross rate is not, so
that a position in it and its cash add up exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from exporter.simulator.identifiers import SecurityType
from exporter.simulator.noise import YEAR, Noise, uniform

if TYPE_CHECKING:
    from exporter.simulator.instruments import Instrument

MARKET_VOLATILITY = 0.13
INTEREST = 0.04
IMPLIED_VOLATILITY = 0.17

_EVERYTHING = ""  # the name of the whole market's walk
_REMEMBERED = 4096  # places of walks


class Walk(NamedTuple):
    """The random walk of a price: ``level`` at the world's start, ``drift`` and ``volatility`` per
    year, plus ``beta`` times the whole market's move."""

    level: float
    volatility: float
    beta: float = 0.0
    drift: float = 0.0


WALKS = {
    "AAPL": Walk(232.0, 0.20, 1.1, 0.10),
    "MSFT": Walk(441.0, 0.18, 1.0, 0.10),
    "GOOG": Walk(187.0, 0.22, 1.1, 0.08),
    "META": Walk(588.0, 0.26, 1.2, 0.12),
    "NVDA": Walk(139.0, 0.40, 1.7, 0.25),
    "AMZN": Walk(206.0, 0.24, 1.2, 0.10),
    "TSLA": Walk(338.0, 0.50, 1.6, -0.10),
    "JPM": Walk(241.0, 0.18, 1.0, 0.06),
    "XOM": Walk(118.0, 0.20, 0.7, 0.0),
    "KO": Walk(63.0, 0.12, 0.4, 0.02),
    "IBM": Walk(224.0, 0.18, 0.7, 0.05),
    "BAC": Walk(46.0, 0.22, 1.1, 0.05),
    "PFE": Walk(26.0, 0.20, 0.5, -0.12),
    "INTC": Walk(24.0, 0.38, 1.2, -0.20),
    "F": Walk(11.2, 0.28, 1.1, -0.05),
    "BRK.B": Walk(471.0, 0.12, 0.8, 0.06),
    "SPY": Walk(590.0, 0.01, 1.0, 0.07),
    "QQQ": Walk(503.0, 0.06, 1.2, 0.09),
    "IWM": Walk(235.0, 0.08, 1.2, 0.03),
    "TLT": Walk(91.0, 0.12, -0.2, -0.02),
    "GLD": Walk(246.0, 0.13, 0.0, 0.06),
    "SPX": Walk(5917.0, 0.0, 1.0, 0.07),
    "GC": Walk(2670.0, 0.15, 0.0, 0.06),
    "CL": Walk(69.2, 0.32, 0.3, 0.0),
    "XAUUSD": Walk(2668.0, 0.15, 0.0, 0.06),
    "BTCUSD": Walk(96_300.0, 0.55, 0.8, 0.30),
    "ETHUSD": Walk(3_320.0, 0.65, 0.9, 0.10),
    "SOLUSD": Walk(241.0, 0.80, 0.9, 0.20),
    "EUR": Walk(1.0540, 0.07),
    "GBP": Walk(1.2610, 0.08),
    "JPY": Walk(1 / 154.3, 0.09),
    "AUD": Walk(0.6510, 0.10),
    "USDT": Walk(0.9998, 0.002),
}

_CRYPTO_CURRENCIES = {"BTC": "BTCUSD", "ETH": "ETHUSD", "SOL": "SOLUSD"}


class Market:
    """The prices of one seed. At ``origin``, the walks are near their levels."""

    def __init__(self, seed: str, origin: float) -> None:
        self._seed = seed
        self._origin = origin
        self._known: dict[tuple[str, float], float] = {}  # most calls are for the same few times
        self._noise: dict[str, Noise] = {_EVERYTHING: Noise(f"{seed}/market", MARKET_VOLATILITY)}
        self._at_origin: dict[str, float] = {}

    def rate(self, currency: str, time: float, account_currency: str = "USD") -> float:
        """Return the rate from ``currency`` to ``account_currency`` at ``time``."""
        if currency == account_currency:
            return 1.0
        return self._dollars(currency, time) / self._dollars(account_currency, time)

    def price(self, instrument: Instrument, time: float) -> float:
        """Return the price of one unit at ``time``, in the quote currency."""
        kind = instrument.security_type
        if kind is SecurityType.FOREX:
            return self.rate(instrument.base_currency, time, instrument.quote_currency)
        price = self._unrounded(instrument, time)
        if kind is SecurityType.CRYPTO_FUTURE:
            price /= self._dollars(instrument.quote_currency, time)
        return round(price, instrument.decimals)

    def _unrounded(self, instrument: Instrument, time: float) -> float:
        if instrument.underlying is not None:
            return self._option(instrument, self._unrounded(instrument.underlying, time), time)
        spot = self._walk(instrument.pricing, time)
        if instrument.expiry is None:
            return spot
        return spot * math.exp(INTEREST * _years_left(instrument, time))

    def _option(self, option: Instrument, underlying: float, time: float) -> float:
        """Return the Black-Scholes price at a constant volatility, at least a cent, as markets
        quote."""
        years = _years_left(option, time)
        deviation = IMPLIED_VOLATILITY * math.sqrt(years)
        d1 = (math.log(underlying / option.strike) + INTEREST * years) / deviation + deviation / 2
        present_strike = option.strike * math.exp(-INTEREST * years)
        call = underlying * _normal(d1) - present_strike * _normal(d1 - deviation)
        value = call - underlying + present_strike if option.put else call
        return max(value, 0.01)

    def _dollars(self, currency: str, time: float) -> float:
        if currency == "USD":
            return 1.0
        pair = _CRYPTO_CURRENCIES.get(currency)
        if pair is not None:
            return round(self._walk(pair, time), 2)
        return round(self._walk(currency, time), 7 if currency == "JPY" else 5)

    def _walk(self, name: str, time: float) -> float:
        walk = WALKS.get(name) or self._unlisted(name)
        start = self._at_origin.get(name)
        if start is None:
            start = self._at_origin[name] = self._displacement(name, walk, self._origin)
        years = (time - self._origin) / YEAR
        move = self._displacement(name, walk, time) - start
        return walk.level * math.exp(move + walk.drift * years)

    def _displacement(self, name: str, walk: Walk, time: float) -> float:
        if name not in self._noise:
            self._noise[name] = Noise(f"{self._seed}/{name}", walk.volatility)
        return self._at(name, time) + walk.beta * self._at(_EVERYTHING, time)

    def _at(self, name: str, time: float) -> float:
        known = self._known.get((name, time))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[name, time] = self._noise[name].at(time)
        return known

    def _unlisted(self, name: str) -> Walk:
        """Return the walk of a share that is not in the table: an ordinary level and volatility."""
        level, volatility, beta, _ = uniform(self._seed, "walk", name)
        return Walk(round(8.0 + 300.0 * level**2, 2), 0.15 + 0.3 * volatility, 0.5 + beta)


def _years_left(instrument: Instrument, time: float) -> float:
    """Return the years to expiry, at least a minute: an expired contract still has a price."""
    return max(instrument.expires - time, 60.0) / YEAR


def _normal(x: float) -> float:
    return 0.5 * (1.0 + math.erf(x / math.sqrt(2.0)))
