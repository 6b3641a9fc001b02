"""The pairs of a YAML mapping: each key once, ``<<`` merged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import yaml

from exporter.config import phrases

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.errors import Problems

_TAG: Final = "tag:yaml.org,2002:"
_NAMES: Final = "map seq str int float bool null timestamp value merge"
_TAGS: Final = frozenset(_TAG + name for name in _NAMES.split())


class Pair(NamedTuple):
    """A value, and the line of its key."""

    line: int
    node: yaml.Node


def pairs(
    node: yaml.MappingNode, path: str, problems: Problems, count: Callable[[], None]
) -> dict[str, Pair]:
    """What ``node`` maps; a merged key counts where there is none of the mapping's own.

    Keys are their text as written: ``ON`` is the ticker, not YAML 1.1's true. ``count`` is called
    for each pair that is looked at, and may raise.
    """
    own: dict[str, Pair] = {}
    merged: dict[str, Pair] = {}
    for key, value in node.value:
        count()
        line = line_of(key)
        if key.tag == _TAG + "merge":
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                count()
                if isinstance(source, yaml.MappingNode):
                    merged = pairs(source, path, problems, count) | merged
                else:
                    place = phrases.child(path, "<<")
                    problems.locate(place, line=line, got=describe(source))
                    problems.add(place, "a mapping, or a list of mappings, to merge")
        elif not isinstance(key, yaml.ScalarNode) or is_tagged(key):
            place = phrases.child(path, "(key)")
            problems.locate(place, line=line, got=describe(key))
            problems.add(place, "a text as key")
        elif key.value in own:
            place = phrases.child(path, key.value)
            problems.locate(place, line=line, got="it again")
            problems.add(place, "each key once", because=f"it is on line {own[key.value].line} too")
        else:
            own[key.value] = Pair(line, value)
    return merged | own


def line_of(node: yaml.Node) -> int:
    """The line on which ``node`` begins, counted from 1."""
    return int(node.start_mark.line) + 1


def is_null(node: yaml.Node) -> bool:
    """Whether nothing is written there: null, ~ or really nothing."""
    return bool(node.tag == _TAG + "null")


def is_tagged(node: yaml.Node) -> bool:
    """Whether it asks, with a tag such as ``!include``, for more than YAML's own types."""
    return node.tag not in _TAGS


def describe(node: yaml.Node) -> str:
    """``node`` where it can't be, for a message; only a harmless text is quoted."""
    if is_tagged(node):
        return "one with a tag (!)"
    if is_null(node):
        return "nothing"
    if isinstance(node, yaml.ScalarNode):
        return phrases.describe_text(node.value, quoted=node.style is not None)
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
