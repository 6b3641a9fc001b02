"""Randomness without state: the same seed and time always give the same number.

Prices are sums of smooth noise at periods from seconds to months. So any time in the past or future
costs the same few table look-ups, and prices have no jumps.
"""

from __future__ import annotations

import math
import random
from hashlib import blake2b

YEAR = 365.25 * 86_400.0

_SIZE = 4096
_STRIDE = 0x9E37  # odd, so that it permutes the table; near 2**16 divided by the golden ratio
_TABLE = tuple(map(random.Random("noise table").gauss, [0.0] * _SIZE, [1.0] * _SIZE))
_RISE = tuple(_TABLE[(index + _STRIDE) % _SIZE] - _TABLE[index] for index in range(_SIZE))
_PERIODS = tuple(4.0 * 6.0**n for n in range(9))  # 4 s, 24 s, … 78 days


def uniform(*parts: object) -> list[float]:
    """Return four numbers in [0, 1) that depend only on ``parts``."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=32).digest()
    return [int.from_bytes(digest[n : n + 8]) / 2**64 for n in (0, 8, 16, 24)]


class Noise:
    """A smooth random walk around 0 with a given volatility per year (0.2 is 20 %)."""

    __slots__ = ("_layers",)

    def __init__(self, name: str, volatility: float) -> None:
        salts = random.Random(name)
        self._layers = tuple(
            (1.0 / period, volatility * math.sqrt(period / YEAR), salts.randrange(_SIZE))
            for period in _PERIODS
        )

    def at(self, time: float) -> float:
        """Return the walk's value at ``time``, in unix seconds."""
        total = 0.0
        for frequency, amplitude, salt in self._layers:
            step = int(position := time * frequency)
            rest = position - step
            index = (step * _STRIDE + salt) % _SIZE
            total += amplitude * (_TABLE[index] + _RISE[index] * rest * rest * (3.0 - 2.0 * rest))
        return total
