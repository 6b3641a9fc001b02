"""The web configuration as its files are now: looked at for each request and each handshake.

To look is to ask when the files were changed, a few microseconds; they are read only if one was.
While they are bad nobody is let in, and the log says so once, and once that all is well again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from exporter.config.errors import ConfigError
from exporter.log import Log
from exporter.web.config.loading import Loaded, load
from exporter.web.config.settings import Settings
from exporter.web.config.tls import FreshContext, refusing_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable
    from pathlib import Path


log = Log(__name__)

# A file that is written in place is empty or half there for a moment, and an empty one protects
# nothing: what takes protection away is believed once the file has been left alone for so long.
_SETTLED_SECONDS: Final = 5.0

_Seen = tuple[tuple[int, int, int, int, int] | None, ...]


class WebConfig:
    """A web configuration in use; to be asked from the event loop only."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        """Load it, certificates and all; raises ``ConfigError`` with everything that is wrong."""
        first = load(path, certificates=True)
        if first.settings is None:
            raise first.error or AssertionError
        self.at_start = first.settings
        self._told = False
        self._settings = _Watched(path, first.settings, now, certificates=False)
        self._tls = _Watched(path, first.settings, now, certificates=True)

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
        self, path: Path, first: Settings, now: Callable[[], float], *, certificates: bool
    ) -> None:
        self._path = path
        self._certificates = certificates
        self._now = now
        self._good = first
        self._complaint = ""
        self._loaded = Loaded((path,))
        self._seen: _Seen | None = None

    def get(self) -> Loaded:
        """What the files say now."""
        if self._seen is None or _look(self._loaded.files) != self._seen:
            self._load()
        return self._loaded

    def _load(self) -> None:
        files = self._loaded.files
        while True:
            # Looked at before they are read: a change in between is found the next time.
            seen = _look(files)
            loaded = load(self._path, certificates=self._certificates)
            if loaded.files == files:
                break
            files = loaded.files
        error = loaded.error or self._objection(loaded.settings or Settings())
        self._seen = None if loaded.error is None and error is not None else seen
        if error is None:
            self._good = loaded.settings or Settings()
        else:
            loaded = Loaded(files, error=error)
        self._say(loaded)
        self._loaded = loaded

    def _objection(self, settings: Settings) -> ConfigError | None:
        """Why what was read well is not taken up, at least not yet."""
        if self._certificates and settings.tls is None:
            return ConfigError(
                f"{self._path}: expected tls_server_config, as at the start, got none"
            )
        if settings.protects_less_than(self._good) and self._age() < _SETTLED_SECONDS:
            return ConfigError(
                f"{self._path}: expected basic_auth_users, client_auth_type and "
                "client_allowed_sans no less strict than before, or a file left alone for "
                f"{_SETTLED_SECONDS:g} s, got a newer one, which may be half written"
            )
        return None

    def _age(self) -> float:
        """Seconds since the file was changed; 0 if it is gone again."""
        try:
            return abs(self._now() - self._path.stat().st_ctime)
        except OSError:
            return 0.0

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
