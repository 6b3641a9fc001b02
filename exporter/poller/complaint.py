"""What is news: one trouble is said once, however long it lasts and its words change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Problem

_WORD: Final = re.compile(r"""[^\s"'()\[\]{}<>,;]+""")
_DIGIT: Final = re.compile(r"\d")
_SHORT_NUMBER: Final = re.compile(r"\d{1,3}\b")
_INDEX: Final = re.compile(r"\[\d+\]")
# A server that says something else each time is heard so often in one trouble.
_MOST: Final = 8


class Complaint:
    """What has been said of one trouble since it began."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def is_news(self, error: ApiError) -> bool:
        """Whether this has not been said yet; it counts as said from now on."""
        shape = f"{error.reason}: {_WORD.sub(_lasting, error.message)}"
        if shape in self._said or len(self._said) >= _MOST:
            return False
        self._said.add(shape)
        return True

    def ended(self) -> bool:
        """The trouble is over; whether anything had been said of it."""
        said = bool(self._said)
        self._said.clear()
        return said


def _lasting(found: re.Match[str]) -> str:
    """A word as it is in the next message of the same trouble.

    What has a digit in it, an id or a time, is another each time; a short number is not, it may be
    an HTTP status.
    """
    word = found[0]
    return "#" if _DIGIT.search(word) and not _SHORT_NUMBER.match(word) else word


class LeftOut:
    """What the last answer was read without."""

    def __init__(self) -> None:
        self._fields: set[tuple[str, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._fields)

    def news(self, problems: Iterable[Problem]) -> list[Problem]:
        """Those of an answer that the one before did not have, one for each field and place."""
        now: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            # Where something stands in a list changes with what comes before it.
            now.setdefault((problem.field, _INDEX.sub("[]", problem.where)), problem)
        news = [problem for field, problem in now.items() if field not in self._fields]
        self._fields = set(now)
        return news
