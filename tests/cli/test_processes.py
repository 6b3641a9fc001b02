"""The commands that run until they are told to stop, as processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bcrypt
import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support import SimulatorServer

    from .conftest import Configure

LOOPBACK = "127.0.0.1:0"


class Process:
    """A command with what it says, as it says it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said = ""

    def listens_on(self, message: str = "Listening on", field: str = "address") -> str:
        """The value of a field of a log line, once it is there."""
        while line := self.next_line():
            if message in line and (found := re.search(rf"{field}=(\S+)", line)):
                return found[1]
        raise AssertionError(f"it ended with {self._process.wait()}: {self.said}")

    def next_line(self) -> str:
        """One more of what it says, "" after the last."""
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        self.said += line
        return line

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        assert self._process.stderr is not None
        assert self._process.stdout is not None
        self.said += self._process.stderr.read()
        self.out = self._process.stdout.read()
        return self._process.wait(120)


@contextmanager
def running(*argv: str) -> Iterator[Process]:
    with subprocess.Popen(
        [sys.executable, "-m", "exporter", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            yield Process(process)
        finally:
            if process.poll() is None:
                process.kill()


def wait_for(url: str, text: str) -> str:
    deadline = time.monotonic() + 60
    while text not in (body := requests.get(url, timeout=20).text):
        assert time.monotonic() < deadline, f"{url} never had {text}: {body[-2000:]}"
        time.sleep(0.05)
    return body


def wait_for_answer(url: str) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"{url}/-/healthy", timeout=20)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"nobody answers at {url}"
            time.sleep(0.05)
        else:
            return


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run(quantconnect: SimulatorServer, configure: Configure, number: signal.Signals) -> None:
    file = configure("projects: [{id: 21048731}]")
    with running("--config.file", str(file), "--web.listen-address", LOOPBACK) as exporter:
        url = f"http://{exporter.listens_on()}"
        wait_for(
            f"{url}/metrics",
            'quantconnect_holdings{account="default",project="US equities long-short"',
        )
        wait_for(f"{url}/-/ready", "Ready")
        wait_for(f"{url}/-/healthy", "Healthy")
        assert "api_token: <secret>" in wait_for(f"{url}/config", "accounts:")
        wait_for(f"{url}/projects/21048731", "US equities long-short")
        assert exporter.stop(number) == 0
        assert f"signal={number.name}" in exporter.said
        assert "msg=Stopped" in exporter.said
        assert "Traceback" not in exporter.said
        loaded = f'msg="Configuration loaded" source={file} accounts=1 projects=1 discovery=false'
        assert loaded in exporter.said


def test_listening_on_two_addresses_in_json(configure: Configure) -> None:
    file = configure("projects: [{id: 21048731}]")
    both = ("--web.listen-address", LOOPBACK, "--web.listen-address", LOOPBACK)
    with running("--config.file", str(file), "--log.format", "json", *both) as exporter:
        pattern = r'"address": "([^"]+)"'
        while len(found := re.findall(pattern, exporter.said)) < 2:
            assert exporter.next_line(), exporter.said
        assert len(set(found)) == 2
        for address in found:
            wait_for(f"http://{address}/-/healthy", "Healthy")
        assert exporter.stop(signal.SIGTERM) == 0


def test_a_public_address_is_warned_of(configure: Configure) -> None:
    file = configure("projects: [{id: 21048731}]")
    with running("--config.file", str(file), "--web.listen-address", "0.0.0.0:0") as exporter:
        port = exporter.listens_on().rpartition(":")[2]
        wait_for(f"http://127.0.0.1:{port}/-/healthy", "Healthy")
        assert exporter.stop(signal.SIGTERM) == 0
        assert "Portfolio values can be read by anyone who reaches this port" in exporter.said


def test_a_web_configuration(configure: Configure, tmp_path: Path) -> None:
    """A password makes a public address nothing to warn of."""
    file, web = configure("projects: [{id: 21048731}]"), tmp_path / "web.yaml"
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    web.write_text(f"basic_auth_users: {{alice: '{hashed}'}}\n")
    with running(
        *("--config.file", str(file), "--web.config.file", str(web)),
        *("--web.listen-address", "0.0.0.0:0"),
    ) as exporter:
        port = exporter.listens_on().rpartition(":")[2]
        url = f"http://127.0.0.1:{port}/metrics"
        assert requests.get(url, timeout=20).status_code == 401
        assert requests.get(url, auth=("alice", "open sesame"), timeout=20).status_code == 200
        counted = requests.get(url, auth=("alice", "open sesame"), timeout=20).text
        assert 'http_requests_total{code="401",handler="/metrics"} 1.0' in counted
        assert exporter.stop(signal.SIGTERM) == 0
    assert "Portfolio values can be read" not in exporter.said


def test_simulate() -> None:
    with running("simulate", "--simulator.listen-address", LOOPBACK) as simulator:
        base_url = simulator.listens_on("Simulating", "base_url")
        answer = requests.post(f"{base_url}/authenticate", timeout=20).json()
        assert answer["success"] is False
        assert simulator.stop(signal.SIGTERM) == 0
        assert "token=demo" in simulator.said


def test_demo(tmp_path: Path) -> None:
    addresses = ("--web.listen-address", LOOPBACK, "--simulator.listen-address", LOOPBACK)
    with running("demo", *addresses) as demo:
        url = f"http://{demo.listens_on()}"
        body = wait_for(f"{url}/metrics", "quantconnect_live_equity{")
        assert 'desk="equities"' in body
        wait_for(f"{url}/metrics", "quantconnect_holding_unrealized_pnl{")
        assert demo.stop(signal.SIGINT) == 0
        assert "Ctrl-C ends it." in demo.out
        assert "Traceback" not in demo.said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.unmeasured
@pytest.mark.parametrize("phase", ["Starting quantconnect-exporter", "Build context", "TLS is"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_stopped_while_it_starts(configure: Configure, phase: str, number: signal.Signals) -> None:
    watched = ("--config.enable-auto-reload", "--config.file", str(configure()))
    with running("--web.listen-address", LOOPBACK, *watched) as process:
        process.listens_on(phase, "level")
        process.send(signal.SIGHUP)
        assert process.stop(number) == 0, process.said


def test_whoever_reads_a_dump_may_have_had_enough(configure: Configure) -> None:
    configure("projects: [{id: 21048731, name: US}]")
    status, said = had_enough("dump")
    assert (status, "BrokenPipe" in said) == (1, False), said


def buffered() -> dict[str, str]:
    """An environment in which Python keeps back what it prints, as it does for a user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def shell(line: str, *argv: str) -> tuple[int, str]:
    """The exit status of a shell's line with the command as $@, and what is said on stderr."""
    done = subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "exporter", *argv],
        capture_output=True,
        text=True,
        env=buffered(),
        check=False,
    )
    return done.returncode, done.stderr


def had_enough(command: str) -> tuple[int, str]:
    """The same where nobody reads what the command prints."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "exporter", command],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=buffered(),
        check=False,
    )
    os.close(write)
    return done.returncode, done.stderr


PRINTS = pytest.mark.parametrize("command", ["--help", "--version", "--config.check", "doctor"])


@PRINTS
def test_what_cannot_be_printed_is_said(configure: Configure, command: str) -> None:
    configure("projects: [{id: 21048731, name: US}]")
    said = "quantconnect-exporter: cannot print: No space left on device\n"
    assert shell('"$@" > /dev/full', command) == (1, said)


@PRINTS
def test_whoever_reads_what_is_printed_may_have_had_enough(
    configure: Configure, command: str
) -> None:
    configure("projects: [{id: 21048731, name: US}]")
    assert had_enough(command) == (1, "")


def test_printing_where_standard_output_is_closed(configure: Configure) -> None:
    configure("projects: [{id: 21048731, name: US}]")
    for command in ("--version", "--config.check", "doctor"):
        assert shell('"$@" >&-', command) == (0, "")
    status, said = shell('"$@" >&-', "dump")
    assert (status, "Standard output is closed" in said) == (1, True)
    assert "Traceback" not in said


def test_a_dump_to_a_full_disk(configure: Configure) -> None:
    configure("projects: [{id: 21048731, name: US}]")
    status, said = shell('"$@" > /dev/full', "dump")
    assert status == 1
    assert said.endswith("quantconnect-exporter: cannot print: No space left on device\n")
    assert "Traceback" not in said


def test_errors_where_standard_error_is_closed_are_not_on_standard_output() -> None:
    assert shell('"$@" 2>&- | wc -c >&2; exit "${PIPESTATUS[0]}"', "--config.check") == (1, "0\n")


def test_an_error_that_cannot_be_printed_still_has_its_exit_status() -> None:
    assert shell('"$@" 2> /dev/full', "--no-such-flag") == (2, "")


@pytest.mark.parametrize("log", ["/dev/full", ">(exec true)"])
def test_a_log_that_cannot_be_written_is_no_reason_to_end_badly(
    configure: Configure, log: str
) -> None:
    configure("projects: [{id: 21048731, name: US}]")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with subprocess.Popen(
        [
            *("bash", "-c", f'exec "$@" 2> {log}', "bash", sys.executable, "-m", "exporter"),
            *("--web.listen-address", address),
        ],
        env=buffered(),
    ) as process:
        try:
            url = f"http://{address}"
            wait_for_answer(url)
            assert requests.post(f"{url}/-/reload", timeout=20).ok
            process.terminate()
            assert process.wait(120) == 0
        finally:
            if process.poll() is None:
                process.kill()


def test_the_socket_that_systemd_opened(configure: Configure) -> None:
    """As systemd does it: the socket is file descriptor 3, and the environment says for whom."""
    file = configure("projects: [{id: 21048731, name: US}]")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        start = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True);"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
            "os.execv(sys.executable, [sys.executable, '-m', 'exporter', *sys.argv[2:]])"
        )
        descriptor = listening.fileno()
        with subprocess.Popen(
            [
                *(sys.executable, "-c", start, str(descriptor)),
                *("--web.systemd-socket", "--config.file", str(file)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[descriptor],
        ) as child:
            process = Process(child)
            assert process.listens_on() == f"127.0.0.1:{port}"
            assert requests.get(f"http://127.0.0.1:{port}/-/healthy", timeout=10).ok
            assert process.stop(signal.SIGTERM) == 0


def test_no_socket_from_systemd(configure: Configure) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "exporter", "--web.systemd-socket"),
            *("--config.file", str(configure())),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "LISTEN_PID": "1", "LISTEN_FDS": "1"},
        check=False,
    )
    assert done.returncode == 1
    assert "systemd has opened no socket for this process" in done.stderr
