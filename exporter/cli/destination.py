"""The destinations of a past: standard output, or a file per project."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from exporter.backfill.openmetrics import Labeled, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Destination(Protocol):
    """A destination for the pasts of projects."""

    def has(self, project_id: int) -> bool:
        """Return True if a project's past exists from an earlier run."""

    def put(self, project_id: int, past: Labeled) -> None:
        """Write or keep a project's past. Raises OSError."""

    def end(self) -> None:
        """Write what is left to write."""


class Printed:
    """Standard output: all projects in one text, since a family's samples must be together."""

    def __init__(self, target: Mapping[str, str]) -> None:
        self._target = target
        self._pasts: list[Labeled] = []

    def has(self, project_id: int) -> bool:  # noqa: ARG002 - there are no earlier runs
        """Return False."""
        return False

    def put(self, project_id: int, past: Labeled) -> None:  # noqa: ARG002 - in the labels
        """Keep a project's past for the end."""
        self._pasts.append(past)

    def end(self) -> None:
        """Print everything, in UTF-8; nothing if there is no past."""
        if self._pasts:
            sys.stdout.buffer.writelines(
                part.encode("utf-8", "replace") for part in write(self._pasts, self._target)
            )
            sys.stdout.flush()


class Folder:
    """A folder with a file per project, which gets its name when it is complete."""

    def __init__(self, folder: Path, target: Mapping[str, str]) -> None:
        self._folder = folder
        self._target = target

    def file(self, project_id: int) -> Path:
        """Return the file of a project."""
        return self._folder / f"{project_id}.om"

    def has(self, project_id: int) -> bool:
        """Return True if a project's file exists."""
        return self.file(project_id).exists()

    def put(self, project_id: int, past: Labeled) -> None:
        """Write a project's file."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self.file(project_id)
        unfinished = file.with_suffix(".unfinished")
        try:
            with unfinished.open("w", encoding="utf-8", errors="replace", newline="") as text:
                text.writelines(write([past], self._target))
            unfinished.replace(file)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise

    def end(self) -> None:
        """Leave the files as they are."""
