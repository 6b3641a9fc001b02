"""The form for grafana.com and "Import": what it asks for is used, the rest is as provisioned."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grafana.build import documents
from grafana.importable import importable

ROOT = Path(__file__).resolve().parents[2]
PROVISIONED = {name: json.loads(text) for name, text in documents().items()}
IMPORTABLE = {name: importable(each) for name, each in PROVISIONED.items()}

each_board = pytest.mark.parametrize("name", PROVISIONED)


def answered(board: dict[str, Any], uid: str) -> dict[str, Any]:
    """As Grafana imports it: each input's answer wherever ${NAME} stands, and no more question."""
    (asked,) = board["__inputs"]
    text = json.dumps({key: value for key, value in board.items() if not key.startswith("__")})
    made: dict[str, Any] = json.loads(text.replace(f"${{{asked['name']}}}", uid))
    return made


@each_board
def test_an_import_gives_the_provisioned_dashboard_with_its_data_source(name: str) -> None:
    board = answered(IMPORTABLE[name], "my-prometheus")
    (variable,) = [each for each in board["templating"]["list"] if each["type"] == "datasource"]
    assert variable["current"] == {
        "selected": True,
        "text": "my-prometheus",
        "value": "my-prometheus",
    }
    variable["current"] = {}
    assert board == PROVISIONED[name]


@each_board
def test_what_is_asked_for_is_used_and_what_is_used_is_asked_for(name: str) -> None:
    board = IMPORTABLE[name]
    used = set(re.findall(r"\$\{(DS_\w+)\}", json.dumps(board)))
    assert [each["name"] for each in board["__inputs"]] == sorted(used)
    assert all(each["type"] == "datasource" for each in board["__inputs"])


@each_board
def test_every_kind_of_panel_is_required(name: str) -> None:
    text = json.dumps(PROVISIONED[name]["panels"])
    kinds = set(re.findall(r'"type": "([a-z-]+)"', text))
    required = {each["id"]: each for each in IMPORTABLE[name]["__requires"]}
    panels = {kind for kind, each in required.items() if each["type"] == "panel"}
    shown = {panel["type"] for panel in PROVISIONED[name]["panels"]} - {"row"}
    assert shown <= panels <= kinds
    assert required["grafana"]["version"] == "9.4.0"
    assert required["prometheus"]["type"] == "datasource"


def test_the_command_writes_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grafana.importable", f"--output={tmp_path / 'new'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(tmp_path / "new" / name) for name in IMPORTABLE]
    for name, board in IMPORTABLE.items():
        assert json.loads((tmp_path / "new" / name).read_text()) == board
