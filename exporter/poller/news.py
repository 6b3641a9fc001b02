"""Memory of logged problems, so that each ongoing problem is logged once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.quantconnect.fields import Problem

_WORD: Final = re.compile(r"""[^\s"'()\[\]{}<>,;]+""")
_DIGIT: Final = re.compile(r"\d")
_SHORT_NUMBER: Final = re.compile(r"\d{1,3}\b")
_INDEX: Final = re.compile(r"\[\d+\]")
# The most messages logged for one problem, for a server that varies its wording without end.
_MOST: Final = 8


class News:
    """The failures of one task that were logged since its last success."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def is_new(self, reason: str, message: str) -> bool:
        """Return True for a failure that was not logged yet; it counts as logged from now on."""
        shape = f"{reason}: {_WORD.sub(_lasting, message)}"
        if shape in self._said or len(self._said) >= _MOST:
            return False
        self._said.add(shape)
        return True

    def end(self) -> bool:
        """Forget the failures after a success; return True if there was a logged one."""
        had_said = bool(self._said)
        self._said.clear()
        return had_said


def _lasting(found: re.Match[str]) -> str:
    """Return a word, or "#" if it may differ in the next message of the same problem.

    A word with a digit, such as an id or a time, may differ; a short number, such as an HTTP
    status, does not.
    """
    word = found[0]
    return "#" if _DIGIT.search(word) and not _SHORT_NUMBER.match(word) else word


class LeftOut:
    """The problems of the last answer."""

    def __init__(self) -> None:
        self._fields: set[tuple[str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._fields)

    def update(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems that the previous answer did not have, one per field and place."""
        now: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            # An entry's index changes when entries before it come or go.
            now.setdefault((problem.field, _INDEX.sub("[]", problem.where)), problem)
        new = [problem for field, problem in now.items() if field not in self._fields]
        self._fields = set(now)
        return new
