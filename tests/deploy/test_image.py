"""The Dockerfile: what it copies is there, who runs, what is checked for health."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from exporter.cli.flags import parse

from .flags import variables
from .paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
# Comments may stand between continued lines.
LINES = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", TEXT)).splitlines()
INSTRUCTIONS = [tuple(line.split(maxsplit=1)) for line in LINES if line]


def instructions(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def environment() -> dict[str, str]:
    return dict(word.split("=", 1) for text in instructions("ENV") for word in text.split())


def health_check() -> list[str]:
    """The program that says whether the container is well."""
    (text,) = instructions("HEALTHCHECK")
    command: list[str] = json.loads(text.partition(" CMD ")[2])
    assert command[0] == "python"
    return [sys.executable, *command[1:]]


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server whose /-/healthy answers so; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/-/healthy" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def healthy(port: int, **environ: str) -> bool:
    command = health_check()
    assert "10270" in command[-1]
    command[-1] = command[-1].replace("10270", str(port))
    done = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0


def test_what_is_copied_exists_and_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    let_through = [line[1:] for line in ignored if line.startswith("!")]
    sources = {
        source
        for text in instructions("COPY")
        if not text.startswith("--from=")
        for source in text.split()[:-1]
    }
    assert sources == set(let_through)
    for source in sources:
        assert (ROOT / source).exists()
    assert not any(fnmatch(source, pattern) for source in sources for pattern in ignored[2:])


def test_it_builds_on_a_base_of_ones_choice_and_leaves_the_tools_behind() -> None:
    assert instructions("ARG")[0].startswith("BASE_IMAGE=")
    assert instructions("FROM") == ["${BASE_IMAGE} AS build", "${BASE_IMAGE}"]
    installs = [
        step
        for text in instructions("RUN")
        for step in text.split("&&")
        if re.search(r"\bpip\b.* install", step)
    ]
    assert len(installs) == 3
    for step in installs:
        assert "--no-cache-dir" in step
        assert "--require-hashes" in step or "--no-index" in step


def test_nobody_runs_it_and_nothing_has_to_be_written() -> None:
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert environment()["PYTHONDONTWRITEBYTECODE"] == "1"
    assert instructions("VOLUME") == []


def test_it_runs_the_exporter_where_its_configuration_is_looked_for() -> None:
    assert instructions("ENTRYPOINT") == ['["quantconnect-exporter"]']
    assert instructions("CMD") == []
    assert instructions("WORKDIR")[-1] == "/etc/quantconnect-exporter"


def test_its_environment_is_the_exporters(capsys: pytest.CaptureFixture[str]) -> None:
    own = {name for name in environment() if name.startswith("QUANTCONNECT_")}
    assert own - {"QUANTCONNECT_EXPORTER_REVISION"} <= variables(capsys)
    (address,) = parse([], environment()).web_listen_address
    assert str(address) == "0.0.0.0:10270"
    assert instructions("EXPOSE") == [str(address.port)]


def test_the_health_check_tells_well_from_unwell() -> None:
    with answering(200) as port:
        assert healthy(port)
    assert not healthy(port)
    with answering(503) as port:
        assert not healthy(port)


def test_the_health_check_asks_no_proxy() -> None:
    with answering(200) as port:
        assert healthy(port, http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9")
