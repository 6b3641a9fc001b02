"""Answers that are good but for something in them: what can be understood is published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from exporter.poller import record
from tests.faults.entry import Harmless, LeftOut
from tests.faults.scene import PORTFOLIO
from tests.faults.told import Published, Told, problems
from tests.support import Body, Chunked, Delay, Drip, Transformed, patched
from tests.support import fault_answers as say

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator import Fault
    from exporter.simulator.exchange import Exchange
    from tests.faults.scene import Scene

SPY = "SPY R735QTJ8XC9X"
_NUMBERS = {
    "q": ("quantity", "quantity"),
    "a": ("averagePrice", "average_price"),
    "p": ("marketPrice", "market_price"),
    "v": ("marketValue", "market_value"),
    "u": ("unrealizedPnl", "unrealized_pnl"),
    "up": ("unrealizedPnLPercent", "unrealized_pnl_ratio"),
    "r": ("conversionRate", "conversion_rate"),
}


def _always(fault: Fault) -> Callable[[Scene], Fault]:
    return lambda _: fault


class _Typed:
    """The normal answer under a content type that it is not."""

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type

    def act(self, exchange: Exchange) -> None:
        """Send it."""
        Body(exchange.answer().body, self._content_type).act(exchange)


def _rewritten(change: Callable[[dict[str, Any]], Any]) -> Callable[[Scene], Fault]:
    return _always(patched(change))


def _with_strings(answer: dict[str, Any]) -> dict[str, Any]:
    """Every number is a decimal string, those that are no integers with an exponent."""

    def written(value: object) -> object:
        if isinstance(value, dict):
            return {key: written(each) for key, each in value.items()}
        if isinstance(value, float):
            return f"{value:e}"
        return str(value) if isinstance(value, int) else value

    return {**answer, "portfolio": written(answer["portfolio"])}


def _nulls_are_empty(answer: dict[str, Any]) -> None:
    answer.update(errors=None, messages=[], extra={"a": [None]})


HARMLESS = (
    Harmless("a byte-order mark", _always(say.byte_order_mark())),
    Harmless("JSON that calls itself HTML", _always(_Typed("text/html"))),
    Harmless("a content type that is none", _always(_Typed("nonsense"))),
    Harmless("chunks of 7 bytes", _always(Chunked(7))),
    Harmless("an answer that comes late, but in time", _always(Delay(0.3))),
    Harmless("an answer that comes slowly, but in time", _always(Drip(4000.0))),
    Harmless("the same keys twice: the last counts", _always(say.duplicate_keys())),
    Harmless("fields that nobody knows", _rewritten(lambda answer: answer.update(new={"a": [1]}))),
    Harmless(
        "NaN in a field that nobody reads", _rewritten(lambda answer: answer.update(n=float("nan")))
    ),
    Harmless(
        "`symbol.id`, `symbol.permtick` and `type` of other types, beside a good key",
        _rewritten(
            lambda answer: answer["portfolio"]["holdings"][SPY].update(
                symbol={"id": 7, "permtick": [], "underlying": True, "value": "SPY"}, type=0
            )
        ),
    ),
    Harmless("numbers that are decimal strings, some with an exponent", _rewritten(_with_strings)),
    Harmless("empty errors beside success", _rewritten(_nulls_are_empty)),
    Harmless(
        "names in capitals, as before 2024",
        _always(
            Transformed(
                lambda body: (
                    body.replace(b'"portfolio"', b'"Portfolio"')
                    .replace(b'"holdings"', b'"Holdings"')
                    .replace(b'"cash"', b'"Cash"')
                    .replace(b'"success"', b'"Success"')
                )
            )
        ),
    ),
    Harmless(
        "white space of a megabyte", _always(Transformed(lambda body: b" " * 1_000_000 + body))
    ),
)


def _spoilt(field: str, value: object, found: str) -> LeftOut:
    """One field of the first holding is something else."""
    name, family = _NUMBERS[field]

    def change(answer: dict[str, Any]) -> None:
        answer["portfolio"]["holdings"][SPY][field] = value

    shown = found.split(",", maxsplit=1)[0].removeprefix("found ")
    return LeftOut(
        f"`{name}` of a holding is {shown}",
        _rewritten(change),
        (f"quantconnect_holding_{family}{{",),
        {name: 1},
        found,
    )


def _cash(field: str, family: str, value: object, found: str) -> LeftOut:
    def change(answer: dict[str, Any]) -> None:
        answer["portfolio"]["cash"]["EUR"][field] = value

    shown = found.split(",", maxsplit=1)[0].removeprefix("found ")
    return LeftOut(
        f"`{field}` of a currency is {shown}",
        _rewritten(change),
        (f"quantconnect_cash_{family}{{",),
        {field: 1},
        found,
    )


def _huge(body: bytes) -> bytes:
    answer = json.loads(body)
    answer["portfolio"]["holdings"][SPY]["v"] = "HUGE"
    return json.dumps(answer).replace('"HUGE"', "1" + "0" * 400).encode()


def _key(answer: dict[str, Any]) -> None:
    holdings = answer["portfolio"]["holdings"]
    answer["portfolio"]["holdings"] = {
        ("<b>no key</b>\n" if key == SPY else key): value for key, value in holdings.items()
    }


def _kind(answer: dict[str, Any]) -> None:
    _key(answer)
    answer["portfolio"]["holdings"]["<b>no key</b>\n"]["type"] = "Tulip"


def _without_a_price(answer: dict[str, Any]) -> None:
    holding = answer["portfolio"]["holdings"][SPY]
    del holding["p"], holding["v"]
    holding.update(u=-11, up=-100)


def _symbols(symbol: object, found: str) -> LeftOut:
    what = "`symbol`" if not isinstance(symbol, dict) else "`symbol.value`"
    return LeftOut(
        f"{what} of a holding is {found.removeprefix('found ')}",
        _rewritten(lambda answer: answer["portfolio"]["holdings"][SPY].update(symbol=symbol)),
        (),
        {"symbol": 1},
        f"{found}, expected an object with a string value",
    )


def _entry(kind: str, value: object) -> Callable[[Scene], Fault]:
    def change(answer: dict[str, Any]) -> None:
        portfolio = answer["portfolio"][kind]
        portfolio["EUR" if kind == "cash" else SPY] = value

    return _rewritten(change)


_FINITE = "expected a finite number"

LEFT_OUT = (
    _spoilt("q", "ten", f'found string "ten", {_FINITE}'),
    _spoilt("a", [1], f"found array of 1, {_FINITE}"),
    _spoilt("p", {"value": 1}, f"found object of 1, {_FINITE}"),
    _spoilt("v", float("nan"), f"found number nan, {_FINITE}"),
    _spoilt("u", float("-inf"), f"found number -inf, {_FINITE}"),
    _spoilt("up", True, f"found boolean true, {_FINITE}"),
    _spoilt("r", "1,5", f'found string "1,5", {_FINITE}'),
    LeftOut(
        "a position without a price, which looks like a total loss",
        _rewritten(_without_a_price),
        tuple(
            f"quantconnect_holding_{name}{{"
            for name in ("market_price", "market_value", "unrealized_pnl", "unrealized_pnl_ratio")
        ),
        {"marketPrice": 1},
        "missing or 0 next to an average price, expected a price",
    ),
    LeftOut(
        "a position without a conversion rate: an alert is about the rate of 0",
        _rewritten(lambda answer: answer["portfolio"]["holdings"][SPY].update(r=0, v=0, u=0)),
        tuple(
            f"quantconnect_holding_{name}{{"
            for name in (
                *("conversion_rate", "market_value"),
                *("unrealized_pnl", "unrealized_pnl_ratio"),
            )
        ),
        {},
        "",
        ("quantconnect_holding_conversion_rate{",),
    ),
    LeftOut(
        "a position that is worth 0 at a price",
        _rewritten(lambda answer: answer["portfolio"]["holdings"][SPY].update(v=0)),
        ("quantconnect_holding_market_value{",),
        {"marketValue": 1},
        "missing or 0 next to a quantity, a price and a rate, expected a value",
    ),
    LeftOut(
        "a number of 401 digits",
        _always(Transformed(_huge)),
        ("quantconnect_holding_market_value{",),
        {"marketValue": 1},
        f"found number of 1329 bits, {_FINITE}",
    ),
    LeftOut(
        "a holding that is a number, beside others",
        _entry("holdings", 5),
        ("quantconnect_holding_",),
        {"other": 1},
        "found number 5, expected an object of known fields",
        ('quantconnect_holdings{account="main",project="P1",project_id="1"} 2.0',),
    ),
    LeftOut(
        "a holding whose fields all have other names, beside others: it is still a position",
        _entry("holdings", {"qty": 10, "px": 3, "mv": 30}),
        ("quantconnect_holding_",),
        {"other": 1},
        'found the name "qty", expected a known one; missing: quantity, averagePrice, marketPrice,',
        ('quantconnect_holding_info{account="main",currency_symbol="",',),
    ),
    LeftOut(
        "a key that is no security identifier, with markup and a line break",
        _rewritten(_key),
        ("quantconnect_holding_",),
        {"symbol": 1},
        "is not a base 36 number of 1 to 13 digits",
        ('symbol="<b>no key</b>\\n"',),
    ),
    LeftOut(
        "a glyph that is a number",
        _rewritten(lambda answer: answer["portfolio"]["holdings"][SPY].update(c=7)),
        ('quantconnect_holding_info{account="main",currency_symbol="$"',),
        {"currencySymbol": 1},
        "found number 7, expected a string",
        ('quantconnect_holding_info{account="main",currency_symbol="",',),
    ),
    _symbols(7, "found number 7"),
    _symbols({"value": 7}, "found number 7"),
    LeftOut(
        "`type` beside a key that is no security identifier is nothing that there is",
        _rewritten(_kind),
        ("quantconnect_holding_",),
        {"symbol": 1, "type": 1},
        "expected a security type",
        ('security_type="unknown"',),
    ),
    LeftOut(
        "`securitySymbols` of a currency is a number",
        _rewritten(lambda answer: answer["portfolio"]["cash"]["EUR"].update(securitySymbols=7)),
        (),
        {"securitySymbols": 1},
        "found number 7, expected an array",
    ),
    _cash("amount", "amount", "many", f'found string "many", {_FINITE}'),
    _cash("conversionRate", "conversion_rate", float("inf"), f"found number inf, {_FINITE}"),
    _cash("valueInAccountCurrency", "value", [], f"found array of 0, {_FINITE}"),
    LeftOut(
        "a currency that is a text, beside others",
        _entry("cash", "EUR"),
        (
            "quantconnect_cash_amount{",
            "quantconnect_cash_conversion_rate{",
            "quantconnect_cash_value{",
        ),
        {"other": 1},
        'found string "EUR", expected an object',
    ),
)


UNNOTICED = Told(
    "an odd answer", logged={}, counted=(), recovers="at once", published=Published.ALL
)


def left_out(entry: LeftOut) -> Told:
    """What each of these comes to: the head of their part of the page."""
    return Told(
        entry.title,
        published=Published.ALL,
        logged=(
            {record.LEFT_OUT: len(entry.problems), record.ALL_UNDERSTOOD: 1}
            if entry.problems
            else {}
        ),
        counted=tuple(problems(PORTFOLIO, field) for field in entry.problems),
        recovers="with the next read",
    )
