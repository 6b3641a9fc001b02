"""JSON drawn from bytes: the names that QuantConnect uses, and values that it should not."""

from __future__ import annotations

NAMES = (
    *("success", "Success", "errors", "messages", "Message", "errorCode", "portfolio", "Portfolio"),
    *("holdings", "Holdings", "cash", "Cash", "live", "projects", "projectId", "name", "status"),
    *("q", "a", "p", "v", "u", "up", "r", "c", "quantity", "Quantity", "averagePrice", "symbol"),
    *("marketPrice", "marketValue", "unrealizedPnl", "unrealizedPnLPercent", "conversionRate"),
    *("currencySymbol", "type", "value", "amount", "valueInAccountCurrency", "securitySymbols"),
    *("securitySymbol", "deployId", "launched", "stopped", "brokerage", "environment", "equity"),
    *("error", "runtimeStatistics", "serverStatistics", "Equity", "Fees", "Return", "CPU Usage"),
    *("Used RAM (MB)", "Up Time", "USD", "EUR", "SPY R735QTJ8XC9X", "AAPL 1", "ES VU1EHIDJYJXD"),
    *("SPY XZ 31 | SPY R735QTJ8XC9X", "", 'a"b\\c\nd', "\ud800", "é", "x" * 300),
)
TEXTS = (
    *("", "Running", "runtime error", "$1,234.50", "-$3.44", "$-3.44", "67.609%", "1.69 %", "NaN"),
    *("2026-01-02 03:04:05", "2026-01-02T03:04:05Z", "0001-01-01T00:00:00", "9999-99-99 99:99:99"),
    *("1d 02:03:04", "Hash doesn't match", "rate limit", "<script>", "\n# HELP x", "\ud800", "\0"),
    *("1e999", "€", "1e-999", "16384", "9" * 400, "- $ 1", "a" * 5000),
)
NUMBERS = (
    *(0, -0.0, 1, -1, 1.5, 1e308, -1e308, 5e-324, 1e15, 123456789012345678, 10**400, -(10**20)),
    *(float("nan"), float("inf"), float("-inf"), 2**53 + 1, 0.1, 100, 10002),
)
_DEEPEST = 6


class Drawn:
    """Takes bytes one after the other; zeros when there are no more."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def below(self, bound: int) -> int:
        """A number from 0 to before ``bound``."""
        value = self._data[self._at] if self._at < len(self._data) else 0
        self._at += 1
        return value % bound

    @property
    def spent(self) -> bool:
        """Whether there are no more bytes."""
        return self._at >= len(self._data)

    def rest(self) -> bytes:
        """All bytes that are left."""
        taken, self._at = self._data[self._at :], len(self._data)
        return taken

    def value(self, depth: int = 0) -> object:
        """Any JSON value, objects the likeliest."""
        kind = self.below(10)
        if self.spent or (depth > _DEEPEST and kind > 5):
            kind %= 5
        match kind:
            case 0:
                return None
            case 1:
                return bool(self.below(2))
            case 2 | 3:
                return NUMBERS[self.below(len(NUMBERS))]
            case 4:
                return TEXTS[self.below(len(TEXTS))]
            case 5:
                return [self.value(depth + 1) for _ in range(self.below(4))]
            case _:
                return self.fields(depth)

    def fields(self, depth: int = 0) -> dict[str, object]:
        """A JSON object of up to 8 fields."""
        names = [NAMES[self.below(len(NAMES))] for _ in range(self.below(9))]
        return {name: self.value(depth + 1) for name in names}

    def payload(self) -> dict[str, object]:
        """An answer that says success, with the sections that are looked for."""
        holdings = {
            NAMES[self.below(len(NAMES))]: self.fields(3) if self.below(4) else self.value(3)
            for _ in range(self.below(5))
        }
        cash = {
            NAMES[self.below(len(NAMES))]: self.fields(3) if self.below(4) else self.value(3)
            for _ in range(self.below(4))
        }
        sections: dict[str, object] = {
            "success": True,
            "portfolio": {"holdings": holdings, "cash": cash},
            "live": [self.fields(3) for _ in range(self.below(4))],
            "runtimeStatistics": self.fields(4),
            "serverStatistics": self.fields(4),
            "projects": [self.fields(4) for _ in range(self.below(3))],
        }
        if not self.below(4):
            sections[NAMES[self.below(len(NAMES))]] = self.value(2)
        if not self.below(8):
            sections["portfolio"] = self.value(1)
        return sections
