"""What docs/deployment.md shows works."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from exporter.config import load

from .paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CONFIGURATIONS = [text for text in BLOCKS if not text.startswith("# values.yaml\n")]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_a_configuration_is_valid(text: str, tmp_path: Path) -> None:
    (tmp_path / "quantconnect_token").write_text("secret")
    file = tmp_path / "quantconnect.yaml"
    file.write_text(text)
    assert load(file, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).accounts


def test_what_is_named_exists() -> None:
    named = set(re.findall(r"(?<![\w/.])((?:deploy|prometheus|docs)/[\w./-]+)", PAGE))
    assert {"deploy/systemd/quantconnect-exporter.service", "deploy/kubernetes/base"} <= named
    for path in named:
        assert (ROOT / path.rstrip(".")).exists(), path
    for path in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / path).exists(), path


def test_a_check_as_the_service_sees_what_the_service_sees() -> None:
    """Its user, its environment, its token, its program and its configuration."""
    unit = (ROOT / "deploy/systemd/quantconnect-exporter.service").read_text(encoding="utf-8")
    (function,) = re.findall(r"as_the_service\(\) {\n(.*?)\n  }", PAGE, re.DOTALL)
    given = shlex.split(function.replace("\\\n", ""))
    properties = [value for flag, value in pairwise(given) if flag == "--property"]
    decisive = r"(?m)^(?:DynamicUser|EnvironmentFile|LoadCredential)=.*$"
    assert sorted(properties) == sorted(re.findall(decisive, unit))
    (started,) = re.findall(r"(?m)^ExecStart=(.*)$", unit)
    program, *flags = started.split()
    assert given[given.index(program) :] == [program, "$@", *flags]
