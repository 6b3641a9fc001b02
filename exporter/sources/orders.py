"""live/orders/read: the orders of the newest deployment.

The list spans all deployments of the project, the oldest order first, and ids repeat from one
deployment to the next: only an order's events name its deployment. The whole list is read once,
page by page. After that, each reading begins at the oldest open order, since earlier ones cannot
change.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from exporter.metrics.table import PROJECT, Column, Family, Table
from exporter.quantconnect.client import Endpoint, Request
from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.fields import (
    Problem,
    exact,
    finite,
    folded,
    number,
    positive_integer,
    problem,
    refuse_unready,
    sequence,
    text,
    timestamp,
)
from exporter.quantconnect.symbols import IdentifierError, parse_identifier
from exporter.sources.source import Families, Source

if TYPE_CHECKING:
    from exporter import config
    from exporter.sources.source import Known

WINDOW: Final = 1000
"""The orders that one call asks for, the most that QuantConnect gives."""

STATUSES: Final[Mapping[int, str]] = {
    0: "new",
    1: "submitted",
    2: "partially_filled",
    3: "filled",
    5: "canceled",
    6: "none",
    7: "invalid",
    8: "cancel_pending",
    9: "update_submitted",
}
"""The values of the label ``status``, by the number that Lean's OrderStatus gives them."""

_CLOSED: Final = frozenset({"filled", "canceled", "invalid"})
_FILLS: Final = frozenset({"filled", "partially_filled"})
_STATUS_BY_WORD: Final = {status.replace("_", ""): status for status in STATUSES.values()}


_Key = tuple[int | None, float | None]
"""An order's id and the time at which it was made: ids begin again with each deployment."""


class Totals(Struct, frozen=True):
    """The sums over some orders of one deployment."""

    deploy_id: str = ""
    by_status: Mapping[str, int] = {}
    """The number of orders by status; a missing status has none."""
    oldest_open: float | None = None
    """Unix seconds of the creation of the oldest open order."""
    last_fill: float | None = None
    """Unix seconds."""
    fees: Mapping[str, Decimal] = {}
    """The fees of all fills by currency, positive when paid."""
    tickers: Mapping[str, str] = {}
    """Today's ticker of each equity by its first ticker."""

    def plus(self, order: _Order) -> Totals:
        """Return the sums with another order added."""
        by_status = {**self.by_status, order.status: self.by_status.get(order.status, 0) + 1}
        fees = dict(self.fees)
        for currency, fee in order.fees.items():
            fees[currency] = fees.get(currency, Decimal(0)) + fee
        return Totals(
            deploy_id=self.deploy_id,
            by_status=by_status if order.status else self.by_status,
            oldest_open=_least(self.oldest_open, order.created if order.is_open else None),
            last_fill=_most(self.last_fill, order.last_fill),
            fees=fees,
            tickers={**self.tickers, **order.tickers},
        )


class Place(Struct, frozen=True):
    """A position in the list from which reading can continue."""

    position: int = 0
    order: _Key | None = None
    """The order there; None if none was read yet."""
    is_open: bool = False
    """The order may still change."""
    before: Totals = Totals()
    """The sums over the orders before it."""


class Orders(Struct, frozen=True):
    """The orders of a deployment that were read so far."""

    deploy_id: str
    """The deployment whose orders count; empty for the last order's."""
    totals: Totals
    place: Place
    """The start of the next reading."""
    next_start: int
    """The position at which the next call begins."""
    last: _Key | None
    """The last order of the last call."""
    is_whole: bool
    """True if the list was read to its end."""
    met: frozenset[str] = frozenset()
    """The deployments whose orders were read, including those that do not count."""
    problems: tuple[Problem, ...] = ()
    """The problems of the last call."""


class _Order(Struct, frozen=True):
    id: int | None
    created: float | None
    deploy_id: str
    status: str
    """One of STATUSES; empty if unreadable."""
    last_fill: float | None
    fees: Mapping[str, Decimal]
    tickers: Mapping[str, str]

    @property
    def key(self) -> _Key:
        return self.id, self.created

    @property
    def is_open(self) -> bool:
        return bool(self.status) and self.status not in _CLOSED


# --- Request and decoding -------------------------------------------------------------------------


def beginning(deploy_id: str) -> Orders:
    """Return the state before the first order is read."""
    totals = Totals(deploy_id)
    return Orders(deploy_id, totals, Place(before=totals), 0, None, is_whole=False)


