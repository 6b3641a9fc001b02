"""The demo account: typical projects that have traded for weeks before the demo.

Most of each book turns over slowly. From the demo's start, a few slots of each trade every minute
or two, so that a viewer sees changes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypedDict

from exporter.simulator.account import Account
from exporter.simulator.demo_slots import DAY, Slots
from exporter.simulator.instruments import (
    cfd,
    crypto,
    crypto_future,
    equity,
    forex,
    index,
)
from exporter.simulator.project import Deployment, Project, deploy_id, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.market import Market
    from exporter.simulator.timetable import Slot

HISTORY = 36 * DAY
"""How long before its start the demo's accounts were opened."""

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
    """The end of a deployment, as in ``Deployment``."""

    stopped: float | None
    outcome: str
    error: str


class Demo:
    """The factory of the demo's projects; the demo starts at ``started`` (unix seconds)."""

    def __init__(
        self, *, seed: str, market: Market, started: float, stops_after: float, crashes_after: float
    ) -> None:
        self._seed = seed
        self._market = market
        self._started = started
        self._stops_after = stops_after
        self._crashes_after = crashes_after
        self._slots = Slots(seed=seed, market=market, started=started)

    def projects(self) -> list[Project]:
        """Return every project of the demo."""
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
        slots = self._slots
        return self._project(
            21048731,
            "US equities long-short",
            {"USD": 250_000.0},
            [
                *(
                    slots.slow(share, value, 1)
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
                    slots.slow(share, value, -1)
                    for share, value in [
                        (INTC, 18e3),
                        (PFE, 15e3),
                        (FORD, 9e3),
                    ]
                ),
                slots.quick(NVDA, 12e3, 0, 95.0),
                slots.quick(TSLA, 9e3, 0, 130.0),
                slots.quick(AMZN, 11e3, 1, 150.0),
            ],
            launched=[35.5, 11.2],
            brokerage="InteractiveBrokersBrokerage",
            environment="live",
            user_statistics={"Open Risk": "$2,310.55", "Signal": "0.43", "Regime": "risk-on"},
        )

    def _options_and_futures(self) -> Project:
        slots = self._slots
        return self._project(
            21363904,
            "Options and futures",
            {"USD": 900_000.0},
            [
                slots.contracts("SPY put", slots.put(SPY, 5), 4e3, 1, 12 * DAY),
                slots.contracts("SPY call", slots.call(SPY, 5), 6e3, -1, 9 * DAY),
                slots.contracts("AAPL call", slots.call(AAPL, 5), 5e3, 1, 15 * DAY),
                slots.contracts("META call", slots.call(META, 10), 3e3, -1, 8 * DAY),
                slots.contracts("SPX put", slots.put(SPX, 25, "SPXW"), 9e3, 1, 10 * DAY),
                slots.contracts("SPX call", slots.call(SPX, 25, "SPXW"), 7e3, -1, 7 * DAY),
                slots.contracts("ES", slots.es, 290e3, 1, 14 * DAY),
                slots.contracts("GC", slots.gc, 260e3, -1, 11 * DAY),
                slots.contracts("ES put", slots.es_put, 6e3, 1, 13 * DAY),
                slots.contracts("OG call", slots.og_call, 5e3, -1, 10 * DAY),
                slots.contracts("CL", slots.cl, 69e3, 0, DAY, quick=110.0),
                slots.contracts("SPY weekly", slots.weekly(SPY), 2e3, 1, DAY, quick=140.0),
            ],
            launched=[34.0],
            brokerage="InteractiveBrokersBrokerage",
            environment="live",
            security_types="Equity, Option, Future, FutureOption, Index, IndexOption",
            user_statistics={"Portfolio Delta": "1,204.7", "Margin Used": "38.2%"},
        )

    def _forex(self) -> Project:
        slots = self._slots
        return self._project(
            21790216,
            "Forex majors",
            {"USD": 100_000.0, "GBP": 8_000.0},
            [
                slots.slow(forex("EURUSD"), 60e3, 1, 5 * DAY),
                slots.slow(forex("EURGBP"), 45e3, -1, 4 * DAY),
                slots.slow(forex("USDJPY"), 50e3, 0, 6 * DAY),
                slots.slow(cfd("XAUUSD"), 20e3, 1, 9 * DAY),
                slots.quick(forex("AUDUSD"), 25e3, 0, 100.0),
                slots.quick(forex("GBPUSD"), 30e3, 0, 170.0),
            ],
            launched=[33.0],
            brokerage="OandaBrokerage",
            environment="live",
            security_types="Forex, Cfd",
        )

    def _crypto(self) -> Project:
        slots = self._slots
        return self._project(
            22057483,
            "Crypto momentum",
            {"USD": 80_000.0, "USDT": 15_000.0, "BTC": 0.25},
            [
                slots.slow(crypto("BTCUSD", "BTC"), 30e3, 1, 12 * DAY),
                slots.slow(crypto("ETHUSD", "ETH"), 12e3, 1, 7 * DAY),
                slots.slow(crypto_future("BTCUSDT", "BTCUSD"), 25e3, -1, 5 * DAY),
                slots.quick(crypto("SOLUSD", "SOL"), 3e3, 1, 105.0),
                slots.quick(crypto_future("ETHUSDT", "ETHUSD"), 9e3, 0, 145.0),
            ],
            launched=[33.5, 9.0],
            brokerage="CoinbaseBrokerage",
            environment="live",
            security_types="Crypto, CryptoFuture",
        )

    def _euro(self) -> Project:
        slots = self._slots
        return self._project(
            22418690,
            "Euro core",
            {"EUR": 150_000.0, "USD": 90_000.0},
            [
                slots.slow(SPY, 60e3, 1, 20 * DAY),
                slots.slow(TLT, 25e3, 1, 10 * DAY),
                slots.slow(GLD, 20e3, 1, 14 * DAY),
                slots.slow(IBM, 12e3, -1),
                slots.slow(forex("EURUSD"), 20e3, 0, 6 * DAY),
                slots.quick(IWM, 15e3, 0, 125.0),
            ],
            launched=[35.0],
            brokerage="InteractiveBrokersBrokerage",
            environment="live",
            currency="EUR",
            security_types="Equity, Forex",
        )

    def _cash_only(self) -> Project:
        return self._project(22735112, "Reserve in cash", {"USD": 60_000.0}, [], launched=[21.0])

    def _stopping(self) -> Project:
        slots = self._slots
        return self._project(
            23019847,
            "Research/Pairs mean reversion",
            {"USD": 120_000.0},
            [
                slots.slow(QQQ, 35e3, 1, 16 * DAY),
                slots.slow(IWM, 30e3, -1, 17 * DAY),
                slots.slow(BAC, 14e3, 1, 18 * DAY),
                slots.slow(JPM, 13e3, -1, 19 * DAY),
                slots.quick(KO, 6e3, 0, 90.0),
            ],
            launched=[32.0, 6.0],
            ending={"stopped": self._started + self._stops_after},
        )

    def _crashing(self) -> Project:
        slots = self._slots
        return self._project(
            23344561,
            "Volatility breakout",
            {"USD": 90_000.0},
            [
                slots.slow(TSLA, 12e3, 1, 13 * DAY),
                slots.slow(NVDA, 20e3, 1, 15 * DAY),
                slots.quick(AMZN, 8e3, 0, 85.0),
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
        """Return a project with two old deployments: one never started, one was liquidated."""
        slots = self._slots
        stopped = self._started - 150 * DAY
        project = self._project(
            20655318,
            "Legacy trend following",
            {"USD": 50_000.0},
            [slots.slow(SPY, 20e3, 1, 12 * DAY), slots.slow(TLT, 10e3, 1, 10 * DAY)],
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
        """Return a project deployed ``launched`` days before the start. Each deployment stops five
        minutes before the next; ``ending`` is the end of the last one."""
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
        book.set_runs(running(deployments))
        return Project(
            project_id,
            name,
            opened - 20 * DAY,
            book,
            deployments=deployments,
            security_types=security_types,
            user_statistics=dict(user_statistics or {}),
        )
