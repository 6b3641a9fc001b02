"""``quantconnect-exporter`` as a user runs it: a command, a configuration file, a token file."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from prometheus.stack import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMAND = str(Path(sys.executable).parent / "quantconnect-exporter")
START_SECONDS = 120.0
STOP_SECONDS = 60.0
_LISTENING = re.compile(r'msg="Listening on" address=(\S+)')


def configure(
    directory: Path,
    base_url: str,
    projects: Iterable[int | dict[str, Any]],
    *,
    token: str = "demo",
    **settings: object,
) -> Path:
    """Write a configuration of one account that is read every second, and its token file."""
    token_file = directory / "token"
    token_file.write_text(f"{token}\n", encoding="utf-8")
    document = {
        "scrape_interval": "1s",
        "status_interval": "1s",
        "statistics_interval": "1s",
        **settings,
        "accounts": [
            {
                "user_id": 1,
                "api_token_file": str(token_file),
                "base_url": base_url,
                "requests_per_minute": 60_000,
                "projects": [
                    {"id": project} if isinstance(project, int) else project for project in projects
                ],
            }
        ],
    }
    file = directory / "quantconnect.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return file


class ExporterProcess:
    """The command with these arguments; a context manager that starts it and stops it.

    ``address`` is where it listens, once it is started, if the system was to choose the port.
    """

    def __init__(self, directory: Path, *arguments: str, address: str = "127.0.0.1:0") -> None:
        self.address = address
        self._log = directory / "exporter.log"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it and wait until it is ready: until every project was tried."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [COMMAND, *self._arguments, f"--web.listen-address={self.address}"],
                stdout=log,
                stderr=log,
            )
        eventually(self._listens, "the exporter listens", seconds=START_SECONDS)
        eventually(self._ready, "the exporter is ready", seconds=START_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; its exit status."""
        if self._process is None:
            raise ValueError("it was not started")
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise

    @property
    def process_id(self) -> int:
        """The process, once it is started."""
        if self._process is None:
            raise ValueError("it was not started")
        return self._process.pid

    def get(self, path: str, **headers: str) -> tuple[str, str]:
        """The content type and the text of an answer."""
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.headers["Content-Type"], response.read().decode()

    def _listens(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the exporter ended:\n{self.log}")
        found = _LISTENING.search(self.log)
        if found is None:
            return False
        self.address = found[1]
        return True

    def _ready(self) -> bool:
        try:
            self.get("/-/ready")
        except OSError:
            return False
        return True

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            if self._process is not None:
                self.stop(signal.SIGKILL)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
