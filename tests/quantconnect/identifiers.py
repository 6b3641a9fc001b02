"""Writes security identifiers, as Lean does, so that reading them can be tested both ways."""

from __future__ import annotations

from dataclasses import dataclass

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


@dataclass(frozen=True, kw_only=True)
class Properties:
    """The decimal fields of an identifier's number, from the right."""

    security_type: int
    market: int = 1
    scale: int = 0
    strike: int = 0
    style: int = 0
    days: int = 0
    right: int = 0

    def number(self) -> int:
        return (
            self.security_type
            + self.market * 10**2
            + self.scale * 10**5
            + self.strike * 10**7
            + self.style * 10**13
            + self.days * 10**14
            + self.right * 10**19
        )

    def key(self, ticker: str) -> str:
        return f"{ticker} {base36(self.number())}"
