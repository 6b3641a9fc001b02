"""The demo account: projects of the kinds that people run, alive for weeks before the demo.

Most of each book turns over slowly; from the demo's start a few slots of each trade every minute
or two, so that someone who watches sees life.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from hashlib import blake2b
from itertools import pairwise
from typing import TYPE_CHECKING, TypedDict

from exporter.simulator.account import Account
from exporter.simulator.instruments import (
    Instrument,
    cfd,
    crypto,
    crypto_future,
    equity,
    forex,
    friday_after,
    future,
    index,
    option,
    third_friday_after,
)
from exporter.simulator.noise import uniform
from exporter.simulator.project import Deployment, Project, running
from exporter.simulator.timetable import Slot, Timetable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.market import Market

DAY = 86_400.0
HISTORY = 36 * DAY
"""How long before its start the demo's accounts were opened."""

_QUARTERS = (3, 6, 9, 12)

AAPL = equity("AAPL", "1998-01-02")
MSFT = equity("MSFT", "1998-01-02")
GOOG = equity("GOOCV", "2014-03-27", "GOOG")
META = equity("FB", "2012-05-18", "META")
NVDA = equity("NVDA", "1999-01-22")
AMZN = equity("AMZN", "1998-01-02")
TSLA = equity("TSLA", "2010-06-29")
JPM = equity("JPM", "1998-01-02")
XOM = equity("XOM", "1998-01-02")
KO = equity("KO", "1998-01-02")
IBM = equity("IBM", "1998-01-02")
BAC = equity("BAC", "1998-01-02")
PFE = equity("PFE", "1998-01-02")
INTC = equity("INTC", "1998-01-02")
FORD = equity("F", "1998-01-02")
BERKSHIRE = equity("BRK.B", "1998-01-02")
SPY = equity("SPY", "1998-01-02")
QQQ = equity("QQQ", "1999-03-10")
IWM = equity("IWM", "2000-05-26")
TLT = equity("TLT", "2002-07-26")
GLD = equity("GLD", "2004-11-18")
SPX = index("SPX")


_CRASH = """Runtime Error: 'NoneType' object has no attribute 'Current'
  at OnData
    if self.atr.Current.Value > self.limit:
 in main.py: line 57"""


class Ending(TypedDict, total=False):
    """How a deployment ends, as ``Deployment`` has it."""

    stopped: float | None
    outcome: str
    error: str


