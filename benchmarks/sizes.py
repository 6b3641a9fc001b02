"""How much is measured: the whole, or little of everything to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Of the large account (projects × holdings), of the others, and how often."""

    projects: int
    holdings: int
    usual_projects: int
    usual_holdings: int
    growth: tuple[int, ...]
    """Series."""
    polls: int
    """For the memory's growth."""
    scrapes: int
    """For the quantiles, in each round."""
    rounds: int


FULL = Sizes(
    projects=100,
    holdings=150,
    usual_projects=10,
    usual_holdings=30,
    growth=(1_000, 10_000, 100_000, 1_000_000),
    polls=1_000,
    scrapes=100,
    rounds=7,
)
QUICK = Sizes(
    projects=4,
    holdings=10,
    usual_projects=2,
    usual_holdings=5,
    growth=(200, 400, 800),
    polls=8,
    scrapes=8,
    rounds=2,
)
