"""Debian's Prometheus and Alertmanager as child processes, with this folder's rules.

For the demo, and for tests with the real programs. The configurations are the users' ones,
prometheus.yml and alertmanager.yml, with other addresses and shorter waits.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
# Below the ports that Linux assigns to outgoing connections, from 32,768 on.
_PORTS = range(20_000, 32_000)
_START_SECONDS = 60.0
_STOP_SECONDS = 15.0


def installed() -> bool:
    """Return whether both programs are installed."""
    return all(shutil.which(name) for name in ("prometheus", "prometheus-alertmanager"))


def free_port() -> int:
    """Return a port of 127.0.0.1 that is not in use.

    It is outside the range of outgoing connections, one of which could take a restarting server's
    port.
    """
    while True:
        port = secrets.choice(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def eventually(condition: Callable[[], bool], what: str, *, seconds: float) -> None:
    """Wait until the condition holds. Raise TimeoutError with its name if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s still not so: {what}")
        time.sleep(0.1)


class _Program:
    """A child process with an HTTP server, its output in a file."""

    def __init__(self, name: str, arguments: list[str], *, url: str, log: Path) -> None:
        self.name = name
        self.url = url
        self._log = log
        self._arguments = [name, *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            # In its own session: Ctrl-C in the terminal is for the parent process.
            self._process = subprocess.Popen(
                self._arguments, stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._answers, f"{self.name} is ready", seconds=_START_SECONDS)

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"{self.name} ended:\n{self._log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=60) as response:
            return json.load(response)


class Prometheus(_Program):
    """A Prometheus process that scrapes exporters with our rules; data and log go to ``directory``.

    ``interval``, in seconds, is that of scrapes and rules. Without ``rules`` it evaluates none.
    ``quicken`` speeds up the alerts by a factor: see ``quickened``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        targets: list[str],
        alertmanager: str | None = None,
        interval: float = 1.0,
        port: int | None = None,
        rules: bool = True,
        quicken: float = 1.0,
        program: str = "prometheus",
    ) -> None:
        self.data = directory / "data"
        port = port or free_port()
        config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
        seconds = f"{round(interval * 1000)}ms"
        config["global"] = {
            "scrape_interval": seconds,
            "scrape_timeout": seconds,
            "evaluation_interval": seconds,
        }
        config["rule_files"] = [str(_rules(directory, quicken) / "*.yml")] if rules else []
        config["scrape_configs"][0]["static_configs"] = [{"targets": targets}]
        managers = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
        config["alerting"] = {"alertmanagers": managers}
        file = directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        super().__init__(
            program,
            [
                f"--config.file={file}",
                f"--storage.tsdb.path={self.data}",
                "--storage.tsdb.retention.time=90d",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            url=f"http://127.0.0.1:{port}",
            log=directory / "prometheus.log",
        )

    def query(self, expression: str, *, at: float | None = None) -> list[dict[str, Any]]:
        """Return the vector of an instant query; a scalar as a vector of one, without labels."""
        parameters = {"query": expression} if at is None else {"query": expression, "time": f"{at}"}
        try:
            data = self.get("/api/v1/query", **parameters)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(f"{expression}: {error.read().decode()}") from None
        result = data["result"]
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": result}]
        return list(result)

    def alerts(self) -> list[dict[str, Any]]:
        """Return the pending and firing alerts."""
        return list(self.get("/api/v1/alerts")["data"]["alerts"])


class Alertmanager(_Program):
    """An Alertmanager process with our routes; all notifications go to ``webhook``.

    ``quicken`` divides every wait of the configuration.
    """

    def __init__(
        self,
        directory: Path,
        *,
        webhook: str | None = None,
        quicken: float = 1.0,
        port: int | None = None,
    ) -> None:
        port = port or free_port()
        shared = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())
        config = json.loads(json.dumps(shared))  # an anchor's shared value becomes separate ones
        _quicken(config["route"], quicken)
        if webhook:
            for receiver in config["receivers"]:
                receiver["webhook_configs"] = [
                    {"url": f"{webhook}/{receiver['name']}", "send_resolved": True}
                ]
        file = directory / "alertmanager.yml"
        file.write_text(yaml.safe_dump(config, sort_keys=False))
        self.address = f"127.0.0.1:{port}"
        super().__init__(
            "prometheus-alertmanager",
            [
                f"--config.file={file}",
                f"--storage.path={directory / 'alertmanager'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
            ],
            url=f"http://{self.address}",
            log=directory / "alertmanager.log",
        )


_RULES = ROOT / "prometheus" / "rules"
_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Ranges, steps of subqueries and offsets; and the ages at which data is outdated.
_IN_EXPRESSIONS = re.compile(r"(?<=[\[:])\d+[smhd](?=[\]:])|(?<=\boffset )\d+[smhd]\b")
_AGES = re.compile(r"(clamp_min\(3 \* (?:max_over_time\([^()]+\)|[^,()]+), )(\d+)\)")


def quickened(rules: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return a rule file whose alerts fire ``factor`` times as soon, otherwise unchanged.

    The factor divides the waits of all rules (``for``, ``keep_firing_for``, a group's
    ``interval``). In the alerts' expressions it divides ranges and offsets, which must fit the
    waits, and the ages at which data is outdated. Records do not change: they are about days and
    months.
    """
    quick: dict[str, Any] = json.loads(json.dumps(rules))
    for group in quick["groups"]:
        _divide(group, ("interval",), factor)
        for rule in group["rules"]:
            _divide(rule, ("for", "keep_firing_for"), factor)
            if "alert" in rule:
                expression = _IN_EXPRESSIONS.sub(
                    lambda found: _part(found[0], factor), rule["expr"]
                )
                rule["expr"] = _AGES.sub(
                    lambda found: f"{found[1]}{int(found[2]) / factor:g})", expression
                )
    return quick


def _rules(directory: Path, factor: float) -> Path:
    """Return the directory of the rules, unchanged or quickened."""
    if factor == 1:
        return _RULES
    quick = directory / "rules"
    quick.mkdir(exist_ok=True)
    for file in _RULES.glob("*.yml"):
        rules = quickened(yaml.safe_load(file.read_text()), factor)
        (quick / file.name).write_text(yaml.safe_dump(rules, sort_keys=False))
    return quick


def _quicken(route: dict[str, Any], factor: float) -> None:
    _divide(route, ("group_wait", "group_interval", "repeat_interval"), factor)
    for child in route.get("routes", []):
        _quicken(child, factor)


def _divide(durations: dict[str, Any], keys: tuple[str, ...], factor: float) -> None:
    for key in keys:
        if key in durations:
            durations[key] = _part(durations[key], factor)


def _part(duration: str, factor: float) -> str:
    amount, unit = _DURATION.fullmatch(duration).groups()  # type: ignore[union-attr]
    return f"{max(1, round(int(amount) * _SECONDS[unit] * 1000 / factor))}ms"


@dataclass
class Stack:
    """A Prometheus and its Alertmanager; a context manager that starts and stops both."""

    prometheus: Prometheus
    alertmanager: Alertmanager

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as started:
            started.callback(self.alertmanager.stop)
            self.alertmanager.start()
            started.callback(self.prometheus.stop)
            self.prometheus.start()
            started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.prometheus.stop()
        self.alertmanager.stop()
