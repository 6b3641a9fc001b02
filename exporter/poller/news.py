"""Memory of what the log has said of an ongoing problem, so that it is said once."""

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
# A server whose wording varies without end is logged so often in one problem.
_MOST: Final = 8


class News:
    """The failures of one task that the log has named since the last success."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def is_new(self, reason: str, message: str) -> bool:
        """Return True for a failure that was not named yet; it counts as named from now on."""
        shape = f"{reason}: {_WORD.sub(_lasting, message)}"
        if shape in self._said or len(self._said) >= _MOST:
            return False
        self._said.add(shape)
        return True

    def end(self) -> bool:
        """Forget the failures after a success; True if the log had named one."""
        had_said = bool(self._said)
        self._said.clear()
        return had_said


def _lasting(found: re.Match[str]) -> str:
    """Return a word without what differs in the next message of the same problem.

    A word with a digit in it, an id or a time, differs each time; a short number does not, it may
    be an HTTP status.
    """
    word = found[0]
    return "#" if _DIGIT.search(word) and not _SHORT_NUMBER.match(word) else word


class LeftOut:
    """The parts that were left out of the last answer."""

    def __init__(self) -> None:
        self._fields: set[tuple[str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._fields)

    def update(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems that the answer before did not have, one for each field and place."""
        now: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            # The place of an entry in a list changes with what comes before it.
            now.setdefault((problem.field, _INDEX.sub("[]", problem.where)), problem)
        new = [problem for field, problem in now.items() if field not in self._fields]
        self._fields = set(now)
        return new
