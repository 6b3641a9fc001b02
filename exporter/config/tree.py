"""The YAML tree of a file, with line numbers and within bounds.

Nothing in the document is constructed: the leaves of the tree are texts as written, so the key
decides what ``ON``, ``012`` or ``1:30`` mean, and not YAML 1.1. Anchors, aliases and ``<<`` work;
here and in ``reader`` they are bounded, since a small file with aliases can stand for a huge one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.reader import Reader

from exporter.config.problems import ConfigError, child, describe_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.problems import Problems

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 24
_TOO_DEEP: Final = f"nesting deeper than {MAX_DEPTH}"
_TAG: Final = "tag:yaml.org,2002:"
_NAMES: Final = "map seq str int float bool null timestamp value merge"
_TAGS: Final = frozenset(_TAG + name for name in _NAMES.split())
_QUOTED: Final = re.compile(r""" (['"])(.*?)\1""")
# The usual mistake behind each of PyYAML's messages.
_HINTS: Final = {
    "'{'": ' (within {} and [], a value with ${NAME} needs quotes: "${NAME}")',
    "<block end>": " (is it indented as its neighbours are?)",
    "mapping values are not allowed": " (is it indented as its neighbours are? is there a "
    "value with a colon and a space in it, which needs quotes?)",
    "cannot start any token": " (a value that begins with it needs quotes)",
}


def parse(content: bytes, source: str) -> yaml.Node | None:
    """Return the root of the document, or None if the document is empty or null.

    Raises ``ConfigError`` with line and column.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{source}:{line}: expected UTF-8 text, got other bytes") from None
    # PyYAML finds this too, but does not say where.
    strange = Reader.NON_PRINTABLE.search(text)
    if strange is not None:
        line = text.count("\n", 0, strange.start()) + 1
        column = strange.start() - text.rfind("\n", 0, strange.start())
        raise ConfigError(
            f"{source}:{line}:{column}: expected text, "
            f"got the control character U+{ord(strange[0]):04X}"
        )
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax_error(error, source)) from None
    except (ValueError, OverflowError):
        # A number within YAML's own syntax (an escape, a version) that Python cannot hold.
        mark = loader.get_mark()
        raise ConfigError(
            f"{source}:{mark.line + 1}:{mark.column + 1}: expected valid YAML, "
            "got a number out of range"
        ) from None
    finally:
        loader.dispose()
    return None if root is None or is_null(root) else root


class Pair(NamedTuple):
    """A value of a mapping, and the line of its key."""

    line: int
    node: yaml.Node


def pairs(
    node: yaml.MappingNode, path: str, problems: Problems, count: Callable[[], None]
) -> dict[str, Pair]:
    """Return the pairs of a mapping; a merged key counts where the mapping has none of its own.

    Keys are their text as written: ``ON`` is the ticker, not YAML 1.1's true. ``count`` is called
    for each pair, and may raise.
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
                    place = child(path, "<<")
                    problems.locate(place, line=line, got=describe(source))
                    problems.add(place, "a mapping, or a list of mappings, to merge")
        elif not isinstance(key, yaml.ScalarNode) or is_tagged(key):
            place = child(path, "(key)")
            problems.locate(place, line=line, got=describe(key))
            problems.add(place, "a text as key")
        elif key.value in own:
            place = child(path, key.value)
            problems.locate(place, line=line, got="it again")
            problems.add(place, "each key once", because=f"it is on line {own[key.value].line} too")
        else:
            own[key.value] = Pair(line, value)
    return merged | own


def line_of(node: yaml.Node) -> int:
    """Return the line on which ``node`` begins, counted from 1."""
    return int(node.start_mark.line) + 1


def is_null(node: yaml.Node) -> bool:
    """Return whether the node is null: ``null``, ``~`` or nothing at all."""
    return bool(node.tag == _TAG + "null")


def is_tagged(node: yaml.Node) -> bool:
    """Return whether the node has a tag, such as ``!include``, beyond YAML's own types."""
    return node.tag not in _TAGS


def describe(node: yaml.Node) -> str:
    """Return the words for a node at a place where it does not fit."""
    if is_tagged(node):
        return "one with a tag (!)"
    if is_null(node):
        return "nothing"
    if isinstance(node, yaml.ScalarNode):
        return describe_text(node.value, quoted=node.style is not None)
    return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"


def _syntax_error(error: yaml.MarkedYAMLError, source: str) -> str:
    mark = error.problem_mark or error.context_mark
    assert mark is not None  # noqa: S101 - every error of PyYAML's parser has one
    said = ", ".join(part for part in (error.context, error.problem) if part)
    hint = next((hint for words, hint in _HINTS.items() if words in said), "")
    fault = _QUOTED.sub(_own_words, said) + hint
    where = f"{source}:{mark.line + 1}:{mark.column + 1}"
    if r"'\t'" in said:
        assert mark.buffer is not None  # noqa: S101 - of a text, PyYAML keeps all
        before = mark.buffer[mark.pointer - mark.column : mark.pointer]
        do = "write a space" if before.strip(" -") else "indent with spaces"
        return f"{where}: invalid YAML: a tab; {do}"
    return f"{where}: expected valid YAML, got a fault: {fault}"


def _own_words(match: re.Match[str]) -> str:
    """Keep a quotation only if it is one of PyYAML's token names or a single character.

    Other quotations are of the document ("undefined alias 'x'") and could contain a token.
    """
    quoted = match[2]
    own = len(quoted) == 1 or quoted.startswith(("<", "\\"))
    return match[0] if own else ""


class _Loader(yaml.SafeLoader):
    """PyYAML's composer with a limit on nesting.

    The height of a node includes that of its aliases, so a tree is finite and at most
    ``MAX_DEPTH`` high, however it is walked.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._heights: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node; an alias gives the very node that it names."""
        is_alias = self.check_event(AliasEvent)
        mark = self.current_event.start_mark
        self._depth += 1
        # Checked on the way down, before the nesting can exhaust Python's stack.
        if self._depth > MAX_DEPTH:
            raise ComposerError(None, None, _TOO_DEEP, mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        assert node is not None  # noqa: S101 - the stub's None is for an exhausted stream
        if is_alias:
            if node not in self._heights:
                raise ComposerError(None, None, "an alias within what it stands for", mark)
            return node
        height = 1 + max((self._heights[part] for part in _parts(node)), default=0)
        if height > MAX_DEPTH:
            raise ComposerError(None, None, _TOO_DEEP, mark)
        self._heights[node] = height
        return node


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []
