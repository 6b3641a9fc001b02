"""Where the configuration comes from: a named file, quantconnect.yaml, or the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config import (
    Account,
    Config,
    ConfigError,
    Defaults,
    ProjectSettings,
    Secret,
    Token,
    find,
    load_from_environment,
    load_text,
    resolve,
)

from .conftest import as_nobody

if TYPE_CHECKING:
    from pathlib import Path

FILE = "accounts: [{user_id: 1, api_token: t}]\n"
CREDENTIALS = {"QUANTCONNECT_USER_ID": "123456", "QUANTCONNECT_API_TOKEN": "abc"}


@pytest.fixture(autouse=True)
def cwd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(config_file: str | None, environ: dict[str, str]) -> Config:
    """What a start makes of it."""
    return resolve(find(config_file), environ)


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_from_environment(environ)
    return caught.value.problems


def test_a_named_file(cwd: Path) -> None:
    (cwd / "other.yaml").write_text(FILE)
    assert found("other.yaml", CREDENTIALS).source == "other.yaml"
    assert found(str(cwd / "other.yaml"), {}).source == str(cwd / "other.yaml")


def test_a_named_file_that_is_missing_is_an_error(cwd: Path) -> None:
    (cwd / "quantconnect.yaml").write_text(FILE)
    with pytest.raises(ConfigError) as caught:
        found("other.yaml", CREDENTIALS)
    assert caught.value.problems == (
        "other.yaml: expected a file that can be read, got: No such file or directory",
    )


def test_the_default_file_comes_before_the_environment(cwd: Path) -> None:
    (cwd / "quantconnect.yaml").write_text(FILE)
    config = found(None, CREDENTIALS)
    assert config.source == "quantconnect.yaml"
    assert config.accounts[0].user_id == 1


def test_variables_that_a_file_leaves_unused_are_named(cwd: Path) -> None:
    (cwd / "quantconnect.yaml").write_text(FILE)
    environ = CREDENTIALS | {"QUANTCONNECT_PROJECTS": "", "QUANTCONNECT_OTHER": "1"}
    assert found(None, environ).ignored == ("QUANTCONNECT_USER_ID", "QUANTCONNECT_API_TOKEN")
    assert found(None, {}).ignored == ()
    used = "accounts: [{user_id: 1, api_token: '${QUANTCONNECT_API_TOKEN}'}]\n"
    (cwd / "quantconnect.yaml").write_text(used)
    assert found(None, environ).ignored == ("QUANTCONNECT_USER_ID",)
    (cwd / "quantconnect.yaml").unlink()
    assert found(None, environ).ignored == ()


def test_a_file_that_was_found_and_has_gone_is_an_error(cwd: Path) -> None:
    (cwd / "quantconnect.yaml").write_text(FILE)
    path = find(None)
    (cwd / "quantconnect.yaml").unlink()
    with pytest.raises(ConfigError) as caught:
        resolve(path, CREDENTIALS)
    assert caught.value.problems == (
        "quantconnect.yaml: expected a file that can be read, got: No such file or directory",
    )


def test_a_link_to_nothing_was_meant_to_be_a_file(cwd: Path) -> None:
    (cwd / "quantconnect.yaml").symlink_to("gone.yaml")
    with pytest.raises(ConfigError, match=r"^quantconnect.yaml: .* No such file or directory$"):
        found(None, CREDENTIALS)


def test_a_current_directory_that_is_closed(
    for_nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = for_nobody / "closed"
    closed.mkdir()
    monkeypatch.chdir(closed)
    closed.chmod(0)
    with as_nobody(), pytest.raises(ConfigError) as caught:
        found(None, CREDENTIALS)
    assert caught.value.problems == (
        (
            "quantconnect.yaml: expected to see whether it is in the current directory, got: "
            "Permission denied; name a file with --config.file, or start elsewhere"
        ),
    )


@pytest.fixture
def gone(cwd: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory above the current one, which is no longer there."""
    (cwd / "gone").mkdir()
    monkeypatch.chdir(cwd / "gone")
    (cwd / "gone").rmdir()
    return cwd


