"""A single value of the configuration: text, and the type of the schema that it must fit."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple, get_args

import msgspec
from msgspec import Meta

_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SWITCH: Final = {"true": True, "false": False}


class Leaf(NamedTuple):
    """An ``Annotated`` type of the schema and its parts."""

    annotation: Any
    kind: Any
    meta: Meta

    @property
    def expected(self) -> str:
        """What an error message says belongs here."""
        return self.meta.description or ""

    def convert(self, text: str, *, quoted: bool = False) -> Any:
        """The value that ``text`` stands for here, whatever else YAML may see in it.

        Text in quotes is no number. Raises ``ValueError`` with the reason, which is empty where
        ``expected`` says it all.
        """
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
    """The leaf of an ``Annotated`` type with one ``Meta``."""
    kind, meta = get_args(annotation)
    return Leaf(annotation, kind, meta)
