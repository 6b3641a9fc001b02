"""What is news: one trouble is said once, however long it lasts and its words change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.quantconnect.errors import ApiError
    from exporter.quantconnect.model import Problem

# What is another each time: a word with a digit in it, such as an id or a time. A short number is
# not: it may be an HTTP status.
_PASSING: Final = re.compile(r"""(?!\d{1,3}\b)[^\s"'()\[\]{}<>,;]*\d[^\s"'()\[\]{}<>,;]*""")
_INDEX: Final = re.compile(r"\[\d+\]")
# A server that says something else each time is heard so often in one trouble.
_MOST: Final = 8


class Complaint:
    """What has been said of one trouble since it began."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def is_news(self, error: ApiError) -> bool:
        """Whether this has not been said yet; it counts as said from now on."""
        shape = f"{error.reason}: {_PASSING.sub('#', error.message)}"
        if shape in self._said or len(self._said) >= _MOST:
            return False
        self._said.add(shape)
        return True

    def ended(self) -> bool:
        """The trouble is over; whether anything had been said of it."""
        said = bool(self._said)
        self._said.clear()
        return said


class LeftOut:
    """What the last answer was read without."""

    def __init__(self) -> None:
        self._fields: set[tuple[str, str]] = set()

    def news(self, problems: Iterable[Problem]) -> list[Problem]:
        """Those of an answer that the one before did not have, one for each field and place."""
        now: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            # Where something stands in a list changes with what comes before it.
            now.setdefault((problem.field, _INDEX.sub("[]", problem.where)), problem)
        news = [problem for field, problem in now.items() if field not in self._fields]
        self._fields = set(now)
        return news