def of_deployment(before: Orders | None, deploy_id: str) -> Orders:
    """Return the state from which to continue with the orders of a deployment."""
    if before is not None and before.deploy_id == deploy_id:
        return before
    if before is None or not deploy_id or deploy_id in before.met:
        return beginning(deploy_id)
    # None of its orders was read: they come after those of the previous deployment.
    totals, place = Totals(deploy_id), replace(before.place, before=Totals(deploy_id))
    return Orders(
        deploy_id, totals, place, place.position, None, place.order is not None, before.met
    )


def decode_orders(payload: Mapping[str, object], *, known: Orders) -> Orders:
    """Return the state after another answer of live/orders/read.

    An order without events belongs to no known deployment; it is left out with a Problem. If the
    order known at ``known.place`` is no longer there, the list is read again from its beginning.
    Raises ApiError: not_ready while the list is loading or missing, malformed when it is not a list
    or does not continue.
    """
    answer = folded(payload)
    refuse_unready(answer, "orders", Endpoint.LIVE_ORDERS_READ)
    entries = sequence(answer["orders"], f"{Endpoint.LIVE_ORDERS_READ}: orders")
    problems: list[Problem] = []
    start, place = known.next_start, known.place
    orders = [
        _decode_order(entry, f"orders[{position}]", problems)
        for position, entry in enumerate(entries, start)
    ]
    totals = place.before if known.is_whole else known.totals
    is_kept = place.is_open and not known.is_whole
    if known.is_whole and place.order is not None:
        if not orders or orders[0].key != place.order:
            return beginning(known.deploy_id)
    elif len(orders) == WINDOW and orders[-1].key == known.last:
        raise ApiError(
            Reason.MALFORMED,
            f"{Endpoint.LIVE_ORDERS_READ}: the same orders from {start} on as before",
        )
    for position, order in enumerate(orders, start):
        if order.deploy_id and order.deploy_id != totals.deploy_id:
            is_kept = False  # an earlier open order belongs to an old deployment
            if not known.deploy_id:
                totals = Totals(order.deploy_id)
        is_counted = bool(order.deploy_id) and order.deploy_id == totals.deploy_id
        if not is_kept:
            is_kept = order.is_open and (is_counted or not order.deploy_id)
            place = Place(position, order.key, is_kept, totals)
        if is_counted:
            totals = totals.plus(order)
    is_whole = len(entries) < WINDOW
    return Orders(
        deploy_id=known.deploy_id,
        totals=totals,
        place=place,
        next_start=place.position if is_whole else start + len(entries),
        last=orders[-1].key if orders else None,
        is_whole=is_whole,
        met=known.met.union(order.deploy_id for order in orders),
        problems=tuple(problems),
    )


def _decode_order(entry: object, where: str, problems: list[Problem]) -> _Order:
    """Return one order.

    Its texts, such as the tag and the broker's messages, are never read, and no Problem quotes a
    part that may contain them.
    """
    if not isinstance(entry, dict):
        problems.append(Problem("other", where, "expected an object"))
        return _Order(None, None, "", "", None, {}, {})
    raw = folded(entry)
    events = _events(raw, where, problems)
    named = (text(event, "algorithmId", where, problems) for event in events)
    deploy_id = next(filter(None, named), "")
    if not deploy_id:
        problems.append(
            Problem("events", where, "found no event, expected one that names the deployment")
        )
    status = _status(raw, where, problems)
    created = "createdTime" if raw.get("createdtime") is not None else "time"
    return _Order(
        id=positive_integer(raw.get("id")),
        created=timestamp(raw, created, where, problems),
        deploy_id=deploy_id,
        status=status,
        last_fill=_last_fill(raw, events, where, problems),
        fees=_fees(events, where, problems),
        tickers=_ticker(raw),
    )


def _events(
    raw: Mapping[str, object], where: str, problems: list[Problem]
) -> list[Mapping[str, object]]:
    sent = raw.get("events") or []
    if not isinstance(sent, list):
        problems.append(Problem("events", where, "expected an array"))
        return []
    return [folded(event) for event in sent if isinstance(event, dict)]


def _status(raw: Mapping[str, object], where: str, problems: list[Problem]) -> str:
    """Return the known status. Lean sends its number or its name, and null for canceled."""
    sent = raw.get("status")
    status = _status_of("Canceled" if sent is None and "status" in raw else sent)
    if not status:
        problems.append(problem("status", where, sent, "a known status"))
    return status


def _status_of(sent: object) -> str:
    number_ = finite(sent)
    if number_ is not None:
        return STATUSES.get(int(number_), "") if number_ == int(number_) else ""
    return _STATUS_BY_WORD.get(sent.lower().replace("_", ""), "") if isinstance(sent, str) else ""


