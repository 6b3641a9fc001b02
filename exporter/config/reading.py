"""A YAML tree laid over the schema: every value that fits, and a problem for each that doesn't.

The schema leads the walk, so nothing is visited that it does not know. A value that does not fit
is left at its default, and its path is marked, so that what spans several keys can still be
checked for the rest (see ``validation``).
"""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

import msgspec
import yaml
from msgspec import UNSET, UnsetType

from exporter.config import phrases
from exporter.config.environment import SubstitutionError, substitute
from exporter.config.errors import ConfigError, Problems
from exporter.config.hints import hint, shorthand
from exporter.config.leaf import Leaf, leaf_of
from exporter.config.mapping import Pair, describe, is_null, is_tagged, line_of, pairs
from exporter.config.schema import Document, Entry
from exporter.config.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec.structs import FieldInfo

# Aliases let a small file stand for a huge one: what they stand for is counted each time.
MAX_VALUES: Final = 100_000


def read(
    root: yaml.Node, environ: Mapping[str, str], problems: Problems, source: str
) -> tuple[Document, frozenset[str]]:
    """The document that ``root`` gives, and the environment variables that it refers to.

    What is wrong with it is in ``problems``.
    """
    walk = _Walk(environ, problems, source)
    document = walk.value(Pair(line_of(root), root), Document, "")
    return document if isinstance(document, Document) else Document(), frozenset(walk.variables)


class _Walk:
    """One walk over a tree; its methods give ``UNSET`` for what does not fit."""

    def __init__(self, environ: Mapping[str, str], problems: Problems, source: str) -> None:
        self._environ = environ
        self._problems = problems
        self._source = source
        self._values = 0
        self.variables: set[str] = set()

    def value(self, pair: Pair, annotation: Any, path: str) -> Any:
        """What the node gives as the schema's type ``annotation``."""
        self._count()
        annotation = _without_absence(annotation)
        kind = get_origin(annotation)
        self._problems.locate(path, line=pair.line, got=describe(pair.node))
        if is_tagged(pair.node):
            self._problems.add(path, "a value without a tag")
            return UNSET
        if kind is Annotated:
            return self._scalar(pair, leaf_of(annotation), path)
        if kind is tuple:
            return self._list(pair.node, get_args(annotation)[0], path)
        if not isinstance(pair.node, yaml.MappingNode):
            text = pair.node.value if isinstance(pair.node, yaml.ScalarNode) else ""
            self._problems.add(
                path, "a mapping of keys to values", because=shorthand(annotation, text)
            )
            return UNSET
        members = pairs(pair.node, path, self._problems, self._count)
        if kind is dict:
            return self._dict(members, *get_args(annotation), path=path)
        return self._entry(members, annotation, path)

    def _entry(self, members: Mapping[str, Pair], entry: type[Entry], path: str) -> Entry:
        fields = _fields(entry)
        values: dict[str, Any] = {}
        for key, member in members.items():
            place = phrases.child(path, key)
            if key not in fields:
                self._problems.locate(place, line=member.line, got="another")
                self._problems.add(place, "a known key", because=hint(key, fields))
                continue
            value = self.value(member, fields[key].type, place)
            if value is not UNSET:
                values[key] = value
        for name, field in fields.items():
            if field.default is UNSET and name not in members:
                place = phrases.child(path, name)
                present = _without_absence(field.type)
                is_leaf = get_origin(present) is Annotated
                expected = leaf_of(present).expected if is_leaf else _list_of(place)
                self._problems.add(place, expected, at=path)
        return entry(**values)

    def _dict(
        self, members: Mapping[str, Pair], key_type: Any, value_type: Any, *, path: str
    ) -> dict[Any, Any]:
        leaf = leaf_of(key_type)
        table: dict[Any, Any] = {}
        for key, member in members.items():
            place = phrases.child(path, key)
            value = self.value(member, value_type, place)
            try:
                table[leaf.convert(key)] = value
            except ValueError as error:
                got = phrases.describe_text(key, quoted=True)
                self._problems.add(place, f"as key {leaf.expected}", got=got, because=str(error))
        return table

    def _list(self, node: yaml.Node, item_type: Any, path: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            because = ""
            if isinstance(node, yaml.MappingNode):
                because = (
                    "put [ ] around it" if node.flow_style else 'put "- " before its first key'
                )
            self._problems.add(path, _list_of(path), because=because)
            return UNSET
        values = []
        for index, part in enumerate(node.value):
            pair = Pair(line_of(part), part)
            value = self.value(pair, item_type, phrases.item(path, index))
            # What has failed keeps its place, so that the others keep their index; an entry is
            # an empty one then.
            is_entry = get_origin(item_type) is None
            values.append(item_type() if value is UNSET and is_entry else value)
        return tuple(values)

    def _scalar(self, pair: Pair, leaf: Leaf, path: str) -> Any:
        node = pair.node
        if not isinstance(node, yaml.ScalarNode) or is_null(node):
            self._problems.add(path, leaf.expected)
            return UNSET
        try:
            text, names = substitute(node.value, self._environ)
        except SubstitutionError as error:
            self._problems.add(path, error.expected, got=error.got)
            return UNSET
        self.variables.update(names)
        quoted = node.style is not None and not names
        if leaf.kind is Secret:
            got = phrases.describe_secret(text)
        elif names:
            got = phrases.describe_variables(text, names)
        else:
            got = phrases.describe_text(text, quoted=quoted)
        self._problems.locate(path, line=pair.line, got=got)
        try:
            return leaf.convert(text, quoted=quoted)
        except ValueError as error:
            self._problems.add(path, leaf.expected, because=str(error) if text.strip() else "")
            return UNSET

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ConfigError(
                f"{self._source}: expected at most {MAX_VALUES} keys and values, aliases "
                "counted as what they stand for, got more"
            )


@cache
def _fields(entry: type[Entry]) -> dict[str, FieldInfo]:
    return {field.name: field for field in msgspec.structs.fields(entry)}


def _without_absence(annotation: Any) -> Any:
    """``T`` of ``T | None`` and ``T | UnsetType``."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    (present,) = (part for part in get_args(annotation) if part not in (NoneType, UnsetType))
    return present


def _list_of(path: str) -> str:
    return f"a list of {path.rpartition('.')[2]}"
