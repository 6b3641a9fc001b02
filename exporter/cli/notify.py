"""Tell systemd that the exporter is ready, for units of ``Type=notify`` (sd_notify(3))."""

from __future__ import annotations

import os
import socket

from exporter.log import Log

log = Log(__name__)


def ready() -> None:
    """Send READY=1 to the socket in ``NOTIFY_SOCKET``; do nothing without the variable."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    # A leading "@" marks an abstract socket.
    address = f"\0{path[1:]}" if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.sendto(b"READY=1", address)
    except OSError as error:
        log.warning("Cannot tell systemd that the exporter is ready", error=str(error))
