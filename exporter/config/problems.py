"""Problems of a configuration, collected so that one error names all of them.

A message must not show a token or a password, and either can stand anywhere: as the user id, as a
key, as the name of a variable. So a text is quoted only if it is shorter than a token (those of
QuantConnect have 64 characters) or is plainly a path or an address. A value from the environment
is called by the name of its variable. Of a key, nothing after a colon is shown: in the web
configuration, a key such as ``admin:hunter2`` contains a password.
"""

from __future__ import annotations

import json
import re
from typing import Final, NamedTuple

# More than a person reads; a hostile document must not fill the log.
MAX_PROBLEMS: Final = 200

_MAX_SHOWN: Final = 48
_MAX_LOCATION_SHOWN: Final = 256
_LOCATIONS: Final = ("/", "./", "../", "https://", "http://")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


class ConfigError(Exception):
    """A configuration that cannot be used; each problem is one line that names its place."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems: tuple[str, ...] = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class _Place(NamedTuple):
    line: int
    got: str


class Problems:
    """The problems of one source, and the line of each of its values.

    The reader and the checks after it write here. A problem names the path of a value
    (``accounts[0].projects[2].id``) and what was expected there. The words for the value itself
    are set when it is read, by code that knows whether it may be shown.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._places: dict[str, _Place] = {}
        self._failed: set[str] = set()
        self._found: list[tuple[int, str]] = []

    def locate(self, path: str, *, line: int, got: str) -> None:
        """Record the line of the value at ``path``, and the words for it in a message."""
        self._places[path] = _Place(line, got)

    def is_given(self, path: str) -> bool:
        """Return whether a value, valid or not, is written at ``path``."""
        return path in self._places

    def has_failed(self, path: str) -> bool:
        """Return whether a problem was found at exactly ``path``."""
        return path in self._failed

    def place(self, path: str) -> str:
        """Return the path and its line, for a message about another path."""
        given = self._places.get(path)
        return f"{path} on line {given.line}" if given and given.line else path

    def add(
        self, path: str, expected: str, *, got: str = "", because: str = "", at: str = ""
    ) -> None:
        """Record that ``path`` should hold ``expected``.

        ``got`` replaces the words for the value at ``path``; ``because`` adds a reason. ``at`` is
        the path whose line is named where nothing is written at ``path``.
        """
        given = self._places.get(path)
        found = got or (given.got if given else "nothing")
        if because:
            found = f"{found} ({because})"
        place = given or self._places.get(at)
        line = place.line if place else 0
        where = f"{self.source}:{line}" if line else self.source
        named = f"{where}: {path}" if path else where
        self._failed.add(path)
        self._found.append((line, f"{named}: expected {expected}, got {found}"))

    def raise_if_any(self) -> None:
        """Raise ``ConfigError`` with all problems, in the order of their lines."""
        if not self._found:
            return
        lines = [text for _, text in sorted(self._found, key=lambda found: found[0])]
        if len(lines) > MAX_PROBLEMS:
            more = len(lines) - MAX_PROBLEMS
            lines[MAX_PROBLEMS:] = [f"{self.source}: and {more} more problems"]
        raise ConfigError(*lines)


def child(path: str, key: str) -> str:
    """Return the path of a key within ``path``."""
    before, colon, _ = key.partition(":")
    name = shown_name(before) + ":…" * bool(colon)
    if not re.fullmatch(r"[\w()-][\w ()-]*", name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def item(path: str, index: int) -> str:
    """Return the path of an item of the list at ``path``."""
    return f"{path}[{index}]"


def shown_name(name: str) -> str:
    """Return the name of a key or of a variable, or its length if it could be a token."""
    if len(name) <= _MAX_SHOWN and name.isprintable():
        return name
    return f"(a name of {len(name)} characters)"


def describe_text(text: str, *, quoted: bool = False) -> str:
    """Return the words for a single value that is not a secret."""
    if not text:
        return "an empty text"
    if not text.isprintable():
        return "a text that can't be printed"
    if len(text) > (_MAX_LOCATION_SHOWN if text.startswith(_LOCATIONS) else _MAX_SHOWN):
        return f"a text of {len(text)} characters"
    if "@" in text or ("?" in text and "//" in text):
        return "a text that is not shown, since it may hold a password"
    if not quoted and text.lower() in {"true", "false"}:
        return text
    if not quoted and _NUMBER.fullmatch(text):
        return f"the number {text}"
    return f"the text {json.dumps(text, ensure_ascii=False)}"


def describe_secret(text: str) -> str:
    """Return the words for a value at the place of a secret."""
    return "a text that is not shown" if text.strip() else "an empty text"


def describe_variables(text: str, names: tuple[str, ...]) -> str:
    """Return the words for a value that contains environment variables."""
    listed = ", ".join(f"${{{shown_name(name)}}}" for name in names)
    return f"the value of {listed}" + ("" if text else ", which is empty")


def reason(error: OSError) -> str:
    """Return the system's own words for an error."""
    return error.strerror or type(error).__name__
