"""Relative paths made absolute, which is the only thing that the current directory is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def absolute(path: Path, where: str) -> Path:
    """``path`` from the root on; raises ``ConfigError`` that begins with ``where``.

    The current directory may have been removed under a process, or be closed to it.
    """
    try:
        return path.absolute()
    except OSError as error:
        raise ConfigError(
            f"{where}: expected an absolute path, or a current directory, "
            f"got: {reason(error)} for the current directory"
        ) from None


def reason(error: OSError) -> str:
    """Why the system refused, in its own words."""
    return error.strerror or type(error).__name__
