"""Telling systemd that the exporter is ready, for units of ``Type=notify`` (sd_notify(3))."""

from __future__ import annotations

import os
import socket

from exporter.log import Log

log = Log(__name__)


def ready() -> None:
    """Say so, if somebody wants to know."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    # "@" is how an abstract socket is written.
    address = f"\0{path[1:]}" if path.startswith("@") else path
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.sendto(b"READY=1", address)
    except OSError as error:
        log.warning("systemd cannot be told that the exporter is ready", error=str(error))
