"""The names of an account's projects, from pages of projects/read, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.quantconnect.errors import ApiError, Reason
from exporter.sources import projects

if TYPE_CHECKING:
    from exporter.poller.task import Fault
    from exporter.quantconnect.client import Request
    from exporter.sources.projects import Description, Page

PAGE_SIZE: Final = 5000
"""The projects that one call asks for; half of that after an answer that was too large or slow."""
_LEAST_PAGE_SIZE: Final = 50


class Names:
    """The listing of an account's projects, and the descriptions read so far."""

    def __init__(self) -> None:
        self.is_listed = False
        """True once the listing was complete, or cannot be read."""
        self._descriptions: dict[int, Description] = {}
        self._coming: dict[int, Description] = {}
        self._start = 0
        self._size = PAGE_SIZE

    def get(self, project_id: int) -> Description | None:
        """Return the last description of a project; None if it was not listed."""
        return self._coming.get(project_id) or self._descriptions.get(project_id)

    def name(self, project_id: int) -> str:
        """Return the name of a project; empty if it was not listed."""
        description = self.get(project_id)
        return "" if description is None else description.name

    def request(self) -> Request[Page]:
        """Return the call for the next page."""
        return projects.page(self._start, self._start + self._size)

    def add(self, page: Page) -> bool:
        """Add a page; return True if there may be another one."""
        new = {each.project_id: each for each in page.projects}
        # A server that ignores start and end sends all projects each time.
        is_news = not new.keys() <= self._coming.keys()
        self._coming |= new
        if page.length >= self._size and is_news:
            self._start += self._size
            return True
        self._descriptions, self._coming, self._start = self._coming, {}, 0
        self.is_listed = True
        return False

    def fail(self, failure: ApiError | Fault) -> None:
        """Restart the listing after a failed page; with smaller pages if it was too large."""
        self._coming, self._start = {}, 0
        if failure.reason in (Reason.TOO_LARGE, Reason.TIMEOUT):
            self._size = max(_LEAST_PAGE_SIZE, self._size // 2)
