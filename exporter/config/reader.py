"""A schema laid over a YAML tree: every value that fits, and a problem for each that does not.

A schema has one msgspec Struct below ``Entry`` for each mapping in a file. The annotation of a
field is one of

- ``Annotated[kind, Meta(description=…)]``, a leaf, for a single value. The description is the
  expectation in messages; ranges and patterns are msgspec's; ``parsed`` adds a function from text
  to the value. The kind ``Secret`` marks a value that no message shows;
- an ``Entry``; ``tuple[T, …]`` for a list; ``dict[K, V]`` for a mapping with keys of the user's.

A field with the default ``UNSET`` is required; with ``None`` it may be left out; any other default
is the value where the key is left out. A value that does not fit is left at its default, so that
checks across several keys still run for the rest. The configuration and the web configuration are
both read in this way.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec
import yaml
from msgspec import UNSET, Meta, Struct, UnsetType

from exporter.config import problems as words
from exporter.config.environment import SubstitutionError, substitute
from exporter.config.problems import ConfigError, Problems, child, item
from exporter.config.secret import Secret
from exporter.config.tree import Pair, describe, is_null, is_tagged, line_of, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from msgspec.structs import FieldInfo

# Aliases let a small file stand for a huge one, so each use of an alias counts.
MAX_VALUES: Final = 100_000
# Only the beginning of a key is compared: the comparison takes quadratic time.
_COMPARED: Final = 64
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SWITCH: Final = {"true": True, "false": False}
_MAPPING: Final = "a mapping of keys to values"


class Entry(Struct, frozen=True, kw_only=True):
    """A mapping of a file, as parsed.

    ``short_for`` names the one key that it cannot lack. ``text_for`` names the key whose value may
    stand alone in place of the mapping; the other keys then have their defaults.
    """

    short_for: ClassVar[str] = ""
    text_for: ClassVar[str] = ""


E = TypeVar("E", bound=Entry)


def parsed(
    description: str, parse: Callable[[str], object], *, empty_is_absent: bool = False
) -> Meta:
    """Return the ``Meta`` of a leaf whose value ``parse`` makes of the text.

    ``parse`` raises ``ValueError`` with the reason, which is empty where the description says
    enough. With ``empty_is_absent``, an empty text counts as a key that is left out.
    """
    extra = {"parse": parse, "empty_is_absent": empty_is_absent}
    return Meta(description=description, extra=extra)


class Leaf(NamedTuple):
    """The parts of an ``Annotated`` type of a schema."""

    annotation: Any
    kind: Any
    meta: Meta

    @classmethod
    def of(cls, annotation: Any) -> Leaf:
        """Return the leaf of an ``Annotated`` type with one ``Meta``."""
        kind, meta = get_args(annotation)
        return cls(annotation, kind, meta)

    @property
    def expected(self) -> str:
        """The expectation in a message."""
        return self.meta.description or ""

    @property
    def empty_is_absent(self) -> bool:
        """True where an empty text counts as a key that is left out."""
        return bool((self.meta.extra or {}).get("empty_is_absent"))

    def convert(self, text: str, *, quoted: bool = False) -> Any:
        """Return the value of ``text``, whatever YAML would make of it.

        A text in quotes is not a number. Raises ``ValueError`` with the reason, which is empty
        where ``expected`` says enough.
        """
        if any("\ud800" <= character <= "\udfff" for character in text):
            # From an escape in the file, or from bytes of the environment that are not UTF-8;
            # no UTF-8 output could contain it.
            raise ValueError("it has half of a surrogate pair in it")
        parse = (self.meta.extra or {}).get("parse")
        if quoted and (self.kind in (bool, int) or (self.kind is float and parse is None)):
            raise ValueError("in quotes it is text")
        if parse is not None:
            return parse(text)
        value: Any = text
        if self.kind is bool:
            value = _SWITCH.get(text.lower())
        elif self.kind is int:
            value = int(text) if _WHOLE.fullmatch(text) else None
        elif self.kind is float:
            value = float(text) if _NUMBER.fullmatch(text) else None
        try:
            return msgspec.convert(value, self.annotation)
        except msgspec.ValidationError:
            raise ValueError from None


class Reader:
    """Reads one tree; its problems are in ``problems``, its variables in ``variables``.

    ``environ`` fills in ``${NAME}``; None takes texts as written. ``null_is_absent`` counts a key
    with a null as left out, as Go does, where it is otherwise a problem.
    """

    def __init__(
        self,
        problems: Problems,
        *,
        environ: Mapping[str, str] | None = None,
        null_is_absent: bool = False,
    ) -> None:
        self._problems = problems
        self._environ = environ
        self._null_is_absent = null_is_absent
        self._values = 0
        self._homes: Mapping[str, tuple[str, ...]] = {}
        self.variables: set[str] = set()

    def read(self, root: yaml.Node, schema: type[E]) -> E:
        """Return the entry of the schema that ``root`` gives."""
        self._homes = _homes(schema)
        document = self._value(Pair(line_of(root), root), schema, "")
        return document if isinstance(document, schema) else schema()

    def _value(self, pair: Pair, annotation: Any, path: str) -> Any:
        """Return the value of the node, or ``UNSET`` if it does not fit."""
        self._count()
        node = pair.node
        is_text = isinstance(node, yaml.ScalarNode) and not is_null(node) and not is_tagged(node)
        is_secret = is_text and _holds_secret(annotation)
        got = words.describe_secret(node.value) if is_secret else describe(node)
        self._problems.locate(path, line=pair.line, got=got)
        if is_tagged(node):
            self._problems.add(path, "a value without a tag")
            return UNSET
        kind = get_origin(annotation)
        if kind is Annotated:
            return self._scalar(pair, Leaf.of(annotation), path)
        if kind is tuple:
            return self._list(node, get_args(annotation)[0], path)
        if not isinstance(node, yaml.MappingNode) and kind is None and annotation.text_for:
            field = _fields(annotation)[annotation.text_for]
            value = self._scalar(pair, Leaf.of(_present(field)), path)
            return value if value is UNSET else annotation(**{field.name: value})
        if not isinstance(node, yaml.MappingNode):
            because = _shorthand(annotation, node.value) if is_text and kind is None else ""
            self._problems.add(path, _MAPPING, because=because)
            return UNSET
        members = pairs(node, path, self._problems, self._count)
        if kind is dict:
            return self._dict(members, *get_args(annotation), path=path)
        return self._entry(members, annotation, path)

    def _entry(self, members: Mapping[str, Pair], entry: type[Entry], path: str) -> Entry:
        fields = _fields(entry)
        values: dict[str, Any] = {}
        for key, member in members.items():
            place = child(path, key)
            if key not in fields:
                self._problems.locate(place, line=member.line, got="another")
                self._problems.add(place, "a known key", because=self._hint(key, fields))
                continue
            annotation = _present(fields[key])
            if not self._is_absent(member.node, annotation):
                value = self._value(member, annotation, place)
                if value is not UNSET:
                    values[fields[key].name] = value
        for key, field in fields.items():
            if field.default is UNSET and key not in members:
                place = child(path, key)
                self._problems.add(place, _expected(_present(field), place), at=path)
        return entry(**values)

    def _is_absent(self, node: yaml.Node, annotation: Any) -> bool:
        if is_null(node):
            return self._null_is_absent
        is_empty = isinstance(node, yaml.ScalarNode) and not node.value and not is_tagged(node)
        return is_empty and _is_leaf(annotation) and Leaf.of(annotation).empty_is_absent

    def _dict(
        self, members: Mapping[str, Pair], key_type: Any, value_type: Any, *, path: str
    ) -> dict[Any, Any]:
        leaf = Leaf.of(key_type)
        table: dict[Any, Any] = {}
        for key, member in members.items():
            place = child(path, key)
            value = self._value(member, value_type, place)
            try:
                table[leaf.convert(key)] = value
            except ValueError as error:
                got = "another"
                if not _holds_secret(value_type):
                    got = words.describe_text(key, quoted=True)
                self._problems.add(place, f"as key {leaf.expected}", got=got, because=str(error))
        return table

    def _list(self, node: yaml.Node, item_type: Any, path: str) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            because = ""
            if isinstance(node, yaml.MappingNode):
                because = (
                    "put [ ] around it" if node.flow_style else 'put "- " before its first key'
                )
            self._problems.add(path, _list_of(item_type, path), because=because)
            return UNSET
        values = []
        for index, part in enumerate(node.value):
            value = self._value(Pair(line_of(part), part), item_type, item(path, index))
            # An item that failed keeps its place, so that the others keep their index.
            is_entry = not _is_leaf(item_type)
            values.append(item_type() if value is UNSET and is_entry else value)
        return tuple(values)

    def _scalar(self, pair: Pair, leaf: Leaf, path: str) -> Any:
        node = pair.node
        if not isinstance(node, yaml.ScalarNode) or is_null(node):
            self._problems.add(path, leaf.expected)
            return UNSET
        text = str(node.value)
        names: tuple[str, ...] = ()
        if self._environ is not None:
            try:
                text, names = substitute(text, self._environ)
            except SubstitutionError as error:
                self._problems.add(path, error.expected, got=error.got)
                return UNSET
        self.variables.update(names)
        quoted = node.style is not None and not names
        if leaf.kind is Secret:
            got = words.describe_secret(text)
        elif names:
            got = words.describe_variables(text, names)
        else:
            got = words.describe_text(text, quoted=quoted)
        self._problems.locate(path, line=pair.line, got=got)
        try:
            return leaf.convert(text, quoted=quoted)
        except ValueError as error:
            self._problems.add(path, leaf.expected, because=str(error) if text.strip() else "")
            return UNSET

    def _hint(self, key: str, known: Mapping[str, object]) -> str:
        """Return the nearest known key, else the place of the key, else all known keys."""
        plain = _plain(key)
        if near := difflib.get_close_matches(plain, {_plain(each) for each in known}, n=1):
            return f"did you mean {next(each for each in known if _plain(each) == near[0])}?"
        if homes := self._homes.get(plain):
            places = [f"in {home}" if home else "at the top of the file" for home in homes]
            return f"it belongs {' or '.join(places)}"
        return f"known here: {', '.join(known)}"

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ConfigError(
                f"{self._problems.source}: expected at most {MAX_VALUES} keys and values, aliases "
                "counted as what they stand for, got more"
            )


@cache
def _fields(entry: type[Entry]) -> dict[str, FieldInfo]:
    """Return the fields by their keys in the file."""
    return {field.encode_name: field for field in msgspec.structs.fields(entry)}


def _present(field: FieldInfo) -> Any:
    """Return ``T`` of a field of type ``T``, ``T | None`` or ``T | UnsetType``."""
    if get_origin(field.type) not in (Union, UnionType):
        return field.type
    (present,) = (part for part in get_args(field.type) if part not in (NoneType, UnsetType))
    return present


def _is_leaf(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated


@cache
def _holds_secret(annotation: Any) -> bool:
    """Return whether a text in place of ``annotation`` may be a secret."""
    if _is_leaf(annotation):
        return Leaf.of(annotation).kind is Secret
    if get_origin(annotation) is None:
        fields = _fields(annotation).values()
        return any(_is_leaf(part) and _holds_secret(part) for part in map(_present, fields))
    return any(part is not ... and _holds_secret(part) for part in get_args(annotation))


def _expected(annotation: Any, path: str) -> str:
    if _is_leaf(annotation):
        return Leaf.of(annotation).expected
    return _list_of(get_args(annotation)[0], path)


def _list_of(item_type: Any, path: str) -> str:
    if _is_leaf(item_type):
        return f"a list, each item {Leaf.of(item_type).expected}"
    return f"a list of {path.rpartition('.')[2]}"


def _plain(key: str) -> str:
    """Return ``api_token`` of ``apiToken`` and ``api-token``, which difflib alone cannot see."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", key[:_COMPARED]).lower()


def _shorthand(entry: type[Entry], text: str) -> str:
    """Return how to write the mapping of which ``text`` is the one key that it cannot lack."""
    if not entry.short_for:
        return ""
    try:
        Leaf.of(_present(_fields(entry)[entry.short_for])).convert(text)
    except ValueError:
        return ""
    return f"write {{{entry.short_for}: {text}}}"


@cache
def _homes(schema: type[Entry]) -> dict[str, tuple[str, ...]]:
    """Return the mappings that have each key; "" stands for the top of the file."""
    homes: dict[str, tuple[str, ...]] = {}
    for key, home in _keys(schema, ""):
        homes[_plain(key)] = (*homes.get(_plain(key), ()), home)
    return homes


def _keys(annotation: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        for key, field in _fields(annotation).items():
            yield key, path
            yield from _keys(field.type, f"{path}.{key}".lstrip("."))
    else:
        for part in get_args(annotation):
            yield from _keys(part, f"{path}[]" if ... in get_args(annotation) else path)
