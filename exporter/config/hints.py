"""What somebody may have meant who wrote a key that is not known where it stands."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args

import msgspec

from exporter.config.leaf import leaf_of
from exporter.config.schema import (
    DiscoverEntry,
    Document,
    Entry,
    ProjectEntry,
    ProjectId,
    Switch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Only the beginning of a key is compared: the comparison takes quadratic time.
_COMPARED: Final = 64
# Mappings of which somebody may write only the one value that they cannot do without.
_SHORT_FOR: Final[Mapping[Any, tuple[str, Any]]] = {
    ProjectEntry: ("id", ProjectId),
    DiscoverEntry: ("enabled", Switch),
}


def hint(key: str, known: Mapping[str, object]) -> str:
    """The known key that is nearest, else where the key is known, else what is known here."""
    # apiToken and api-token are near api_token, which plain difflib does not see.
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", key[:_COMPARED]).lower()
    if near := difflib.get_close_matches(plain, known, n=1):
        return f"did you mean {near[0]}?"
    home = _homes().get(plain)
    if home is not None:
        return f"it belongs in {home}" if home else "it belongs at the top of the file"
    return f"known here: {', '.join(known)}"


def shorthand(entry: Any, text: str) -> str:
    """How to write what ``text`` alone is plainly short for where a mapping belongs; else empty."""
    key, meant = _SHORT_FOR.get(entry, ("", None))
    if meant is None:
        return ""
    try:
        leaf_of(meant).convert(text)
    except ValueError:
        return ""
    return f"write {{{key}: {text}}}"


@cache
def _homes() -> dict[str, str]:
    """The mapping of each key that has only one; empty for the top of the file."""
    homes: dict[str, str] = {}
    several: set[str] = set()
    for key, home in _keys(Document, ""):
        if homes.setdefault(key, home) != home:
            several.add(key)
    return {key: home for key, home in homes.items() if key not in several}


def _keys(annotation: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        for field in msgspec.structs.fields(annotation):
            yield field.name, path
            yield from _keys(field.type, f"{path}.{field.name}".lstrip("."))
    else:
        for part in get_args(annotation):
            yield from _keys(part, f"{path}[]" if ... in get_args(annotation) else path)
