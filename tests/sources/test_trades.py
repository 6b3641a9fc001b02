"""live/trades/read: the answer in, the exposition out, over pages and turns."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources.source import Known
from exporter.sources.trades import TRADES, WINDOW, Trades, decode_trades

from .given import CONFIG, PROJECT, A, P, published


def trade(number: object, profit: object = 26.5, fees: object = 2, **fields: object) -> Any:
    return {
        "id": f"id-{number}",
        "symbols": [{"value": "SPY", "id": "SPY R735QTJ8XC9X"}],
        "profitLoss": profit,
        "totalFees": fees,
        "isWin": isinstance(profit, float) and profit > 0,
        "orders": [{"tag": "PRIVATE"}],
        **fields,
    }


def read(*found: Any, known: Trades | None = None) -> Trades:
    answer = {"trades": list(found), "length": len(found), "success": True}
    return decode_trades(answer, known=known or Trades())


def start(trades: Trades | None) -> int:
    request = TRADES.request(PROJECT, CONFIG, Known("L-1", trades, 0.0))
    first = request.parameters["start"]
    assert isinstance(first, int)
    assert request.parameters == {"projectId": 101, "start": first, "end": first + WINDOW}
    return first


def test_an_answer_and_its_exposition() -> None:
    trades = read(trade(1), trade(2, -10.25, 0.5), trade(3, -1.0, "0.25", isWin=True))
    assert published(TRADES, trades) == [
        f'quantconnect_live_closed_trades{{{A},{P},result="win"}} 2.0',
        f'quantconnect_live_closed_trades{{{A},{P},result="loss"}} 1.0',
        f'quantconnect_live_realized_pnl{{{A},account_currency="USD",{P}}} 12.5',
        f'quantconnect_live_trade_fees{{{A},account_currency="USD",{P}}} 2.75',
    ]


def test_no_trade_is_an_answer() -> None:
    trades = read()
    assert published(TRADES, trades)[0].endswith(" 0.0")
    assert TRADES.is_whole(trades)
    assert start(trades) == 0


def test_loading_is_not_an_empty_list() -> None:
    with pytest.raises(ApiError, match="live/trades/read: still loading") as raised:
        decode_trades({"progress": 0.25, "status": "loading", "success": True}, known=Trades())
    assert raised.value.reason is Reason.NOT_READY


def test_later_only_what_is_new_is_read() -> None:
    first = read(trade(1), trade(2, -10.0))
    assert start(None) == 0
    assert start(first) == 1
    second = read(trade(2, -10.0), trade(3), known=first)
    assert (second.totals.wins, second.totals.losses) == (2, 1)
    assert second.totals.realized_pnl == 24.5 + 24.5 - 12.0
    assert start(second) == 2
    assert read(trade(3), known=second).totals == second.totals


def test_a_long_list_is_read_page_by_page() -> None:
    first = read(*map(trade, range(WINDOW)))
    assert not TRADES.is_whole(first)
    assert start(first) == WINDOW - 1
    second = read(trade(WINDOW - 1), trade(WINDOW), known=first)
    assert TRADES.is_whole(second)
    assert second.totals.wins == WINDOW + 1


@pytest.mark.parametrize("found", [[], [trade(3)]])
def test_a_list_whose_oldest_were_dropped_is_read_again(found: list[Any]) -> None:
    again = read(*found, known=read(trade(1), trade(2)))
    assert again == Trades()
    assert not TRADES.is_whole(again)


def test_a_list_that_changes_while_it_is_read_has_failed() -> None:
    """Or one that changes each time would be asked for from its beginning without end."""
    first = read(*map(trade, range(WINDOW)))
    for found in ([], [trade(7)]):
        with pytest.raises(ApiError, match="the list changed while it was read") as raised:
            read(*found, known=first)
        assert raised.value.reason is Reason.MALFORMED


def test_a_server_that_ignores_the_start_is_no_endless_list() -> None:
    page = [trade(number, id="same") for number in range(WINDOW)]
    with pytest.raises(ApiError, match="the same trades from 999 on as before"):
        read(*page, known=read(*page))


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (trade(1, None), "profitLoss"),
        (trade(1, "many"), "profitLoss"),
        (trade(1, 2.5, None), "totalFees"),
        (trade(1, isWin=None), "isWin"),
        (trade(1, isWin=1), "isWin"),
        (7, "other"),
    ],
)
def test_a_trade_that_cannot_be_read_is_in_no_sum(found: Any, field: str) -> None:
    trades = read(found, trade(2))
    assert [(each.field, each.where) for each in trades.problems] == [(field, "trades[0]")]
    assert trades.totals == read(trade(2)).totals


def test_no_private_text_is_in_what_is_known() -> None:
    assert "PRIVATE" not in repr(read(trade(1), trade(2, "x")))