def _last_fill(
    raw: Mapping[str, object],
    events: list[Mapping[str, object]],
    where: str,
    problems: list[Problem],
) -> float | None:
    """Return the time of the last fill: ``lastFillTime``, else the last fill event's."""
    if raw.get("lastfilltime") is not None:
        return timestamp(raw, "lastFillTime", where, problems)
    times = (
        number(event, "time", where, problems)
        for event in events
        if _status_of(event.get("status")) in _FILLS
    )
    return max((time for time in times if time is not None), default=None)


def _fees(
    events: list[Mapping[str, object]], where: str, problems: list[Problem]
) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for event in events:
        amount = number(event, "orderFeeAmount", where, problems)
        currency = text(event, "orderFeeCurrency", where, problems)
        if amount is not None and not currency:
            problems.append(Problem("orderFeeCurrency", where, "missing, expected a currency"))
        elif amount is not None:
            fees[currency] = fees.get(currency, Decimal(0)) + exact(amount)
    return fees


def _ticker(raw: Mapping[str, object]) -> dict[str, str]:
    """Return today's ticker of an equity by its first ticker; nothing if they are unknown."""
    sent = raw.get("symbol")
    symbol = folded(sent) if isinstance(sent, dict) else {}
    today, key = symbol.get("value"), symbol.get("id")
    if not isinstance(today, str) or not isinstance(key, str) or not today:
        return {}
    try:
        security = parse_identifier(key)
    except IdentifierError:
        return {}
    return {security.ticker: today} if security.security_type == "Equity" else {}


def _least(*values: float | None) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


# --- Families -------------------------------------------------------------------------------------


def _family(name: str, of: str, help_: str, labels: tuple[str, ...] = PROJECT) -> Family:
    return Family(
        f"quantconnect_live_{name}",
        f"{help_} Source: live/orders/read, {of}, newest deployment. Read every orders_interval;"
        " QuantConnect refreshes it about every 10 minutes.",
        labels,
    )


ORDERS_BY_STATUS: Table[tuple[str, int]] = Table(
    title="Orders",
    series=f"{len(STATUSES)} series for each project that was ever deployed live:"
    f" {', '.join(f'`{status}`' for status in STATUSES.values())}.",
    key=lambda item: item[0],
    labels=lambda item, _: {"status": item[0]},
    columns=(
        Column(
            _family(
                "orders",
                "field status",
                "Number of orders that the deployment made, by their status.",
                (*PROJECT, "status"),
            ),
            lambda item: item[1],
        ),
    ),
)

ORDER_TIMES: Table[Totals] = Table(
    title="Order times",
    series="{columns} series at most for each project that was ever deployed live.",
    key=lambda _: None,
    labels=lambda _totals, _row: {},
    columns=(
        Column(
            _family(
                "oldest_open_order_timestamp_seconds",
                "field createdTime",
                "When the oldest order that is still open was made, as a unix timestamp; no sample"
                " without one.",
            ),
            lambda totals: totals.oldest_open,
        ),
        Column(
            _family(
                "last_fill_timestamp_seconds",
                "field lastFillTime",
                "When an order was last filled, in full or in part, as a unix timestamp; no sample"
                " before the first.",
            ),
            lambda totals: totals.last_fill,
        ),
    ),
)

ORDER_FEES: Table[tuple[str, Decimal]] = Table(
    title="Order fees",
    series="{columns} series for each currency in which a fee was paid.",
    key=lambda item: item[0],
    labels=lambda item, _: {"currency": item[0]},
    columns=(
        Column(
            _family(
                "order_fees",
                "fields orderFeeAmount and orderFeeCurrency of the events",
                "Fees of all fills in their own currency, positive when paid.",
                (*PROJECT, "currency"),
            ),
            lambda item: float(item[1]),
        ),
    ),
)


def _request(
    project: config.ProjectSettings, _: config.Config, known: Known[Orders]
) -> Request[Orders]:
    orders = of_deployment(known.before, known.deploy_id)
    start = orders.next_start
    return Request(
        Endpoint.LIVE_ORDERS_READ,
        {"projectId": project.id, "start": start, "end": start + WINDOW},
        partial(decode_orders, known=orders),
    )


ORDERS: Source[Orders] = Source(
    name="orders",
    request=_request,
    interval=lambda _, settings: settings.orders_interval,
    families=(
        Families(
            ORDERS_BY_STATUS,
            lambda orders, _: [
                (status, orders.totals.by_status.get(status, 0)) for status in STATUSES.values()
            ],
        ),
        Families(ORDER_TIMES, lambda orders, _: [orders.totals]),
        Families(ORDER_FEES, lambda orders, _: orders.totals.fees.items()),
    ),
    every="`orders_interval`, 5 times that while stopped",
    delay="10 minutes",
    is_whole=lambda orders: orders.is_whole,
    needs_deployment=True,
)
