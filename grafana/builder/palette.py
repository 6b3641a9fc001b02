"""Colours and thresholds: one meaning, one colour, told apart by colour-blind eyes too.

The hues are Okabe and Ito's palette. Ordinary values take the theme's text colour, so that colour
on a page means that something deserves a look.
"""

from __future__ import annotations

from typing import Any, NamedTuple

GAIN = "#56B4E9"  # sky blue
LOSS = "#D55E00"  # vermillion
WARNING = "#E69F00"  # orange
CRITICAL = "#D55E00"
CALM = "text"
MUTED = "#8E9BAE"
LONG = "#0072B2"
SHORT = "#CC79A7"
ACCENT = "#009E73"
PURPLE = "#B07AA1"


class Step(NamedTuple):
    """From `value` upwards, this colour; None is minus infinity."""

    value: float | None
    color: str


Thresholds = tuple[Step, ...]

PLAIN: Thresholds = (Step(None, CALM),)
NEGATIVE: Thresholds = (Step(None, WARNING), Step(0, CALM))
PROFIT_AND_LOSS: Thresholds = (Step(None, LOSS), Step(0, CALM), Step(1e-9, GAIN))


def rising(*, warning: float | None = None, critical: float | None = None) -> Thresholds:
    """Calm at first, then a warning and critical: for what hurts when it grows."""
    steps = [Step(None, CALM)]
    if warning is not None:
        steps.append(Step(warning, WARNING))
    if critical is not None:
        steps.append(Step(critical, CRITICAL))
    return tuple(steps)


def falling(*, warning: float) -> Thresholds:
    """A warning below `warning`: for what hurts when it shrinks."""
    return (Step(None, WARNING), Step(warning, CALM))


def thresholds(steps: Thresholds) -> dict[str, Any]:
    """Grafana's form of `steps`, which must rise from minus infinity."""
    values = [step.value for step in steps]
    bounds = [value for value in values[1:] if value is not None]
    if values[:1] != [None] or len(bounds) != len(values) - 1 or bounds != sorted(bounds):
        raise ValueError(f"thresholds must begin with None and rise, not {values}")
    return {
        "mode": "absolute",
        "steps": [{"color": step.color, "value": step.value} for step in steps],
    }


class State(NamedTuple):
    """What a value is called and how it is coloured."""

    value: str
    text: str
    color: str


def mappings(states: tuple[State, ...]) -> list[dict[str, Any]]:
    """Grafana's value mappings for `states`."""
    if not states:
        return []
    options = {
        state.value: {"color": state.color, "index": index, "text": state.text}
        for index, state in enumerate(states)
    }
    return [{"type": "value", "options": options}]
