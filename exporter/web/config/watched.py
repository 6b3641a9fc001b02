"""The web configuration as its files are now, checked at each request and each handshake.

A check asks the system when the files were changed, which takes microseconds; they are read only
if one was. While they are bad no client is admitted. The log says so once, and once that they are
good again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.config.problems import ConfigError
from exporter.log import Log
from exporter.web.config.basicauth import expensive_users
from exporter.web.config.loading import Loaded, load
from exporter.web.config.tls import FreshContext, refusing_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from exporter.web.config.settings import Remark, Settings

log = Log(__name__)

# A file that could not be read is tried again, but not for each of many clients.
_AGAIN_SECONDS: Final = 1.0

_Seen = tuple[tuple[int, int, int, int, int] | None, ...]


class WebConfig:
    """A web configuration in use; call it from the event loop only."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Load it, certificates and all; raises ``ConfigError`` with everything that is wrong."""
        first = load(path, certificates=True)
        if first.settings is None:
            raise first.error or AssertionError
        self.path = path
        self.at_start = first.settings
        self._in_force = first.settings
        self._settings = _Watched(path, first.settings, clock, certificates=False)
        self._tls = _Watched(path, first.settings, clock, certificates=True)

    def settings(self) -> Settings:
        """Return the settings now in force; raises ``ConfigError`` if they cannot be used."""
        loaded = self._settings.get()
        if loaded.settings is None:
            raise loaded.error or AssertionError
        if loaded.settings is not self._in_force:
            self._warn(before=self._in_force, now=loaded.settings)
            self._in_force = loaded.settings
        return loaded.settings

    def server_context(self) -> ssl.SSLContext | None:
        """Return a context for the listening sockets; None if there was no TLS at the start.

        Each of its handshakes is under the settings then in force.
        """
        return None if self.at_start.tls is None else FreshContext.of(self._handshake)

    def remarks(self) -> tuple[Remark, ...]:
        """Return the warnings about the settings at the start; measures this machine's speed."""
        return self.at_start.remarks + expensive_users(self.at_start)

    def _warn(self, *, before: Settings, now: Settings) -> None:
        if self.at_start.tls is None and now.tls is not None and before.tls is None:
            log.warning("TLS was added to the web configuration; restart to enable it")
        if now.expensive_users != before.expensive_users:
            for remark in expensive_users(now):
                log.warning(remark.message, **dict(remark.fields))

    def _handshake(self) -> ssl.SSLContext:
        return self._tls.get().context or refusing_context()


class _Watched:
    """The result of loading, for as long as the files that it came from stay as they are."""

    def __init__(
        self, path: Path, first: Settings, clock: Callable[[], float], *, certificates: bool
    ) -> None:
        self._path = path
        self._certificates = certificates
        self._clock = clock
        self._has_tls = first.tls is not None
        self._protections = first.protections
        self._complaint = ""
        self._loaded = Loaded((path,))
        self._seen: _Seen | None = None
        self._again = 0.0

    def get(self) -> Loaded:
        """Return the result for the files as they are now."""
        again = self._loaded.passing and self._clock() >= self._again
        if again or _look(self._loaded.files) != self._seen:
            self._load()
        return self._loaded

    def _load(self) -> None:
        files = self._loaded.files
        while True:
            # Before the files are read: a change in between is found the next time.
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
        """Return what was read, or an error if it protects less than before.

        A file that was cut off, by a full disk or while it is being written, may be a valid one
        that protects less, and an empty file is valid. So only a restart takes protection away.
        """
        if self._certificates and settings.tls is None:
            expected = "tls_server_config, as at the start, got none"
            return Loaded(loaded.files, error=ConfigError(f"{self._path}: expected {expected}"))
        if not self._has_tls:
            settings = replace(settings, tls=None)  # it protects only from a restart on
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
                "The web configuration cannot be used; no client is admitted",
                refused="handshakes" if self._certificates else "requests",
                error=complaint,
            )
        elif self._complaint and not complaint:
            log.info("The web configuration can be used again", file=str(self._path))
        self._complaint = complaint


def _look(files: Iterable[Path]) -> _Seen:
    return tuple(_state(file) for file in files)


def _state(file: Path) -> tuple[int, int, int, int, int] | None:
    """Return the marks of a file that change when it is written, replaced or linked elsewhere."""
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
