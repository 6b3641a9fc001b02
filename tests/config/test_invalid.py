"""One small bad file per rule in data/invalid/, and in data/invalid.txt what each must say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from exporter.config import ConfigError, load

from .conftest import as_nobody

DATA = Path(__file__).parent / "data"
FILES = sorted((DATA / "invalid").iterdir())
# EMPTY is set, and to nothing; BYTES is what os.environ gives for bytes that are not UTF-8.
ENVIRON = {"SET": "from outside", "EMPTY": "", "BYTES": "caf\udce9"}


def expected() -> dict[str, list[str]]:
    messages: dict[str, list[str]] = defaultdict(list)
    for line in (DATA / "invalid.txt").read_text("utf-8").splitlines():
        messages[line.partition(":")[0]].append(line)
    return messages


EXPECTED = expected()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_says_what_is_wrong(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, ENVIRON)
    said = [problem.removeprefix(f"{path.parent}/") for problem in caught.value.problems]
    assert said == EXPECTED[path.name]
    assert str(caught.value) == "\n".join(caught.value.problems)


def test_the_table_has_no_more_than_the_files() -> None:
    assert set(EXPECTED) == {path.name for path in FILES}


def test_a_missing_file() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Path("no/such/file.yaml"), {})
    assert caught.value.problems == (
        "no/such/file.yaml: expected a file that can be read, got: No such file or directory",
    )


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can be read, got: Is a directory$"):
        load(tmp_path, {})


def test_a_file_without_permission(for_nobody: Path) -> None:
    path = for_nobody / "quantconnect.yaml"
    path.write_text("accounts: []\n")
    path.chmod(0)
    with as_nobody(), pytest.raises(ConfigError, match=r"can be read, got: Permission denied$"):
        load(path, {})


def test_a_device_is_read_no_further_than_a_configuration_can_go() -> None:
    with pytest.raises(ConfigError, match=r"^/dev/zero: expected at most 1048576 bytes, got more$"):
        load(Path("/dev/zero"), {})


def test_more_problems_than_a_person_reads(tmp_path: Path) -> None:
    path = tmp_path / "quantconnect.yaml"
    path.write_text("accounts:\n" + "  - 1\n" * 1000)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert len(caught.value.problems) == 201
    assert caught.value.problems[-1] == f"{path}: and 800 more problems"


def test_deep_nesting_of_a_pattern_is_refused_or_taken_but_never_fatal(tmp_path: Path) -> None:
    path = tmp_path / "quantconnect.yaml"
    pattern = "(" * 5000 + ")" * 5000
    path.write_text(
        "accounts: [{user_id: 1, api_token: t, "
        f"discover: {{enabled: true, include: '{pattern}'}}}}]"
    )
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.problems == (
        (
            f"{path}:1: accounts[0].discover.include: expected a regular expression, "
            "got a text of 10000 characters (it is too big)"
        ),
    )
