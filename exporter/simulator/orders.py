"""The orders and the closed trades of a project's round trips.

Each fill of a trip is a market order that is filled at once. Some trips have two more orders:
before the opening one, an order that is rejected for lack of buying power; and a limit order above
the price, open until the trip is closed. Order ids count from 1 in each deployment.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from exporter.simulator import ledger, wire
from exporter.simulator.noise import uniform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.ledger import Fill, Trip
    from exporter.simulator.market import Market
    from exporter.simulator.project import Book, Deployment, Format, Project
    from exporter.simulator.wire import Json

MARKET, LIMIT = 0, 1
SUBMITTED, FILLED, CANCELED, INVALID = 1, 3, 5, 7
_EVENTS = {SUBMITTED: "submitted", FILLED: "filled", CANCELED: "canceled", INVALID: "invalid"}

_REFUSED = 0.03  # fraction of all trips
_WITH_LIMIT = 0.12
_NO_POWER = (
    "Order Error: ids: [{number}], Insufficient buying power to complete orders (Value:[{value}]), "
    "Reason: the margin required exceeds the margin that is free."
)


class Order(NamedTuple):
    """An order in its present state. ``fill`` has its submission time, quantity and the price then;
    ``ended`` (unix seconds) is the time of its cancellation."""

    deployment: Deployment
    number: int
    trip: Trip
    fill: Fill
    status: int = FILLED
    limit_price: float | None = None
    ended: float | None = None
    closes: bool = False

    @property
    def instrument(self) -> Instrument:
        """The security that is traded."""
        return self.trip.instrument

    @property
    def message(self) -> str:
        """The reason for its rejection; empty if it was not rejected."""
        if self.status != INVALID:
            return ""
        return _NO_POWER.format(number=self.number, value=round(self.fill.quantity * self.price, 2))

    @property
    def price(self) -> float:
        """The price at submission, rounded to the tick."""
        return round(self.fill.price, self.instrument.decimals)

    @property
    def rounded_limit_price(self) -> float:
        """The limit, rounded to the tick; 0 without one."""
        return round(self.limit_price or 0.0, self.instrument.decimals)

    def events(self) -> Iterator[tuple[float, int]]:
        """Return its history: (time, status)."""
        if self.status != INVALID:
            yield self.fill.time, SUBMITTED
        if self.status != SUBMITTED:
            yield self.ended or self.fill.time, self.status


def orders(project: Project, now: float) -> list[Order]:
    """Return the orders of all deployments up to ``now`` (unix seconds), oldest first."""
    deployments, market = tuple(project.deployments), project.book.market
    drafts = [
        (order.fill.time, place, order)
        for place, trip in enumerate(project.book.trips(now))
        for order in (
            _of_closed_trip(trip, deployments, market)
            if trip.closed <= now
            else _of_trip(trip, deployments, market, now)
        )
    ]
    drafts.sort(key=itemgetter(0, 1))
    found = []
    numbers: Counter[str] = Counter()
    for _, _, order in drafts:
        numbers[order.deployment.deploy_id] += 1
        found.append(order._replace(number=numbers[order.deployment.deploy_id]))
    return found


@lru_cache(maxsize=65_536)
def _of_closed_trip(
    trip: Trip, deployments: tuple[Deployment, ...], market: Market
) -> tuple[Order, ...]:
    """Return the orders of a closed trip, which no longer change."""
    return tuple(_of_trip(trip, deployments, market, trip.closed))


def _of_trip(
    trip: Trip, deployments: tuple[Deployment, ...], market: Market, now: float
) -> Iterator[Order]:
    """Return the orders of ``trip`` by submission time, without numbers."""
    fills = trip.filled(now)
    first = fills[0]
    deployment = _deployment(deployments, first.time)
    refused, limited, _, _ = uniform("orders", trip.instrument.key, first.time)
    if refused < _REFUSED:
        power = first._replace(quantity=10 * first.quantity)
        yield Order(deployment, 0, trip, power, status=INVALID)
    yield Order(deployment, 0, trip, first)
    if limited < _WITH_LIMIT:
        price = first.price * (1.25 if first.quantity > 0 else 0.75)
        waits = first._replace(quantity=-first.quantity)
        order = Order(deployment, 0, trip, waits, status=SUBMITTED, limit_price=price)
        if trip.closed <= deployment.latest(now):
            order = order._replace(status=CANCELED, ended=trip.closed)
        yield order
    for fill in fills[1:]:
        yield Order(_deployment(deployments, fill.time), 0, trip, fill)
    if trip.closed <= now:
        fill = ledger.close(trip, market)
        yield Order(_deployment(deployments, fill.time), 0, trip, fill, closes=True)


def _deployment(deployments: tuple[Deployment, ...], time: float) -> Deployment:
    """Return the deployment that runs at ``time``."""
    return next(d for d in reversed(deployments) if d.launched <= time)


def row(order: Order, project: Project) -> Json:
    """Return ``order`` as a row of live/orders/read."""
    answer = _row(order, project.format)
    answer["events"] = [
        _event(order, number, event, project.book)
        for number, event in enumerate(order.events(), start=1)
    ]
    return answer


def _row(order: Order, written: Format) -> Json:
    instrument, quantity = order.instrument, order.fill.quantity
    filled = order.status == FILLED
    submitted = wire.moment(order.fill.time)
    price = order.price if filled else 0.0
    answer: Json = {} if order.limit_price is None else {"limitPrice": order.rounded_limit_price}
    answer |= {
        "type": MARKET if order.limit_price is None else LIMIT,
        "id": order.number,
        "contingentId": 0,
        "brokerId": [] if order.status == INVALID else [str(1000 + order.number)],
        "symbol": _symbol(instrument),
        "price": wire.number(price),
        "priceCurrency": instrument.quote_currency,
        "time": submitted,
        "createdTime": submitted,
    }
    if filled:
        answer["lastFillTime"] = submitted
    if order.ended is not None:
        answer["canceledTime"] = wire.moment(order.ended)
    spread = order.price * 0.0001
    return answer | {
        "quantity": wire.number(quantity),
        "status": order.status,
        "tag": "",
        "properties": {"timeInForce": wire.or_list({}, written)},
        "securityType": int(instrument.security_type),
        "direction": 0 if quantity > 0 else 1,
        "value": wire.number(round(quantity * price, 8)),
        "orderSubmissionData": {
            "bidPrice": round(order.price - spread, 7),
            "askPrice": round(order.price + spread, 7),
            "lastPrice": order.price,
        },
        "isMarketable": order.limit_price is None,
        "priceAdjustmentMode": 0,
    }


def _event(order: Order, number: int, event: tuple[float, int], book: Book) -> Json:
    (time, status), instrument, quantity = event, order.instrument, order.fill.quantity
    deploy_id = order.deployment.deploy_id
    answer: Json = {
        "id": f"{deploy_id}-{order.number}-{number}",
        "algorithmId": deploy_id,
        "orderId": order.number,
        "orderEventId": number,
        "symbol": instrument.key,
        "symbolValue": wire.display(instrument),
        "symbolPermtick": instrument.key.partition(" ")[0],
        "time": round(time, 6),
        "status": _EVENTS[status],
    }
    if status == FILLED:
        answer["orderFeeAmount"] = round(fee(order, book), 4)
        answer["orderFeeCurrency"] = book.currency
    answer |= {
        "fillPrice": order.price if status == FILLED else 0.0,
        "fillPriceCurrency": instrument.quote_currency,
        "fillQuantity": quantity if status == FILLED else 0.0,
        "direction": "buy" if quantity > 0 else "sell",
    }
    if order.message:
        answer["message"] = order.message
    answer |= {"isAssignment": False, "quantity": quantity}
    if order.limit_price is not None:
        answer["limitPrice"] = order.rounded_limit_price
    return answer


def fee(order: Order, book: Book) -> float:
    """Return the fee of a filled order, in the account's currency."""
    return ledger.traded(order.instrument, order.fill, book.market, book.currency).fees


