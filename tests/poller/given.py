"""What the tests of this folder are given: time, configurations, answers; and how they wait."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.clock import Clock
from exporter.config import Config, load
from exporter.exposition import samples
from exporter.sources.portfolio import decode_portfolio
from exporter.sources.statistics import decode_statistics
from exporter.sources.status import decode_deployments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pytest

    from exporter.exposition import Snapshot
    from exporter.sources.portfolio import Portfolio
    from exporter.sources.statistics import Statistics
    from exporter.sources.status import Deployment

T = TypeVar("T")

STARTED = 1_795_000_000.0
"""2026-11-18 11:06:40 UTC: where the tests' unix time begins."""

SPY, AAPL = "SPY R735QTJ8XC9X", "AAPL R735QTJ8XC9X"
HOLDING = {"a": 450.5, "q": 10, "p": 460, "v": 4600, "u": 94, "up": 2.5}
USD = {
    "securitySymbols": [],
    "symbol": "USD",
    "amount": 1000.5,
    "conversionRate": 1,
    "currencySymbol": "$",
    "valueInAccountCurrency": 1000.5,
}


class Time:
    """Both clocks, turned by hand."""

    def __init__(self) -> None:
        self.monotonic = 0.0
        self.clock = Clock(monotonic=lambda: self.monotonic, now=lambda: STARTED + self.monotonic)

    def passes(self, seconds: float) -> None:
        self.monotonic += seconds


def cash(currency: str, rate: float | None = 1.0, *, converted: bool = False) -> dict[str, Any]:
    symbols = [{"value": f"{currency}USD", "id": f"{currency}USD 8G"}] if converted else []
    return {**USD, "symbol": currency, "conversionRate": rate, "securitySymbols": symbols}


def answer_of(
    holdings: object = None, money: object = None, *, quantity: float = 10
) -> dict[str, Any]:
    """An answer of live/portfolio/read: SPY and dollars if nothing else is said."""
    return {
        "portfolio": {
            "holdings": {SPY: {**HOLDING, "q": quantity}} if holdings is None else holdings,
            "cash": {"USD": USD} if money is None else money,
        },
        "success": True,
    }


def portfolio_of(
    holdings: object = None, money: object = None, *, quantity: float = 10
) -> Portfolio:
    return decode_portfolio(answer_of(holdings, money, quantity=quantity), max_holdings=1000)


def deployment_of(project_id: int = 1, **fields: object) -> Deployment:
    """The newest deployment of live/list."""
    entry = {
        "projectId": project_id,
        "deployId": f"L-{project_id}",
        "status": "Running",
        "launched": "2026-11-17 10:00:00",
        "stopped": None,
        "brokerage": "PaperBrokerage",
        "equity": 101_000.25,
        "environment": "paper",
        "error": "",
        **fields,
    }
    return decode_deployments({"live": [entry], "success": True}).newest()[project_id]


def statistics_of(custom: Iterable[str] = (), **runtime: str) -> Statistics:
    answer = {"runtimeStatistics": {"Return": "1.5 %", "Volume": "$5.00", **runtime}}
    return decode_statistics(answer, custom=set(custom))


FURTHER = ("orders", "trades", "nodes", "account", "logs")


def config_of(directory: Path, text: str) -> Config:
    """A configuration; of the further sources only those that it names are read."""
    off = "".join(f"{each}_interval: 0s\n" for each in FURTHER if f"{each}_interval" not in text)
    file = directory / "quantconnect.yaml"
    file.write_text(off + text)
    return load(file, {})


def lines(snapshots: Iterable[Snapshot], *, but: str = "quantconnect_read_") -> list[str]:
    """The sample lines without those of one prefix."""
    return [line for line in samples(snapshots).splitlines() if not line.startswith(but)]


def value(snapshots: Iterable[Snapshot], start: str) -> float | None:
    """The number of the only sample whose line starts so; None where there is none."""
    found = [line for line in samples(snapshots).splitlines() if line.startswith(start)]
    assert len(found) < 2, found
    return float(found[0].rpartition(" ")[2]) if found else None


def said(caplog: pytest.LogCaptureFixture, message: str = "") -> list[dict[str, Any]]:
    """The fields of what was logged in these words; the words are among them as ``msg``."""
    return [
        {"msg": record.getMessage(), **getattr(record, "fields", {})}
        for record in caplog.records
        if record.name.startswith("exporter") and record.getMessage().startswith(message)
    ]


def eventually(condition: Callable[[], T], *, timeout: float = 120.0) -> T:
    """What ``condition`` gives as soon as that is something; an error after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.005)
    return result
