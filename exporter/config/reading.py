"""A YAML tree laid over the schema: every value that fits, and a problem for each that doesn't.

The schema leads the walk, so nothing is visited that it does not know. A value that does not fit
is left at its default, and its path is marked, so that what spans several keys can still be
checked for the rest (see ``validation``).
"""

from __future__ import annotations

import difflib
import re
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, Union, get_args, get_origin

import msgspec
import yaml
from msgspec import UNSET, Meta, UnsetType

from exporter.config import phrases
from exporter.config.environment import SubstitutionError, substitute
from exporter.config.errors import ConfigError, Problems
from exporter.config.schema import Document, Entry
from exporter.config.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

# Aliases let a small file stand for a huge one: values are counted as often as they are used.
MAX_VALUES: Final = 100_000
_YAML: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = frozenset(
    _YAML + tag for tag in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SWITCH: Final = {"true": True, "false": False}


class Leaf(NamedTuple):
    """A schema type that stands for one scalar."""

    kind: Any
    meta: Meta
    annotation: Any

    @property
    def expected(self) -> str:
        """What an error message says belongs here."""
        return self.meta.description or ""

    def convert(self, text: str, *, quoted: bool) -> Any:
        """The value of ``text``; raises ``ValueError`` with the reason, which may be empty."""
        if any("\ud800" <= character <= "\udfff" for character in text):
            # From an escape in the file, or from bytes of the environment that are not UTF-8;
            # it could not be written to anyone later.
            raise ValueError("it has half of a surrogate pair in it")
        value: Any = text
        if self.meta.extra is not None:
            value = self.meta.extra["parse"](text)
        elif self.kind is not str and quoted:
            raise ValueError("in quotes it is text")
        elif self.kind is bool:
            value = _SWITCH.get(text.lower())
        elif self.kind is int:
            value = int(text) if _WHOLE.fullmatch(text) else None
        elif self.kind is float:
            value = float(text) if _NUMBER.fullmatch(text) else None
        try:
            return msgspec.convert(value, self.annotation)
        except msgspec.ValidationError:
            raise ValueError from None


def leaf_of(annotation: Any) -> Leaf:
    """The leaf that ``annotation``, an ``Annotated`` type of the schema, stands for."""
    kind, meta = get_args(annotation)
    return Leaf(kind, meta, annotation)


def read(root: yaml.Node, environ: Mapping[str, str], problems: Problems, source: str) -> Document:
    """The document that ``root`` gives; what is wrong with it is in ``problems``."""
    walk = _Walk(environ, problems, source)
    document = walk.value(root, Document, "")
    return document if isinstance(document, Document) else Document()


class _Walk:
    """One walk over a tree; ``value`` and what it calls give ``UNSET`` for what does not fit."""

    def __init__(self, environ: Mapping[str, str], problems: Problems, source: str) -> None:
        self._environ = environ
        self._problems = problems
        self._source = source
        self._values = 0

    def value(self, node: yaml.Node, annotation: Any, path: str) -> Any:
        self._count()
        annotation = _without_absence(annotation)
        if get_origin(annotation) is Annotated:
            return self._scalar(node, leaf_of(annotation), path)
        self._problems.locate(path, line=_line(node), got=self._phrase(node))
        if get_origin(annotation) is tuple:
            return self._list(node, get_args(annotation)[0], path)
        if not isinstance(node, yaml.MappingNode):
            self._problems.add(path, "a mapping of keys to values")
            return UNSET
        if get_origin(annotation) is dict:
            return self._dict(node, annotation, path)
        return self._entry(node, annotation, path)

    def _entry(self, node: yaml.MappingNode, entry: type[Entry], path: str) -> Entry:
        fields = {field.name: field for field in msgspec.structs.fields(entry)}
        values: dict[str, Any] = {}
        for key, part in self._pairs(node, path).items():
            if key not in fields:
                self._unknown(key, _line(part), fields, path)
                continue
            value = self.value(part, fields[key].type, phrases.child(path, key))
            if value is not UNSET:
                values[key] = value
        for name, field in fields.items():
            place = phrases.child(path, name)
            if field.default is UNSET and not self._problems.given(place):
                self._problems.add(place, _expected(field.type), at=path)
        return entry(**values)

    def _unknown(self, key: str, line: int, known: Mapping[str, object], path: str) -> None:
        place = phrases.child(path, key)
        self._problems.locate(place, line=line, got="an unknown key")
        # apiToken and API-TOKEN are near api_token, which plain difflib does not see.
        plain = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", key[:100]).lower()
        near = difflib.get_close_matches(plain, known, n=1)
        if near:
            self._problems.add(place, "a known key", because=f"did you mean {near[0]}?")
        else:
            self._problems.add(place, f"one of the keys {', '.join(known)}", got="another")

    def _dict(self, node: yaml.MappingNode, annotation: Any, path: str) -> Any:
        key_type, value_type = get_args(annotation)
        leaf = leaf_of(key_type)
        table: dict[Any, Any] = {}
        for key, part in self._pairs(node, path).items():
            place = phrases.child(path, key)
            value = self.value(part, value_type, place)
            try:
                name = leaf.convert(key, quoted=False)
            except ValueError as error:
                got = phrases.describe_text(key, quoted=True)
                self._problems.add(place, f"{leaf.expected}, as key", got=got, because=str(error))
                continue
            if value is not UNSET:
                table[name] = value
        return table

    def _list(self, node: yaml.Node, item_type: Any, path: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            self._problems.add(path, "a list")
            return UNSET
        values = []
        for index, part in enumerate(node.value):
            value = self.value(part, item_type, phrases.item(path, index))
            if value is UNSET and isinstance(item_type, type) and issubclass(item_type, Entry):
                # Keeps the indices of its neighbours; validation passes over what has failed.
                value = item_type()
            if value is not UNSET:
                values.append(value)
        return tuple(values)

    def _scalar(self, node: yaml.Node, leaf: Leaf, path: str) -> Any:
        line = _line(node)
        if not isinstance(node, yaml.ScalarNode) or _is_null(node) or _is_tagged(node):
            self._problems.locate(path, line=line, got=self._phrase(node))
            self._problems.add(path, leaf.expected)
            return UNSET
        try:
            text, names = substitute(node.value, self._environ)
        except SubstitutionError as error:
            self._problems.locate(path, line=line, got=error.got)
            self._problems.add(path, error.expected)
            return UNSET
        quoted = node.style is not None and not names
        if leaf.kind is Secret:
            got = phrases.describe_secret(text)
        elif names:
            got = phrases.describe_variables(text, names)
        else:
            got = phrases.describe_text(text, quoted=quoted)
        self._problems.locate(path, line=line, got=got)
        try:
            return leaf.convert(text, quoted=quoted)
        except ValueError as error:
            self._problems.add(path, leaf.expected, because=str(error))
            return UNSET

    def _pairs(self, node: yaml.MappingNode, path: str) -> dict[str, yaml.Node]:
        """Keys and values; what ``<<`` merges counts where the key is not there already."""
        own: dict[str, yaml.Node] = {}
        merged: dict[str, yaml.Node] = {}
        first: dict[str, int] = {}
        for key, part in node.value:
            self._count()
            line = _line(key)
            if key.tag == _YAML + "merge":
                for name, other in self._merge(part, path).items():
                    merged.setdefault(name, other)
            elif not isinstance(key, yaml.ScalarNode) or _is_tagged(key):
                place = phrases.child(path, "(key)")
                self._problems.locate(place, line=line, got=self._phrase(key))
                self._problems.add(place, "a text as key")
            elif key.value in own:
                place = phrases.child(path, key.value)
                self._problems.locate(place, line=line, got="")
                self._problems.add(
                    place, "each key once", got=f"it again (first on line {first[key.value]})"
                )
            else:
                own[key.value] = part
                first[key.value] = line
        return merged | own

    def _merge(self, node: yaml.Node, path: str) -> dict[str, yaml.Node]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, yaml.Node] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                place = phrases.child(path, "<<")
                self._problems.locate(place, line=_line(part), got=self._phrase(part))
                self._problems.add(place, "a mapping, or a list of mappings, to merge")
                continue
            for name, other in self._pairs(part, path).items():
                merged.setdefault(name, other)
        return merged

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ConfigError(
                f"{self._source}: expected at most {MAX_VALUES} values, each alias counted as "
                "what it stands for, got more"
            )

    @staticmethod
    def _phrase(node: yaml.Node) -> str:
        """A node that stands where it can't be, without its content unless that is harmless."""
        if isinstance(node, yaml.MappingNode):
            return "a mapping"
        if isinstance(node, yaml.SequenceNode):
            return "a list"
        if not isinstance(node, yaml.ScalarNode) or _is_tagged(node):
            return "a value with a tag (!)"
        if _is_null(node):
            return "nothing"
        return phrases.describe_text(node.value, quoted=node.style is not None)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == _YAML + "null")


def _is_tagged(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag not in _SCALAR_TAGS


def _without_absence(annotation: Any) -> Any:
    """``T`` of ``T | None`` and ``T | UnsetType``."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    (present,) = (part for part in get_args(annotation) if part not in (NoneType, UnsetType))
    return present


def _expected(annotation: Any) -> str:
    present = _without_absence(annotation)
    return leaf_of(present).expected if get_origin(present) is Annotated else "a list"
