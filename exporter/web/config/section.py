"""A mapping of the file, whose values are taken out one by one and checked.

The words of the messages and the bounds on YAML are those of the exporter's own configuration.
In one thing it differs: a key without a value is as good as none, as it is for Go.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final, TypeVar

import yaml

from exporter.config import problems as phrases
from exporter.config.problems import ConfigError
from exporter.config.tree import Pair, describe, is_null, is_tagged, line_of, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.config.problems import Problems

T = TypeVar("T")

# Aliases let a small file stand for a huge one.
MAX_VALUES: Final = 10_000


class Count:
    """How many keys and values were looked at."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._values = 0

    def __call__(self) -> None:
        """One more; raises ``ConfigError`` beyond ``MAX_VALUES``."""
        self._values += 1
        if self._values > MAX_VALUES:
            raise ConfigError(
                f"{self._source}: expected at most {MAX_VALUES} keys and values, aliases "
                "counted as what they stand for, got more"
            )


class Section:
    """What stands under one key. ``None`` from a method is a value that is absent or bad."""

    def __init__(
        self, pair: Pair, path: str, problems: Problems, count: Count, *, secret: bool = False
    ) -> None:
        self.path = path
        self._problems = problems
        self._count = count
        self._members: Mapping[str, Pair] = {}
        if is_null(pair.node):
            return
        got = describe(pair.node)
        if secret and isinstance(pair.node, yaml.ScalarNode):
            got = phrases.describe_secret(pair.node.value)
        problems.locate(path, line=pair.line, got=got)
        if is_tagged(pair.node):
            problems.add(path, "a value without a tag")
        elif not isinstance(pair.node, yaml.MappingNode):
            problems.add(path, "a mapping of keys to values")
        else:
            self._members = pairs(pair.node, path, problems, count)

    def know(self, *known: str, homes: Mapping[str, str] | None = None) -> Section:
        """Make every other key a problem; ``homes`` says where a key is at home."""
        for key in self:
            if key not in known:
                place = self.locate(key, got="another")
                near = difflib.get_close_matches(key[:64].lower(), known, n=1, cutoff=0.8)
                home = (homes or {}).get(key)
                hint = f"known here: {', '.join(known)}"
                if near:
                    hint = f"did you mean {near[0]}?"
                elif home:
                    hint = f"it belongs in {home}"
                self._problems.add(place, "a known key", because=hint)
        return self

    def forget_empty(self, *keys: str) -> Section:
        """Take an empty text under one of these for no value, as Go does."""
        self._members = {
            key: pair
            for key, pair in self._members.items()
            if key not in keys or is_tagged(pair.node) or pair.node.value != ""
        }
        return self

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def given(self, key: str) -> bool:
        """Whether something, right or wrong, stands there."""
        return key in self._members and not is_null(self._members[key].node)

    def at(self, key: str) -> str:
        """The path of ``key``."""
        return phrases.child(self.path, key)

    def locate(self, key: str, *, got: str) -> str:
        """The path of ``key``, of which messages say that it holds ``got``."""
        self._problems.locate(self.at(key), line=self._members[key].line, got=got)
        return self.at(key)

    def section(self, key: str, *, secret: bool = False) -> Section:
        """The mapping under ``key``, an empty one if there is none."""
        pair = self._members.get(key)
        if pair is None:
            nothing = yaml.MappingNode("tag:yaml.org,2002:null", [])
            return Section(Pair(0, nothing), self.at(key), self._problems, self._count)
        return Section(pair, self.at(key), self._problems, self._count, secret=secret)

    def value(
        self,
        key: str,
        expected: str,
        parse: Callable[[str], T],
        *,
        secret: bool = False,
        quotable: bool = True,
        needed: bool = False,
    ) -> T | None:
        """What ``parse`` makes of the text under ``key``.

        A ``secret`` is never shown; text in quotes is none that is not ``quotable``; what is
        ``needed`` must not be null.
        """
        if not self.given(key) and not (needed and key in self._members):
            return None
        return self._leaf(self._members[key], self.at(key), expected, parse, secret, quotable)

    def values(
        self, key: str, expected: str, parse: Callable[[str], T]
    ) -> tuple[T | None, ...] | None:
        """The items of the list under ``key``, with None for each that is bad."""
        if not self.given(key):
            return None
        pair, path = self._members[key], self.at(key)
        self._problems.locate(path, line=pair.line, got=describe(pair.node))
        if is_tagged(pair.node) or not isinstance(pair.node, yaml.SequenceNode):
            self._problems.add(path, f"a list, each item {expected}")
            return None
        return tuple(
            self._leaf(
                Pair(line_of(item), item), phrases.item(path, index), expected, parse, False, True
            )
            for index, item in enumerate(pair.node.value)
        )

    def _leaf(
        self,
        pair: Pair,
        path: str,
        expected: str,
        parse: Callable[[str], T],
        secret: bool,
        quotable: bool,
    ) -> T | None:
        self._count()
        node = pair.node
        got = describe(node)
        if secret and isinstance(node, yaml.ScalarNode) and not is_null(node):
            got = phrases.describe_secret(node.value)
        self._problems.locate(path, line=pair.line, got=got)
        try:
            return parse(_text(node, quotable=quotable))
        except ValueError as error:
            self._problems.add(path, expected, because=str(error))
            return None


def _text(node: yaml.Node, *, quotable: bool) -> str:
    if not isinstance(node, yaml.ScalarNode) or is_null(node) or is_tagged(node):
        raise ValueError
    if not quotable and node.style is not None:
        raise ValueError("in quotes it is text")
    text = str(node.value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it has half of a surrogate pair in it")
    return text
