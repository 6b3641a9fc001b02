"""live/orders/read: the answer in, the exposition out, over pages, turns and deployments."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources import orders as module
from exporter.sources.orders import ORDERS, WINDOW, Orders, beginning, decode_orders
from exporter.sources.source import Known

from .given import CONFIG, PROJECT, A, P, published

OLD, NEW = "L-1", "L-2"
FILLED, OPEN, CANCELED, INVALID = 3, 1, 5, 7


def order(
    number: object, status: object = FILLED, deploy_id: str = NEW, **fields: object
) -> dict[str, Any]:
    """An order as Lean writes it, with an event of each step; fees of one dollar."""
    event = {
        "id": f"{deploy_id}-{number}-1",
        "algorithmId": deploy_id,
        "orderId": number,
        "time": 1_795_000_000.5,
        "status": "submitted",
        "fillQuantity": 0.0,
        "message": "PRIVATE",
    }
    fill = {**event, "status": "filled", "orderFeeAmount": 1.0, "orderFeeCurrency": "USD"}
    return {
        "id": number,
        "type": 0,
        "status": status,
        "createdTime": f"2026-11-24T14:{number:>02}:00Z",
        "symbol": {"value": "SPY", "id": "SPY R735QTJ8XC9X", "permtick": "SPY"},
        "tag": "PRIVATE",
        "brokerId": ["PRIVATE"],
        "properties": {"account": "PRIVATE"},
        "events": [event, fill] if status in (FILLED, 2) else [event],
        **({"lastFillTime": "2026-11-24T15:00:00.25Z"} if status in (FILLED, 2) else {}),
        **fields,
    }


def read(*found: Any, known: Orders | None = None, deploy_id: str = NEW, **rest: object) -> Orders:
    answer = {"orders": list(found), "length": len(found), "success": True, **rest}
    return decode_orders(answer, known=known or beginning(deploy_id))


def start(orders: Orders | None, deploy_id: str = NEW) -> int:
    """The position at which the next call begins."""
    request = ORDERS.request(PROJECT, CONFIG, Known(deploy_id, orders, 0.0))
    first, last = request.parameters["start"], request.parameters["end"]
    assert isinstance(first, int)
    assert last == first + WINDOW
    return first


def counts(orders: Orders) -> dict[str, int]:
    return dict(orders.totals.by_status)


def by_status(**found: int) -> list[str]:
    return [
        f'quantconnect_live_orders{{{A},{P},status="{status}"}} {float(found.get(status, 0))}'
        for status in module.STATUSES.values()
    ]


def test_an_answer_and_its_exposition() -> None:
    orders = read(
        order(1, deploy_id=OLD),
        order(1, 2),
        order(2, INVALID),
        order(3, CANCELED),
        order(4, OPEN),
        order(5),
    )
    assert orders.problems == ()
    assert published(ORDERS, orders) == [
        *by_status(partially_filled=1, invalid=1, canceled=1, submitted=1, filled=1),
        f"quantconnect_live_oldest_open_order_timestamp_seconds{{{A},{P}}} 1.79552886e+09",
        f"quantconnect_live_last_fill_timestamp_seconds{{{A},{P}}} 1.79553240025e+09",
        f'quantconnect_live_order_fees{{{A},currency="USD",{P}}} 2.0',
    ]


def test_no_order_is_an_answer() -> None:
    nothing: tuple[object, ...] = ([], {})
    for empty in nothing:
        orders = decode_orders({"orders": empty, "length": 0}, known=beginning(NEW))
        assert published(ORDERS, orders) == by_status()
        assert start(orders) == 0


@pytest.mark.parametrize(
    ("answer", "message", "is_loading"),
    [
        ({"progress": 0.25, "status": "loading", "success": True}, "still loading", True),
        ({"progress": 0.25, "success": True}, "still loading", True),
        ({"orders": [], "status": "Loading", "success": True}, "still loading", True),
        ({"success": True}, "the answer has no orders", False),
        ({"orders": None, "success": True}, "the answer has no orders", False),
    ],
)
def test_an_answer_without_orders_is_not_an_empty_list(
    answer: dict[str, object], message: str, is_loading: bool
) -> None:
    with pytest.raises(ApiError) as raised:
        decode_orders(answer, known=beginning(NEW))
    assert raised.value.reason is Reason.NOT_READY
    assert raised.value.message == f"live/orders/read: {message}"
    assert raised.value.is_loading is is_loading


def test_a_finished_list_is_read_from_its_last_order_on() -> None:
    first = read(order(1), order(2))
    assert start(None) == 0
    assert start(first) == 1
    second = read(order(2), order(3, OPEN), order(4), known=first)
    assert counts(second) == {"filled": 3, "submitted": 1}
    assert start(second) == 2  # the oldest open one
    third = read(order(3, OPEN), order(4), order(5, INVALID), known=second)
    assert counts(third) == {"filled": 3, "submitted": 1, "invalid": 1}
    assert third.totals.fees == {"USD": 3.0}
    fourth = read(order(3), order(4), order(5, INVALID), known=third)
    assert counts(fourth) == {"filled": 4, "invalid": 1}
    assert fourth.totals.oldest_open is None
    assert start(fourth) == 4


def test_a_long_list_is_read_page_by_page_and_counts_once() -> None:
    page = [order(number) for number in range(1, WINDOW + 1)]
    page[10] = order(11, OPEN)
    first = read(*page)
    assert not ORDERS.is_whole(first)
    assert start(first) == WINDOW
    # Ids and times of the second page are others.
    second = read(
        *(order(number, createdTime="2026-11-25T10:00:00Z") for number in (1, 2)), known=first
    )
    assert ORDERS.is_whole(second)
    assert counts(second) == {"filled": WINDOW + 1, "submitted": 1}
    assert start(second) == 10


def test_a_full_last_page_is_followed_by_an_empty_one() -> None:
    first = read(*(order(number) for number in range(1, WINDOW + 1)))
    second = read(known=first)
    assert ORDERS.is_whole(second)
    assert counts(second) == {"filled": WINDOW}
    assert start(second) == WINDOW - 1


def test_a_server_that_ignores_the_start_is_no_endless_list() -> None:
    page = [order(number) for number in range(1, WINDOW + 1)]
    with pytest.raises(ApiError, match="the same orders from 1000 on as before") as raised:
        read(*page, known=read(*page))
    assert raised.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("found", [[], [order(7)], [order(2, createdTime="2026-01-01T00:00:00Z")]])
def test_a_list_that_is_another_one_is_read_again_from_its_beginning(found: list[Any]) -> None:
    again = read(*found, known=read(order(1), order(2)))
    assert again == beginning(NEW)
    assert not ORDERS.is_whole(again)
    assert start(again) == 0


def test_a_redeploy_counts_from_zero_and_reads_on() -> None:
    before = read(
        order(1, deploy_id=OLD), order(2, OPEN, OLD), order(3, deploy_id=OLD), deploy_id=OLD
    )
    assert start(before, OLD) == 1
    assert start(before, NEW) == 1
    known = module.of_deployment(before, NEW)
    found = (order(2, OPEN, OLD), order(3, deploy_id=OLD))
    after = read(*found, known=known)
    assert published(ORDERS, after) == by_status()
    # What the deployment before left open stays so for ever, and is not read again.
    assert start(after) == 2
    later = read(order(3, deploy_id=OLD), order(1), known=after)
    assert counts(later) == {"filled": 1}
    assert start(later) == 3


def test_a_redeploy_before_anything_was_read() -> None:
    assert module.of_deployment(read(deploy_id=OLD), NEW) == beginning(NEW)
    assert module.of_deployment(None, NEW) == beginning(NEW)


def test_a_redeploy_that_the_orders_tell_of_first() -> None:
    """live/list may be a minute, or some failures, behind the orders."""
    found = [order(1, deploy_id=OLD), order(1), order(2, OPEN), order(3)]
    before = read(*found, deploy_id=OLD)
    assert counts(before) == {"filled": 1}
    assert start(before, NEW) == 0
    assert counts(read(*found, known=module.of_deployment(before, NEW))) == {
        "filled": 2,
        "submitted": 1,
    }


@pytest.mark.parametrize("between", ["", OLD])
def test_a_deployment_that_is_gone_for_a_moment_keeps_its_orders(between: str) -> None:
    """live/list has another one, or none whose id can be read, or is switched off meanwhile."""
    found = [order(1, deploy_id=OLD), order(1), order(2)]
    known = module.of_deployment(read(*found), between)
    for _ in range(2):
        known = read(*found[start(known, between) :], known=known, deploy_id=between)
    after = read(*found[start(known) :], known=module.of_deployment(known, NEW))
    assert counts(after) == {"filled": 2}
    assert after.totals.last_fill is not None


def test_without_a_known_deployment_the_last_orders_counts() -> None:
    orders = read(
        order(1, OPEN, OLD), order(2, deploy_id=OLD), order(1), order(2, OPEN), deploy_id=""
    )
    assert counts(orders) == {"filled": 1, "submitted": 1}
    assert start(orders, "") == 3


def test_an_order_without_events_is_left_out_and_read_again_while_it_is_open() -> None:
    orders = read(order(1), order(2, OPEN, events=[]), order(3))
    assert [(each.field, each.where) for each in orders.problems] == [("events", "orders[1]")]
    assert counts(orders) == {"filled": 2}
    assert start(orders) == 1
    later = read(order(2), order(3), known=orders)
    assert counts(later) == {"filled": 3}
    old = read(order(1, OPEN, events=None), order(2, deploy_id=OLD), order(1))
    assert start(old) == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (0, "new"),
        (2.0, "partially_filled"),
        ("9", "update_submitted"),
        ("cancelPending", "cancel_pending"),
        ("Filled", "filled"),
        (None, "canceled"),
    ],
)
def test_a_status_in_each_spelling(sent: object, status: str) -> None:
    assert counts(read(order(1, sent))) == {status: 1}


@pytest.mark.parametrize("sent", [4, 2.5, "Lost", True, {}])
def test_a_status_that_is_not_known_is_left_out(sent: object) -> None:
    orders = read(order(1, sent), order(2))
    assert counts(orders) == {"filled": 1}
    assert [(each.field, each.where) for each in orders.problems] == [("status", "orders[0]")]


def test_an_order_without_a_status_is_left_out() -> None:
    found = order(1)
    del found["status"]
    assert [each.field for each in read(found).problems] == ["status"]


def test_the_fill_of_an_order_that_has_no_time_of_it_is_its_event() -> None:
    orders = read(order(1, lastFillTime=None))
    assert orders.totals.last_fill == 1_795_000_000.5


def test_fees_add_up_without_rounding() -> None:
    fee = {"algorithmId": NEW, "orderFeeAmount": 0.1, "orderFeeCurrency": "USD"}
    orders = read(order(1, events=[fee, fee]), order(2, events=[fee]))
    assert published(ORDERS, orders)[-1].endswith(" 0.3")


def test_fees_by_currency() -> None:
    fee = {"algorithmId": NEW, "orderFeeAmount": "0.5", "orderFeeCurrency": "BNB"}
    nameless = {"algorithmId": NEW, "orderFeeAmount": 3}
    orders = read(order(1), order(2, events=[fee, fee, nameless, "PRIVATE"]))
    assert orders.totals.fees == {"USD": 1.0, "BNB": 1.0}
    assert [each.field for each in orders.problems] == ["orderFeeCurrency"]


@pytest.mark.parametrize(
    ("symbol", "tickers"),
    [
        ({"value": "META", "id": "FB V6OIPNZEM8V9"}, {"FB": "META"}),
        ({"Value": "META", "ID": "FB V6OIPNZEM8V9"}, {"FB": "META"}),
        ({"value": "BTCUSD", "id": "BTCUSD XJ"}, {}),
        ({"value": "META", "id": "no key at all"}, {}),
        ({"value": "", "id": "FB V6OIPNZEM8V9"}, {}),
        ({"value": 7, "id": "FB V6OIPNZEM8V9"}, {}),
        ("FB V6OIPNZEM8V9", {}),
    ],
)
def test_todays_ticker(symbol: object, tickers: dict[str, str]) -> None:
    assert read(order(1, symbol=symbol)).totals.tickers == tickers


def test_what_is_no_order_is_left_out() -> None:
    orders = read(7, order(1), order(2, events="PRIVATE"))
    assert [each.field for each in orders.problems] == ["other", "events", "events"]
    assert counts(orders) == {"filled": 1}


def test_pascal_case_and_the_older_time() -> None:
    found = {name[0].upper() + name[1:]: value for name, value in order(1, OPEN).items()}
    found["Time"] = found.pop("CreatedTime")
    orders = decode_orders({"Orders": [found]}, known=beginning(NEW))
    assert orders.totals.oldest_open == 1_795_528_860.0


def test_a_list_that_is_none() -> None:
    with pytest.raises(ApiError, match="orders: found string") as raised:
        decode_orders({"orders": "x"}, known=beginning(NEW))
    assert raised.value.reason is Reason.MALFORMED


def test_no_private_text_is_in_what_is_known() -> None:
    orders = read(order(1), order(2, OPEN), order(3, INVALID), 7, order(4, events=["PRIVATE"]))
    assert "PRIVATE" not in repr(orders)


def test_ten_thousand_orders_cost_one_small_call_a_turn() -> None:
    listed = [
        order(number, createdTime=f"2026-11-{1 + number // 1440:02}T{number // 60 % 24:02}:00:00Z")
        for number in range(1, 10_001)
    ]
    listed[9_990] = order(9_991, OPEN)
    orders, calls = beginning(NEW), 0
    while not ORDERS.is_whole(orders):
        at, calls = start(orders), calls + 1
        orders = read(*listed[at : at + WINDOW], known=orders)
    assert (calls, counts(orders)) == (11, {"filled": 9_999, "submitted": 1})
    for _ in range(3):
        at = start(orders)
        assert at == 9_990
        orders = read(*listed[at : at + WINDOW], known=orders)
        assert ORDERS.is_whole(orders)
        assert counts(orders) == {"filled": 9_999, "submitted": 1}
