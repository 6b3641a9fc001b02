"""The commands as people run them, with a marked token: it is in nothing that they say.

Every fault of the catalogue is searched for it as well, by ``Scene`` and by ``Start``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING

import pytest
import requests

from exporter.config import ConfigError, load
from tests.faults.processes import Start
from tests.faults.scene import TOKEN, Listening, answer, assert_no_secret
from tests.support import SimulatorServer, given_world
from tests.support import fault_answers as say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    world = given_world({1: answer(1)}, names={1: "P1"})
    world.token = TOKEN
    with SimulatorServer(world) as server:
        server.authentication = Listening()
        yield server


@pytest.mark.parametrize(
    ("where", "format_", "rejected"),
    [
        (f"api_token: {TOKEN}", "json", True),
        ("api_token: ${A_TOKEN}", "logfmt", True),
        ("api_token_file: token", "json", False),
    ],
)
def test_the_commands_keep_secrets(
    tmp_path: Path, server: SimulatorServer, where: str, format_: str, *, rejected: bool
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "quantconnect.yaml").write_text(
        f"accounts:\n- user_id: 1\n  {where}\n  base_url: {server.base_url}\n"
        "  projects: [{id: 1}]\n"
    )
    if rejected:
        server.world.token = "another"
        server.faults.add(say.failure(f"no token {TOKEN} here, {TOKEN[:20]}"))
    said = []
    for command in (["dump"], ["doctor"], ["run", "--config.check"]):
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "exporter", *command),
                f"--config.file={tmp_path / 'quantconnect.yaml'}",
                "--log.level=debug",
                f"--log.format={format_}",
            ],
            env={**os.environ, "A_TOKEN": TOKEN},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said.append(ended.stdout + ended.stderr)
        assert "Traceback" not in said[-1]
        if command[0] != "run":
            assert bool(ended.returncode) == rejected, said[-1]
    assert len(server.requests) >= 2
    authentication = server.authentication
    assert isinstance(authentication, Listening)
    assert all(said)
    assert_no_secret(authentication, said)


@pytest.mark.parametrize(
    "spoilt",
    [
        "accounts: [{{user_id: 1, api_token: {token}, api_token_file: token}}]",
        "accounts: [{{user_id: {token}, api_token: x}}]",
        "accounts: [{{user_id: 1, api_token: [{token}]}}]",
        "accounts: [{{user_id: 1, api_token: '{token} {token}'}}]",
        "accounts: [{{user_id: 1, api_tokens: {token}}}]",
        "accounts: [{{user_id: 1, api_token: {token}, base_url: 'https://1:{token}@x/api'}}]",
        "accounts: [{{user_id: 1, api_token: {token}",
        "accounts: {{main: {token}}}",
    ],
)
def test_what_is_wrong_with_a_configuration_keeps_secrets(tmp_path: Path, spoilt: str) -> None:
    (tmp_path / "token").write_text(TOKEN)
    file = tmp_path / "quantconnect.yaml"
    file.write_text(spoilt.format(token=TOKEN))
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value).startswith(str(file))
    assert TOKEN not in str(caught.value) + repr(caught.value)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


def test_no_page_and_no_process_title_has_a_secret(tmp_path: Path) -> None:
    with Start(tmp_path)() as run:
        run.server.faults.add(say.failure(f"no token {TOKEN} here"), project_id=2)
        run.server.requests.wait_for(8)
        # All of it is searched when it has ended, with what the scraper saw.
        run.prometheus.said += [
            requests.request(method, run.url + path, timeout=120).text
            for method, path in (
                ("GET", f"/projects/{TOKEN[:3]}"),
                ("GET", "/projects/2"),
                ("GET", "/nothing"),
                ("POST", "/-/reload"),
                ("GET", "/-/reload"),
            )
        ]
        assert "<secret>" in run.prometheus.said[-4]