class Demo:
    """Makes the demo's projects around ``started`` (unix seconds)."""

    def __init__(
        self, *, seed: str, market: Market, started: float, stops_after: float, crashes_after: float
    ) -> None:
        self._seed = seed
        self._market = market
        self._started = started
        self._stops_after = stops_after
        self._crashes_after = crashes_after

    def projects(self) -> list[Project]:
        """Every project of the demo."""
        return [
            self._us_equities(),
            self._options_and_futures(),
            self._forex(),
            self._crypto(),
            self._euro(),
            self._cash_only(),
            self._stopping(),
            self._crashing(),
            self._never_deployed(),
            self._old(),
        ]

    def _us_equities(self) -> Project:
        return self._project(
            21048731,
            "US equities long-short",
            {"USD": 250_000.0},
            [
                *(
                    self._slow(share, value, 1)
                    for share, value in [
                        (AAPL, 42e3),
                        (MSFT, 38e3),
                        (GOOG, 33e3),
                        (META, 30e3),
                        (JPM, 24e3),
                        (BERKSHIRE, 21e3),
                        (XOM, 16e3),
                        (KO, 12e3),
                    ]
                ),
                *(
                    self._slow(share, value, -1)
                    for share, value in [
                        (INTC, 18e3),
                        (PFE, 15e3),
                        (FORD, 9e3),
                    ]
                ),
                self._quick(NVDA, 12e3, 0, 95.0),
                self._quick(TSLA, 9e3, 0, 130.0),
                self._quick(AMZN, 11e3, 1, 150.0),
            ],
            launched=[35.5, 11.2],
            brokerage="InteractiveBrokersBrokerage",
            environment="live",
            user_statistics={"Open Risk": "$2,310.55", "Signal": "0.43", "Regime": "risk-on"},
        )

    def _options_and_futures(self) -> Project:
        return self._project(
            21363904,
            "Options and futures",
            {"USD": 400_000.0},
            [
                self._contracts("SPY put", self._put(SPY, 5), 4e3, 1, 12 * DAY),
                self._contracts("SPY call", self._call(SPY, 5), 6e3, -1, 9 * DAY),
                self._contracts("AAPL call", self._call(AAPL, 5), 5e3, 1, 15 * DAY),
                self._contracts("META call", self._call(META, 10), 3e3, -1, 8 * DAY),
                self._contracts("SPX put", self._put(SPX, 25, "SPXW"), 9e3, 1, 10 * DAY),
                self._contracts("SPX call", self._call(SPX, 25, "SPXW"), 7e3, -1, 7 * DAY),
                self._contracts("ES", self._es, 290e3, 1, 14 * DAY),
                self._contracts("GC", self._gc, 260e3, -1, 11 * DAY),
                self._contracts("ES put", self._es_put, 6e3, 1, 13 * DAY),
                self._contracts("OG call", self._og_call, 5e3, -1, 10 * DAY),
                self._contracts("CL", self._cl, 69e3, 0, 4 * 3600.0, quick=110.0),
                self._contracts("SPY weekly", self._weekly(SPY), 2e3, 1, 3 * 3600.0, quick=140.0),
            ],
            launched=[34.0],
            brokerage="InteractiveBrokersBrokerage",
            environment="live",
            security_types="Equity, Option, Future, FutureOption, Index, IndexOption",
            user_statistics={"Portfolio Delta": "1,204.7", "Margin Used": "38.2%"},
        )

    def _forex(self) -> Project:
        return self._project(
            21790216,
            "Forex majors",
            {"USD": 100_000.0, "GBP": 8_000.0},
            [
                self._slow(forex("EURUSD"), 60e3, 1, 5 * DAY),
                self._slow(forex("EURGBP"), 45e3, -1, 4 * DAY),
                self._slow(forex("USDJPY"), 50e3, 0, 6 * DAY),
                self._slow(cfd("XAUUSD"), 20e3, 1, 9 * DAY),
                self._quick(forex("AUDUSD"), 25e3, 0, 100.0),
                self._quick(forex("GBPUSD"), 30e3, 0, 170.0),
            ],
            launched=[33.0],
            brokerage="OandaBrokerage",
            environment="live",
            security_types="Forex, Cfd",
        )

    def _crypto(self) -> Project:
        return self._project(
            22057483,
            "Crypto momentum",
            {"USD": 80_000.0, "USDT": 15_000.0, "BTC": 0.25},
            [
                self._slow(crypto("BTCUSD", "BTC"), 30e3, 1, 12 * DAY),
                self._slow(crypto("ETHUSD", "ETH"), 12e3, 1, 7 * DAY),
                self._slow(crypto_future("BTCUSDT", "BTCUSD"), 25e3, -1, 5 * DAY),
                self._quick(crypto("SOLUSD", "SOL"), 6e3, 1, 105.0),
                self._quick(crypto_future("ETHUSDT", "ETHUSD"), 9e3, 0, 145.0),
            ],
            launched=[30.0, 9.0],
            brokerage="CoinbaseBrokerage",
            environment="live",
            security_types="Crypto, CryptoFuture",
        )

    def _euro(self) -> Project:
        return self._project(
            22418690,
            "Euro core",
            {"EUR": 150_000.0, "USD": 90_000.0},
            [
                self._slow(SPY, 60e3, 1, 20 * DAY),
                self._slow(TLT, 25e3, 1, 10 * DAY),
                self._slow(GLD, 20e3, 1, 14 * DAY),
                self._slow(IBM, 12e3, -1),
                self._slow(forex("EURUSD"), 20e3, 0, 6 * DAY),
                self._quick(IWM, 15e3, 0, 125.0),
            ],
            launched=[35.0],
            brokerage="InteractiveBrokersBrokerage",
            environment="live",
            currency="EUR",
            security_types="Equity, Forex",
        )

    def _cash_only(self) -> Project:
        return self._project(22735112, "Cash reserve", {"USD": 60_000.0}, [], launched=[21.0])

    def _stopping(self) -> Project:
        return self._project(
            23019847,
            "Research/Pairs mean reversion",
            {"USD": 120_000.0},
            [
                self._slow(QQQ, 35e3, 1, 16 * DAY),
                self._slow(IWM, 30e3, -1, 17 * DAY),
                self._slow(BAC, 14e3, 1, 18 * DAY),
                self._slow(JPM, 13e3, -1, 19 * DAY),
                self._quick(KO, 6e3, 0, 90.0),
            ],
            launched=[32.0, 6.0],
            ending={"stopped": self._started + self._stops_after},
        )

    def _crashing(self) -> Project:
        return self._project(
            23344561,
            "Volatility breakout",
            {"USD": 90_000.0},
            [
                self._slow(TSLA, 12e3, 1, 13 * DAY),
                self._slow(NVDA, 20e3, 1, 15 * DAY),
                self._quick(AMZN, 8e3, 0, 85.0),
            ],
            launched=[28.0],
            ending={
                "stopped": self._started + self._crashes_after,
                "outcome": "RuntimeError",
                "error": _CRASH,
            },
        )

    def _never_deployed(self) -> Project:
        return self._project(23580029, "Not yet deployed", {"USD": 100_000.0}, [], launched=[])

    def _old(self) -> Project:
        """Two deployments of last spring; the last was liquidated, the first never came up."""
        stopped = self._started - 150 * DAY
        project = self._project(
            20655318,
            "Legacy trend following",
            {"USD": 50_000.0},
            [self._slow(SPY, 20e3, 1, 12 * DAY), self._slow(TLT, 10e3, 1, 10 * DAY)],
            launched=[190.0],
            ending={"stopped": stopped, "outcome": "Liquidated"},
        )
        failed = Deployment(
            deploy_id=deploy_id(self._seed, project.project_id, "failed"),
            launched=self._started - 191 * DAY,
            stopped=self._started - 191 * DAY,
            outcome="DeployError",
            error="Failed to initialize algorithm: no data feed.",
        )
        project.deployments = [failed, *project.deployments]
        project.book.close(stopped)
        return project

    def _project(
        self,
        project_id: int,
        name: str,
        deposits: Mapping[str, float],
        slots: list[Slot],
        *,
        launched: list[float],
        ending: Ending | None = None,
        brokerage: str = "PaperBrokerage",
        environment: str = "paper",
        currency: str = "USD",
        security_types: str = "Equity",
        user_statistics: Mapping[str, str] | None = None,
    ) -> Project:
        """A project deployed ``launched`` days before the start, each deployment stopped five
        minutes before the next, the last one as ``ending`` says."""
        opened = self._started - max(HISTORY, *(days * DAY for days in (0.0, *launched)))
        launches = [self._started - days * DAY for days in launched]
        deployments = [
            Deployment(
                deploy_id=deploy_id(self._seed, project_id, launch),
                launched=launch,
                stopped=following - 300.0,
                brokerage=brokerage,
                environment=environment,
            )
            for launch, following in pairwise([*launches, 0.0])
        ]
        if deployments:
            deployments[-1] = replace(deployments[-1], **(ending or {"stopped": None}))
        book = Account(
            seed=f"{self._seed}/{project_id}",
            market=self._market,
            currency=currency,
            opened=opened,
            deposits=deposits,
            slots=slots,
        )
        book.redeployed(running(deployments))
        return Project(
            project_id,
            name,
            opened - 20 * DAY,
            book,
            deployments=deployments,
            security_types=security_types,
            user_statistics=dict(user_statistics or {}),
        )

    def _slow(
        self, instrument: Instrument, value: float, side: int, cycle: float = 10 * DAY
    ) -> Slot:
        return self._slot(instrument.ticker, lambda *_: instrument, value, side, cycle, cycle)

    def _quick(self, instrument: Instrument, value: float, side: int, cycle: float) -> Slot:
        return self._slot(
            instrument.ticker, lambda *_: instrument, value, side, 3 * 3600.0, cycle, 0.85
        )

    def _contracts(
        self,
        name: str,
        contract: Callable[[float, float], Instrument],
        value: float,
        side: int,
        cycle: float,
        quick: float | None = None,
    ) -> Slot:
        return self._slot(name, contract, value, side, cycle, quick or cycle)

    def _slot(
        self,
        name: str,
        contract: Callable[[float, float], Instrument],
        value: float,
        side: int,
        before: float,
        after: float,
        busy: float = 1.0,
    ) -> Slot:
        """A slow slot is somewhere inside a cycle when the demo starts, a quick one begins one."""
        phase = uniform(self._seed, name, value)[0]
        offset = 0.2 + 0.6 * phase if before == after else 0.0
        switch = self._started - offset * before + (0 if before == after else 0.3 * phase * after)
        return Slot(name, contract, value, side, Timetable(switch, before, after, busy))

    def _strike(self, underlying: Instrument, time: float, step: int, steps: int = 0) -> Decimal:
        return Decimal(step * (round(self._market.price(underlying, time) / step) + steps))

    def _call(
        self, underlying: Instrument, step: int, root: str | None = None
    ) -> Callable[[float, float], Instrument]:
        def contract(opened: float, closed: float) -> Instrument:
            strike = self._strike(underlying, opened, step, 3)
            expiry = third_friday_after(closed + 10 * DAY)
            return option(underlying, expiry, strike, ticker=root)

        return contract

    def _put(
        self, underlying: Instrument, step: int, root: str | None = None
    ) -> Callable[[float, float], Instrument]:
        def contract(opened: float, closed: float) -> Instrument:
            strike = self._strike(underlying, opened, step, -4)
            expiry = third_friday_after(closed + 10 * DAY)
            return option(underlying, expiry, strike, put=True, ticker=root)

        return contract

    def _weekly(self, underlying: Instrument) -> Callable[[float, float], Instrument]:
        def contract(opened: float, closed: float) -> Instrument:
            strike = self._strike(underlying, opened, 1) + Decimal("0.5")
            return option(underlying, friday_after(closed), strike)

        return contract

    def _es(self, _opened: float, closed: float) -> Instrument:
        return future("ES", "cme", third_friday_after(closed + 8 * DAY, _QUARTERS), 50.0, "SPX")

    def _gc(self, _opened: float, closed: float) -> Instrument:
        return future("GC", "comex", third_friday_after(closed + 8 * DAY), 100.0, "GC")

    def _cl(self, _opened: float, closed: float) -> Instrument:
        return future("CL", "nymex", third_friday_after(closed + 8 * DAY), 1000.0, "CL")

    def _es_put(self, opened: float, closed: float) -> Instrument:
        contract = self._es(opened, closed)
        strike = self._strike(contract, opened, 50, -3)
        expiry = third_friday_after(closed + 2 * DAY)
        return option(contract, expiry, strike, put=True, market="cme")

    def _og_call(self, opened: float, closed: float) -> Instrument:
        """A gold option's root is not that of its future."""
        contract = self._gc(opened, closed)
        strike = self._strike(contract, opened, 10, 3)
        expiry = third_friday_after(closed + 2 * DAY)
        return option(contract, expiry, strike, ticker="OG", market="comex")


def deploy_id(*parts: object) -> str:
    """An id such as ``L-a1b2…``, as QuantConnect gives deployments, that ``parts`` decide."""
    return f"L-{blake2b(repr(parts).encode(), digest_size=16).hexdigest()}"
