"""A file's bytes to one YAML tree with line numbers, within bounds.

Nothing in the document is constructed: the tree's leaves are the texts as written, so that what
``ON``, ``012`` or ``1:30`` mean is decided by the key they stand at and not by YAML 1.1. Anchors,
aliases and ``<<`` work; what they could be abused for is bounded here and in ``reading``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.reader import Reader

from exporter.config.errors import ConfigError
from exporter.config.paths import reason

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 24
_TOO_DEEP: Final = f"nesting deeper than {MAX_DEPTH}"
_QUOTED: Final = re.compile(r""" (['"])(.*?)\1""")
# What usually lies behind PyYAML's words for a fault.
_HINTS: Final = {
    "'{'": ' (within {} and [], a value with ${NAME} needs quotes: "${NAME}")',
    "<block end>": " (is it indented as its neighbours are?)",
    "mapping values are not allowed": " (is it indented as its neighbours are? is there a "
    "value with a colon and a space in it, which needs quotes?)",
    "cannot start any token": " (a value that begins with it needs quotes)",
}


def read_document(path: Path, source: str) -> yaml.Node:
    """The root of the document in the file; raises ``ConfigError`` that begins with ``source``."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{source}: expected a file that can be read, got: {reason(error)}"
        ) from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{source}: expected at most {MAX_BYTES} bytes, got more")
    return parse_document(content, source)


def parse_document(content: bytes, source: str) -> yaml.Node:
    """The root of the document; raises ``ConfigError`` with line and column."""
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
        # A number within YAML's own syntax (an escape, a version) that Python can't hold.
        mark = loader.get_mark()
        raise ConfigError(
            f"{source}:{mark.line + 1}:{mark.column + 1}: expected valid YAML, "
            "got a number out of range"
        ) from None
    finally:
        loader.dispose()
    if root is None or root.tag == "tag:yaml.org,2002:null":
        raise ConfigError(
            f"{source}: expected at least accounts with a user_id and an api_token_file "
            "or api_token, got an empty file"
        )
    return root


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
    """A quotation if it is one of PyYAML's token names or single characters.

    It quotes the document elsewhere ("undefined alias 'x'"), and there a token could stand.
    """
    quoted = match[2]
    own = len(quoted) == 1 or quoted.startswith(("<", "\\"))
    return match[0] if own else ""


class _Loader(yaml.SafeLoader):
    """PyYAML's composer, which stops where nesting becomes an attack.

    The height of a node counts what its aliases stand for; so a tree that this gives is finite
    and at most ``MAX_DEPTH`` high, however it is walked.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._heights: dict[yaml.Node, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; an alias gives the very node that it names."""
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
