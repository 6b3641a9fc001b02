"""Colours and thresholds: one meaning, one colour, told apart by colour-blind eyes too.

The hues are those of Okabe and Ito's palette. Ordinary values take the theme's text colour, so
that colour on a page means that something deserves a look.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

# Blue, vermillion and ochre: dark enough for text on white, light enough for text on black.
GAIN = "#3087C6"
LOSS = "#D55E00"
WARNING = "#BF8700"
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


def on_background(steps: Thresholds) -> Thresholds:
    """The same steps for a panel that is coloured as a whole: what is calm has no colour."""
    return tuple(
        step._replace(color="transparent") if step.color == CALM else step for step in steps
    )


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


def mappings(
    states: tuple[State, ...], *, texts: tuple[State, ...] = (), missing: str = "–"
) -> list[dict[str, Any]]:
    """Grafana's value mappings for `states`; a missing value is `missing`, without colour.

    The values of `texts` are regular expressions, such as "/^no (.+)$/".

    Without that, a missing value takes the colour of the lowest threshold, which is often a loss.
    NaN is left alone: to Grafana 9.4 every text is one.
    """
    options = {
        state.value: {"color": state.color, "index": index, "text": state.text}
        for index, state in enumerate(states)
    }
    result = {"color": CALM, "index": len(states), "text": missing}
    found: list[dict[str, Any]] = [{"type": "value", "options": options}] if states else []
    for text in texts:
        shown = {"color": text.color, "index": 0, "text": text.text}
        found.append({"type": "regex", "options": {"pattern": text.value, "result": shown}})
    return [*found, {"type": "special", "options": {"match": "null", "result": result}}]


def rounded_zero(decimals: int) -> dict[str, Any]:
    """The mapping of what is rounded to 0: written without a sign, neither profit nor loss."""
    most = math.nextafter(0.5 * 10.0**-decimals, 0)
    result = {"color": CALM, "index": 0, "text": "0"}
    return {"type": "range", "options": {"from": -most, "to": most, "result": result}}
