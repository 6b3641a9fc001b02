"""The web configuration as its files are now: looked at for each request and each handshake.

To look is to ask when the files were changed, a few microseconds; they are read only if one was.
While they are bad nobody is let in, and the log says so once, and once that all is well again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.config.problems import ConfigError
from exporter.log import Log
from exporter.web.config.loading import Loaded, load
from exporter.web.config.tls import FreshContext, refusing_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from exporter.web.config.settings import Settings

log = Log(__name__)

# What could not be read is tried again, but not for each of a crowd of clients.
_AGAIN_SECONDS: Final = 1.0

_Seen = tuple[tuple[int, int, int, int, int] | None, ...]


class WebConfig:
    """A web configuration in use; to be asked from the event loop only."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Load it, certificates and all; raises ``ConfigError`` with everything that is wrong."""
        first = load(path, certificates=True)
        if first.settings is None:
            raise first.error or AssertionError
        self.at_start = first.settings
        self._told = False
        self._settings = _Watched(path, first.settings, clock, certificates=False)
        self._tls = _Watched(path, first.settings, clock, certificates=True)

    def settings(self) -> Settings:
        """The settings of now; raises ``ConfigError`` where there are none that can be used."""
        loaded = self._settings.get()
        if loaded.settings is None:
            raise loaded.error or AssertionError
        if self.at_start.tls is None and loaded.settings.tls is not None and not self._told:
            self._told = True
            log.warning("TLS is configured, but spoken only from the next start on")
        return loaded.settings

    def server_context(self) -> ssl.SSLContext | None:
        """A context for the listening sockets; None if TLS was not configured at the start."""
        return None if self.at_start.tls is None else FreshContext.of(self._handshake)

    def _handshake(self) -> ssl.SSLContext:
        return self._tls.get().context or refusing_context()


class _Watched:
    """What came of loading, for as long as the files that it came from stay as they are."""

    def __init__(
        self, path: Path, first: Settings, clock: Callable[[], float], *, certificates: bool
    ) -> None:
        self._path = path
        self._certificates = certificates
        self._clock = clock
        self._speaks_tls = first.tls is not None
        self._protections = first.protections
        self._complaint = ""
        self._loaded = Loaded((path,))
        self._seen: _Seen | None = None
        self._again = 0.0

    def get(self) -> Loaded:
        """What the files say now."""
        again = self._loaded.passing and self._clock() >= self._again
        if again or _look(self._loaded.files) != self._seen:
            self._load()
        return self._loaded

    def _load(self) -> None:
        files = self._loaded.files
        while True:
            # Looked at before they are read: a change in between is found the next time.
            self._seen = _look(files)
            loaded = load(self._path, certificates=self._certificates)
            if loaded.files == files:
                break
            files = loaded.files
        self._again = self._clock() + _AGAIN_SECONDS
        if loaded.settings is not None:
            loaded = self._judged(loaded, loaded.settings)
        self._say(loaded)
        self._loaded = loaded

    def _judged(self, loaded: Loaded, settings: Settings) -> Loaded:
        """What was read well, or why it is not taken up.

        A file that was cut off, by a full disk or while it is being written, may be a valid one
        that protects less, and an empty file is valid. So nothing but a start takes that away.
        """
        if self._certificates and settings.tls is None:
            expected = "tls_server_config, as at the start, got none"
            return Loaded(loaded.files, error=ConfigError(f"{self._path}: expected {expected}"))
        if not self._speaks_tls:
            settings = replace(settings, tls=None)
        lost = [key for key in self._protections if key not in settings.protections]
        if lost:
            expected = f"as much protection as before, got none by {' and '.join(lost)}"
            error = f"{self._path}: expected {expected} (to do without it, restart)"
            return Loaded(loaded.files, error=ConfigError(error))
        self._protections = settings.protections
        return loaded

    def _say(self, loaded: Loaded) -> None:
        complaint = str(loaded.error or "")
        if complaint and complaint != self._complaint:
            log.error(
                "The web configuration cannot be used; nobody is let in",
                refused="handshakes" if self._certificates else "requests",
                error=complaint,
            )
        elif self._complaint and not complaint:
            log.info("The web configuration can be used again", file=str(self._path))
        self._complaint = complaint


def _look(files: Iterable[Path]) -> _Seen:
    return tuple(_state(file) for file in files)


def _state(file: Path) -> tuple[int, int, int, int, int] | None:
    """What changes when ``file`` does, be it written, replaced or pointed elsewhere."""
    try:
        status = file.stat()
    except OSError:
        return None
    return (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