def test_where_the_current_directory_is_gone_absolute_paths_do(gone: Path) -> None:
    (gone / "token").write_text("abc")
    (gone / "quantconnect.yaml").write_text("accounts: [{user_id: 1, api_token_file: token}]")
    assert found(str(gone / "quantconnect.yaml"), {}).accounts[0].token.read() == Secret("abc")
    environ = {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN_FILE": str(gone / "token")}
    assert found(None, environ).accounts[0].token.read() == Secret("abc")
    assert found(None, CREDENTIALS).source == "environment"
    assert load_text(FILE, {}, source="a text").accounts[0].user_id == 1


def test_where_the_current_directory_is_gone_relative_paths_are_an_error(gone: Path) -> None:
    (gone / "quantconnect.yaml").write_text(FILE)
    (gone / "token").write_text("abc")
    with pytest.raises(ConfigError, match=r"^quantconnect.yaml: .* No such file or directory$"):
        found("quantconnect.yaml", {})
    got = (
        "expected an absolute path, or a current directory, got: No such file or directory for "
        "the current directory"
    )
    with pytest.raises(ConfigError) as caught:
        found("../quantconnect.yaml", {})
    assert caught.value.problems == (f"../quantconnect.yaml: {got}",)
    environ = {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN_FILE": "../token"}
    assert problems(environ) == (f"environment: QUANTCONNECT_API_TOKEN_FILE: {got}",)


def test_a_relative_token_file_is_beside_the_configuration(cwd: Path) -> None:
    directory = cwd / "etc"
    directory.mkdir()
    (directory / "token").write_text("abc")
    (directory / "quantconnect.yaml").write_text("accounts: [{user_id: 1, api_token_file: token}]")
    (account,) = found("etc/quantconnect.yaml", {}).accounts
    assert account.token.file == directory / "token"
    assert account.token.read() == Secret("abc")


def test_nothing_at_all_tells_the_ways_in() -> None:
    with pytest.raises(ConfigError) as caught:
        found(None, {"QUANTCONNECT_USER_ID": ""})
    said = str(caught.value)
    for way in (
        "there is no quantconnect.yaml here and QUANTCONNECT_USER_ID is not set",
        "QUANTCONNECT_USER_ID and QUANTCONNECT_API_TOKEN (or QUANTCONNECT_API_TOKEN_FILE)",
        "https://www.quantconnect.com/account",
        "config.example.yaml",
        "--config.file",
        "quantconnect-exporter demo",
    ):
        assert way in said


def test_an_account_from_the_environment() -> None:
    config = found(None, CREDENTIALS)
    assert config == load_from_environment(CREDENTIALS)
    assert config.source == "environment"
    (account,) = config.accounts
    assert account.discover is not None
    assert account.discover.matches("anything")
    assert account == Account(
        name="default",
        user_id=123456,
        token=Token(secret=Secret("abc")),
        base_url="https://www.quantconnect.com/api/v2",
        requests_per_minute=60.0,
        discover=account.discover,
        defaults=Defaults(scrape_interval=60.0),
        projects=(),
    )


def test_projects_from_the_environment() -> None:
    environ = CREDENTIALS | {"QUANTCONNECT_PROJECTS": "23456789, 23456790"}
    (account,) = load_from_environment(environ).accounts
    assert account.discover is None
    assert account.projects == (
        ProjectSettings(id=23456789, scrape_interval=60.0),
        ProjectSettings(id=23456790, scrape_interval=60.0),
    )


def test_a_token_file_from_the_environment(cwd: Path) -> None:
    (cwd / "token").write_text("abc\n")
    (account,) = load_from_environment(
        {
            "QUANTCONNECT_USER_ID": "123456",
            "QUANTCONNECT_API_TOKEN": "",
            "QUANTCONNECT_API_TOKEN_FILE": "token",
            "QUANTCONNECT_PROJECTS": "",
        }
    ).accounts
    assert account.token == Token(file=cwd / "token")
    assert account.discover is not None


def test_everything_wrong_with_the_environment_is_said_at_once() -> None:
    assert problems({"QUANTCONNECT_PROJECTS": "5,x,,5"}) == (
        (
            "environment: QUANTCONNECT_USER_ID: expected QuantConnect's user id, a whole number "
            "such as 123456, got nothing"
        ),
        (
            "environment: QUANTCONNECT_API_TOKEN: expected either this or "
            "QUANTCONNECT_API_TOKEN_FILE to be set, got neither"
        ),
        (
            "environment: QUANTCONNECT_PROJECTS: expected a project's id, a whole number such as "
            '23456789, got the text "x"'
        ),
        (
            "environment: QUANTCONNECT_PROJECTS: expected a project's id, a whole number such as "
            "23456789, got an empty text"
        ),
        "environment: QUANTCONNECT_PROJECTS: expected each project once, got 5 again",
    )


def test_two_tokens_in_the_environment() -> None:
    environ = CREDENTIALS | {"QUANTCONNECT_API_TOKEN_FILE": "token"}
    assert problems(environ) == (
        (
            "environment: QUANTCONNECT_API_TOKEN: expected either this or "
            "QUANTCONNECT_API_TOKEN_FILE to be set, got both"
        ),
    )


def test_values_of_the_environment_that_do_not_fit() -> None:
    assert problems({"QUANTCONNECT_USER_ID": "ab" * 32, "QUANTCONNECT_API_TOKEN": "two words"}) == (
        (
            "environment: QUANTCONNECT_USER_ID: expected QuantConnect's user id, a whole number "
            "such as 123456, got a text of 64 characters"
        ),
        (
            "environment: QUANTCONNECT_API_TOKEN: expected the API token of QuantConnect's account "
            "page, got a text that is not shown (it has white space or control characters in it)"
        ),
    )


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("missing", 'got the text "missing" (No such file or directory)'),
        (".", 'got the text "." (not a regular file)'),
    ],
)
def test_a_token_file_of_the_environment_that_can_not_be_read(file: str, reason: str) -> None:
    environ = {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN_FILE": file}
    assert problems(environ) == (
        "environment: QUANTCONNECT_API_TOKEN_FILE: expected a file that holds the API token, "
        + reason,
    )


def test_a_token_file_of_the_environment_that_is_no_path() -> None:
    environ = {"QUANTCONNECT_USER_ID": "1", "QUANTCONNECT_API_TOKEN_FILE": "a\0b"}
    assert problems(environ) == (
        (
            "environment: QUANTCONNECT_API_TOKEN_FILE: expected the path of a file, got a text "
            "that can't be printed"
        ),
    )
