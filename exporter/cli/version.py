"""The version and the revision of this build."""

from __future__ import annotations

import os
import platform

from exporter import __version__
from exporter.cli.commands import PROGRAM

USER_AGENT = f"{PROGRAM}/{__version__}"


def revision() -> str:
    """Return the commit of this build, set by the image's build; "unknown" elsewhere."""
    return os.environ.get("QUANTCONNECT_EXPORTER_REVISION") or "unknown"


def line() -> str:
    """Return the version as Prometheus's own programs print it."""
    return (
        f"{PROGRAM}, version {__version__} (revision: {revision()},"
        f" python: {platform.python_version()})"
    )
