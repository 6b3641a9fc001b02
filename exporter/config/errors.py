"""What is wrong with a configuration, gathered so that all of it is said at once."""

from __future__ import annotations

from typing import NamedTuple

# More than a person reads; a document made to annoy must not fill the log.
MAX_PROBLEMS = 200


class ConfigError(Exception):
    """A configuration that can't be used; each problem is one line that names its place."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems: tuple[str, ...] = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class _Place(NamedTuple):
    line: int
    got: str


class Problems:
    """The problems of one source, and where each of its values stands.

    Written while a document is read and validated; whoever finds something wrong names the path
    of the value (``accounts[0].projects[2].id``) and what was expected there. What the message
    says about the value itself was fixed when the value was read (see ``phrases``), by code that
    knows whether it may be shown.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: dict[str, _Place] = {}
        self._failed: set[str] = set()
        self._found: list[tuple[int, str]] = []

    def locate(self, path: str, *, line: int, got: str) -> None:
        """Note that a value is given at ``path``, its line, and how a message may speak of it."""
        self._places[path] = _Place(line, got)

    def given(self, path: str) -> bool:
        """Whether something, right or wrong, is written at ``path``."""
        return path in self._places

    def place(self, path: str) -> str:
        """The path and its line, for a message about another one."""
        given = self._places.get(path)
        return f"{path} on line {given.line}" if given and given.line else path

    def failed(self, path: str) -> bool:
        """Whether a problem was found at exactly ``path``."""
        return path in self._failed

    def add(
        self, path: str, expected: str, *, got: str = "", because: str = "", at: str = ""
    ) -> None:
        """Note that ``path`` should hold ``expected``.

        ``got`` is for when the value itself is not what is wrong, ``because`` says more about it;
        ``at`` is the path whose line is named when nothing is given at ``path``.
        """
        given = self._places.get(path)
        found = got or (given.got if given else "nothing")
        if because:
            found = f"{found} ({because})"
        place = given or self._places.get(at)
        line = place.line if place else 0
        where = f"{self._source}:{line}" if line else self._source
        named = f"{where}: {path}" if path else where
        self._failed.add(path)
        self._found.append((line, f"{named}: expected {expected}, got {found}"))

    def raise_if_any(self) -> None:
        """Raise ``ConfigError`` with all of it, in the order of the lines."""
        if not self._found:
            return
        lines = [text for _, text in sorted(self._found, key=lambda found: found[0])]
        if len(lines) > MAX_PROBLEMS:
            more = len(lines) - MAX_PROBLEMS
            lines[MAX_PROBLEMS:] = [f"{self._source}: and {more} more problems"]
        raise ConfigError(*lines)
