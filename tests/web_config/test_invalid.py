"""One small bad file per rule in data/invalid/, and in data/invalid.txt the message of each.

Rules of YAML itself and of the reader are in tests/config.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.config import ConfigError
from exporter.web.config import WebConfig

if TYPE_CHECKING:
    from .pki import PKI

DATA = Path(__file__).parent / "data"
FILES = sorted((DATA / "invalid").iterdir())


def expected() -> dict[str, list[str]]:
    messages: dict[str, list[str]] = defaultdict(list)
    for line in (DATA / "invalid.txt").read_text("utf-8").splitlines():
        messages[line.partition(":")[0]].append(line)
    return messages


EXPECTED = expected()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_says_what_is_wrong(path: Path, made: PKI) -> None:
    copy = made.path(path.name)
    shutil.copy(path, copy)
    with pytest.raises(ConfigError) as caught:
        WebConfig(copy)
    said = [problem.removeprefix(f"{copy.parent}/") for problem in caught.value.problems]
    assert said == EXPECTED[path.name]


def test_the_table_has_no_more_than_the_files() -> None:
    assert set(EXPECTED) == {path.name for path in FILES}


def test_no_message_shows_a_secret() -> None:
    for line in (DATA / "invalid.txt").read_text("utf-8").splitlines():
        for secret in (
            "correct horse",
            "this is a secret",
            "very, secret",
            "alice:secret",
            "QOauhQ",
        ):
            assert secret not in line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"web\.yml: expected a file that can be read, got: No"):
        WebConfig(tmp_path / "web.yml")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a file that can be read, got: Is a directory"):
        WebConfig(tmp_path)


def test_a_file_that_is_too_big(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("#" * 1048577)
    with pytest.raises(ConfigError, match=r"can be read, got: more than 1048576 bytes$"):
        WebConfig(path)
