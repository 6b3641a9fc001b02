"""Reload the configuration of a running exporter: by signal, by HTTP, or when the file changes."""

from __future__ import annotations

import hashlib
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from exporter.config import ConfigError, doubts, to_yaml
from exporter.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.clock import Clock
    from exporter.config import Config
    from exporter.poller import Poller, Shard
    from exporter.telemetry import Telemetry

log = Log(__name__)


class Reloader:
    """The running configuration and its reload; an invalid file changes nothing. Thread-safe."""

    def __init__(
        self,
        config: Config,
        *,
        load: Callable[[], Config],
        poller: Poller,
        telemetry: Telemetry,
        clock: Clock,
        shard: Shard | None = None,
    ) -> None:
        self._config = config
        self._load = load
        self._poller = poller
        self._telemetry = telemetry
        self._clock = clock
        self._share = _share(shard)
        self._lock = Lock()
        self._said: tuple[str, ...] = ()
        self._succeeded()
        _tell("Configuration loaded", config, self._share)

    def running(self) -> str:
        """Return the running configuration as YAML, secrets as ``<secret>``."""
        return to_yaml(self._config)

    def reload(self) -> None:
        """Load the configuration again and apply it. Raise ConfigError if it is invalid.

        An error changes nothing, and is logged once until a reload succeeds.
        """
        with self._lock:
            try:
                config = self._load()
                self._poller.reload(config)
            except ConfigError as error:
                self._failed(error.problems)
                raise
            except Exception as error:
                self._failed((f"{type(error).__name__}: {error}",))
                raise
            self._config = config
            self._succeeded()
            _tell("The configuration was reloaded", config, self._share)

    def reload_quietly(self) -> bool:
        """Reload, leaving errors to the log. Return whether it succeeded."""
        try:
            self.reload()
        except Exception:  # noqa: BLE001 - logged; the caller must go on
            return False
        return True

    def _failed(self, problems: tuple[str, ...]) -> None:
        self._telemetry.reload_successful.set(0)
        if problems != self._said:
            self._said = problems
            for problem in problems:
                log.error("The configuration was not reloaded", problem=problem)

    def _succeeded(self) -> None:
        self._said = ()
        self._telemetry.reload_successful.set(1)
        self._telemetry.reload_timestamp.set(self._clock.now())


def _share(shard: Shard | None) -> dict[str, int]:
    """Return this process's shard as log fields; none without sharding."""
    if shard is None or shard.total == 1:
        return {}
    return {"shard": shard.index, "total_shards": shard.total}


def _tell(message: str, config: Config, share: Mapping[str, int]) -> None:
    """Log the configuration in force, and the ignored environment variables."""
    log.info(
        message,
        source=config.source,
        accounts=len(config.accounts),
        projects=sum(len(account.projects) for account in config.accounts),
        discovery=any(account.discover for account in config.accounts),
        **share,
    )
    if config.ignored:
        log.warning(
            "Environment variables are ignored: the configuration file does not refer to them",
            source=config.source,
            variables=",".join(config.ignored),
        )
    for doubt in doubts(config):
        log.warning(doubt.message, account=doubt.account, **doubt.fields, advice=doubt.advice)


class Watched(NamedTuple):
    """A file and the digest of its content before it was loaded; empty if it can't be read.

    A digest taken after loading would hide a change in between.
    """

    path: Path
    seen: str

    @classmethod
    def now(cls, path: Path) -> Watched:
        """Take the digest of a file; call this before loading it."""
        return cls(path, _digest(path))


class Watch:
    """The watch that reloads the configuration when its file changes; it checks every ``interval``
    s.

    A failed reload is repeated at each check: a missing file, such as a token's, may appear later.
    """

    def __init__(self, file: Watched, reloader: Reloader, interval: float) -> None:
        self._path, self._seen = file
        self._reloader = reloader
        self._interval = interval
        self._stopping = Event()
        self._failed = False
        self._thread = Thread(target=self._run, name="config-watch", daemon=True)

    def start(self) -> None:
        """Start checking."""
        self._thread.start()

    def stop(self) -> None:
        """Stop checking."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            self.look()

    def look(self) -> None:
        """Reload if the content has changed since the last successful reload."""
        digest = _digest(self._path)
        if digest and (digest != self._seen or self._failed):
            self._seen = digest
            self._failed = not self._reloader.reload_quietly()


def _digest(path: Path) -> str:
    """Return the SHA-256 of the file; empty while it can't be read, as during a replacement."""
    try:
        if not path.is_file():
            return ""  # reading a pipe could block
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
