"""The wire format of portfolios, in QuantConnect's three encodings.

Sources for names, rounding and omitted defaults: LEAN's Common/Global.cs (Holding,
HoldingJsonConverter) and Common/Securities/Cash.cs.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.simulator.instruments import GLYPHS, crypto, forex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.instruments import Instrument
    from exporter.simulator.project import Format
    from exporter.simulator.state import AccountState, Cash, Holding

Json = dict[str, object]


def dumps(answer: object) -> bytes:
    """Return JSON as PHP's json_encode writes it: compact, ASCII, slashes escaped."""
    return json.dumps(answer, separators=(",", ":")).replace("/", r"\/").encode()


def portfolio(state: AccountState, written: Format) -> Json:
    """Return the ``portfolio`` object of live/portfolio/read."""
    holding = {"short": _short, "long": _long, "pascal": _pascal}[written.encoding]
    holdings = {key: holding(entry.on_wire()) for key, entry in state.holdings.items()}
    cash = {
        currency: _cash(entry, state.currency, written) for currency, entry in state.cash.items()
    }
    answer: Json = {
        "holdings": or_list(holdings, written),
        "cash": or_list(cash, written),
    }
    return _capitalised(answer) if written.encoding == "pascal" else answer


def date(time: float | None, written: Format) -> str | None:
    """Return a time in UTC, in a project's format."""
    if time is None:
        return None
    moment = datetime.fromtimestamp(math.floor(time), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ" if written.iso_dates else "%Y-%m-%d %H:%M:%S")


def moment(time: float) -> str:
    """Return the time of an order or a trade: ISO, UTC, to the microsecond."""
    return datetime.fromtimestamp(round(time, 6), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def or_list(mapping: Mapping[str, object], written: Format) -> object:
    """Return ``mapping``, or ``[]`` for an empty one if the format requires it."""
    return [] if not mapping and written.empty_as_list else mapping


def number(value: float) -> float | int:
    """Return ``value``, as an integer if it is one, as decimals are written."""
    return int(value) if value.is_integer() else value


def _short(holding: Holding) -> Json:
    """Return today's encoding: names of one or two letters, defaults omitted."""
    fields = {
        "a": holding.average_price,
        "q": holding.quantity,
        "p": holding.market_price,
        "v": holding.market_value,
        "u": holding.unrealized_pnl,
        "up": holding.unrealized_pnl_percent,
    }
    answer: Json = {name: number(value) for name, value in fields.items() if value}
    if holding.conversion_rate != 1.0:
        answer["r"] = number(holding.conversion_rate)
    sign = glyph(holding.instrument.quote_currency)
    if sign != "$":
        answer["c"] = sign
    return answer


def _long(holding: Holding) -> Json:
    """Return the encoding of 2024: full names, the symbol, the type as a number."""
    return {
        "symbol": symbol(holding.instrument),
        "type": int(holding.instrument.security_type),
        "currencySymbol": glyph(holding.instrument.quote_currency),
        "averagePrice": number(holding.average_price),
        "quantity": number(holding.quantity),
        "marketPrice": number(holding.market_price),
        "conversionRate": number(holding.conversion_rate),
        "marketValue": number(holding.market_value),
        "unrealizedPnl": number(holding.unrealized_pnl),
        "unrealizedPnLPercent": number(holding.unrealized_pnl_percent),
    }


def _pascal(holding: Holding) -> Json:
    """Return the encoding before 2024: capitals, and no percentage."""
    answer = _capitalised(_long(holding))
    del answer["UnrealizedPnLPercent"]
    answer["Symbol"] = _capitalised_symbol(symbol(holding.instrument))
    return answer


def _cash(cash: Cash, account_currency: str, written: Format) -> Json:
    pairs = [symbol(pair) for pair in _conversion_pairs(cash.currency, account_currency)]
    pascal = written.encoding == "pascal"
    answer: Json = {
        "securitySymbols": [_capitalised_symbol(pair) for pair in pairs] if pascal else pairs,
        "symbol": cash.currency,
        "amount": number(cash.amount),
        "conversionRate": number(cash.conversion_rate),
        "currencySymbol": glyph(cash.currency),
        "valueInAccountCurrency": number(cash.value),
    }
    return _capitalised(answer) if pascal else answer


def _conversion_pairs(currency: str, account_currency: str) -> list[Instrument]:
    """Return the securities whose prices convert ``currency``: none for the account's own."""
    if currency == account_currency:
        return []
    if currency in {"BTC", "ETH", "SOL", "USDT"}:
        return [crypto(currency + "USD", currency)]
    if account_currency == "USD":
        return [forex("USDJPY" if currency == "JPY" else currency + "USD")]
    return [forex(account_currency + currency)]


def symbol(instrument: Instrument) -> Json:
    """Return LEAN's ``Symbol``, with its first ticker as ``permtick``."""
    answer: Json = {
        "value": display(instrument),
        "id": instrument.key,
        "permtick": instrument.key.partition(" ")[0],
    }
    if instrument.underlying is not None:
        answer["underlying"] = symbol(instrument.underlying)
    return answer


def display(instrument: Instrument) -> str:
    """Return LEAN's ``Symbol.Value``: an option in OSI style, a future as root, day, month and
    year."""
    if instrument.expiry is None:
        return instrument.ticker
    if instrument.underlying is None:
        return f"{instrument.ticker}{instrument.expiry:%d%b%y}".upper()
    right = "P" if instrument.put else "C"
    thousandths = round(instrument.strike * 1000)
    return f"{instrument.ticker:<6}{instrument.expiry:%y%m%d}{right}{thousandths:08d}"


def _capitalised(answer: Json) -> Json:
    return {name[0].upper() + name[1:]: value for name, value in answer.items()}


def _capitalised_symbol(symbol: Json) -> Json:
    answer = {"Value": symbol["value"], "ID": symbol["id"], "Permtick": symbol["permtick"]}
    underlying = symbol.get("underlying")
    if isinstance(underlying, dict):
        answer["Underlying"] = _capitalised_symbol(underlying)
    return answer


def glyph(currency: str) -> str:
    """Return LEAN's symbol of a currency, or its code."""
    return GLYPHS.get(currency, currency)
