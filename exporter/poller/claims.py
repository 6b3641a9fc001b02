"""Who reads which project, when several accounts could."""

from __future__ import annotations

from threading import Lock


class Claims:
    """Projects and the account that reads each: two accounts that share a project make one series.

    Safe for threads.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._owners: dict[int, object] = {}

    def take(self, project_id: int, account: object) -> bool:
        """Claim a project for what reads an account; False if another one has it."""
        with self._lock:
            return self._owners.setdefault(project_id, account) is account

    def release(self, project_id: int) -> None:
        """The project is free again."""
        with self._lock:
            self._owners.pop(project_id, None)