def _symbol(instrument: Instrument) -> Json:
    """Return a symbol as in orders: ``permtick`` repeats today's ticker."""
    symbol = wire.symbol(instrument)
    symbol["permtick"] = symbol["value"]
    if instrument.underlying is not None:
        symbol["underlying"] = _symbol(instrument.underlying)
    return symbol


class Trade(NamedTuple):
    """A closed trade of one deployment: a quantity that fill ``entry`` opened and fill ``exit``
    closed, first in, first out."""

    entry: Order
    exit: Order


def trades(found: list[Order]) -> list[Trade]:
    """Return the trades that the orders ``found`` closed, by exit time. A position that carried
    over to another deployment is a trade of neither."""
    closed = []
    entries: dict[int, list[Order]] = {}
    for order in found:
        if order.status != FILLED:
            continue
        if not order.closes:
            entries.setdefault(id(order.trip), []).append(order)
            continue
        closed += [
            Trade(entry, order)
            for entry in entries.pop(id(order.trip))
            if entry.deployment is order.deployment
        ]
    return closed


def trade_row(trade: Trade, project: Project) -> Json:
    """Return ``trade`` as a row of live/trades/read. Amounts are in the account's currency."""
    entry, leave = trade
    instrument, book = entry.instrument, project.book
    start, end, quantity = entry.fill.time, leave.fill.time, entry.fill.quantity
    units = quantity * instrument.multiplier
    units *= book.market.rate(instrument.quote_currency, end, book.currency)
    profit = (leave.fill.price - entry.fill.price) * units
    between = [
        (book.market.price(instrument, start + (end - start) * part / 4) - entry.fill.price) * units
        for part in range(1, 4)
    ]
    best, worst = max(0.0, profit, *between), min(0.0, profit, *between)
    share = abs(quantity / leave.fill.quantity)
    fees = fee(entry, book) + share * fee(leave, book)
    digest = blake2b(f"{entry.deployment.deploy_id}-{entry.number}".encode(), digest_size=16)
    return {
        "id": str(UUID(bytes=digest.digest(), version=4)),
        "symbols": [_symbol(instrument)],
        "entryTime": wire.moment(start),
        "entryPrice": entry.price,
        "direction": 0 if quantity > 0 else 1,
        "quantity": wire.number(abs(quantity)),
        "exitTime": wire.moment(end),
        "exitPrice": leave.price,
        "profitLoss": round(profit, 2),
        "totalFees": round(fees, 2),
        "mae": round(worst, 2),
        "mfe": round(best, 2),
        "duration": _span(end - start),
        "endTradeDrawdown": round(best - profit, 2),
        "isWin": profit > 0,
        "orderIds": [entry.number, leave.number],
        "orders": [_row(order, project.format) for order in trade],
    }


def _span(seconds: float) -> str:
    """Return a duration as .NET writes it: ``3.00:28:58.9000000``."""
    whole, ticks = divmod(round(seconds * 10_000_000), 10_000_000)
    days, rest = divmod(whole, 86_400)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}.{clock}.{ticks:07d}" if days else f"{clock}.{ticks:07d}"
