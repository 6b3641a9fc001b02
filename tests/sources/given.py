"""Given an answer of QuantConnect: what a source publishes of it, and its older spellings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exporter.config import load_from_environment
from exporter.exposition import Renderer, samples
from exporter.metrics.table import Row
from exporter.sources.portfolio import PORTFOLIO, decode_portfolio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.exposition import Snapshot
    from exporter.sources.source import Answer, Source

    T = TypeVar("T", bound=Answer)

DATA: Final = Path(__file__).parent / "data"
ROW: Final = Row("main", 7, "Demo", "USD", {"FB": "META"})
# The labels that the series of a project begin and end with; in between, account_currency sorts.
A: Final = 'account="main"'
P: Final = 'project="Demo",project_id="7"'

CONFIG: Final = load_from_environment(
    {
        "QUANTCONNECT_USER_ID": "1",
        "QUANTCONNECT_API_TOKEN": "token",
        "QUANTCONNECT_PROJECTS": "101",
    }
)
PROJECT: Final = CONFIG.accounts[0].projects[0]

USD: Final[dict[str, object]] = {
    "securitySymbols": [],
    "symbol": "USD",
    "amount": 1000.5,
    "conversionRate": 1,
    "currencySymbol": "$",
    "valueInAccountCurrency": 1000.5,
}
SHORT: Final = {
    "quantity": "q",
    "averagePrice": "a",
    "marketPrice": "p",
    "conversionRate": "r",
    "marketValue": "v",
    "unrealizedPnl": "u",
    "unrealizedPnLPercent": "up",
    "currencySymbol": "c",
}
NUMBERS: Final = [name for name in SHORT if name != "currencySymbol"]
ENCODINGS: Final = ["short", "long", "pascal"]


def sample(name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((DATA / name).read_text(encoding="utf-8"))
    return answer


def answer_of(holdings: object = (), cash: object = ()) -> dict[str, Any]:
    """An answer of live/portfolio/read: no positions and dollars if nothing else is given."""
    portfolio = {
        "holdings": {} if holdings == () else holdings,
        "cash": {"USD": USD} if cash == () else cash,
    }
    return {"portfolio": portfolio, "success": True}


MIDNIGHT = 1_795_219_200.0
"""Saturday, 2026-11-21: only crypto is in session."""


def published(source: Source[T], answer: T, row: Row = ROW) -> list[str]:
    """The sample lines that a source makes of a decoded answer."""
    renderer = Renderer(row)
    snapshots: list[Snapshot] = [
        renderer.render(families.table, families.rows(answer, MIDNIGHT))
        for families in source.families
    ]
    return samples(snapshots).splitlines()


def published_portfolio(
    answer: Mapping[str, object], row: Row = ROW, *, strike_scale: int = 6
) -> list[str]:
    """The sample lines of an answer of live/portfolio/read."""
    portfolio = decode_portfolio(answer, max_holdings=100, strike_scale=strike_scale)
    return published(PORTFOLIO, portfolio, row)


def pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def spelled(answer: Mapping[str, Any], encoding: str) -> Mapping[str, Any]:
    """An answer of live/portfolio/read in today's form as another form has it: nothing omitted."""
    if encoding == "short":
        return answer
    holdings = {
        key: _long(key, raw) if raw else raw
        for key, raw in (answer["portfolio"]["holdings"] or {}).items()
    }
    cash = answer["portfolio"]["cash"]
    if encoding == "long":
        return {"portfolio": {"holdings": holdings, "cash": cash}, "success": True}
    return {
        "Portfolio": {
            "Holdings": {key: _capitals(raw) for key, raw in holdings.items()},
            "Cash": {key: _capitals(raw) for key, raw in cash.items()},
        },
        "Success": True,
    }


def _long(key: str, raw: Mapping[str, object]) -> dict[str, object]:
    ticker, _, digits = key.partition("|")[0].partition(" ")
    defaults = {**dict.fromkeys(NUMBERS, 0), "conversionRate": 1, "currencySymbol": "$"}
    return {
        "symbol": {"value": ticker, "id": key, "permtick": ticker},
        "type": int(digits, 36) % 100,
        **{name: raw.get(short, defaults[name]) for name, short in SHORT.items()},
    }


def _capitals(value: Any) -> Any:
    if isinstance(value, dict):
        return {pascal(name): _capitals(each) for name, each in value.items()}
    return [_capitals(each) for each in value] if isinstance(value, list) else value
