"""A secret shows itself to nobody who does not ask by name."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
import traceback
from pathlib import Path

import msgspec
import pytest
import yaml

from exporter.config import Config, ConfigError, Secret, Token, load, to_yaml

MARK = "0123456789abcdef"


def test_it_prints_as_a_mask() -> None:
    secret = Secret(MARK)
    assert secret.reveal() == MARK
    for shown in (
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!s:>20}".strip(),
        "{}".format(secret),  # noqa: UP032
        "%s" % secret,  # noqa: UP031
        pprint.pformat(secret),
        json.dumps(secret, default=str).strip('"'),
    ):
        assert shown == "<secret>"


def test_it_is_not_serialised() -> None:
    secret = Secret(MARK)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        msgspec.json.encode(secret)
    with pytest.raises(yaml.YAMLError) as refused:
        yaml.safe_dump(secret)
    assert MARK not in str(refused.value)
    with pytest.raises(TypeError):
        vars(secret)


def test_it_compares_hashes_and_copies() -> None:
    secret = Secret(MARK)
    assert secret == Secret(MARK)
    assert secret != Secret("another")
    assert secret != Secret("é")
    assert secret != MARK
    assert len({secret, Secret(MARK), Secret("another")}) == 2
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_a_configuration_does_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "quantconnect.yaml"
    path.write_text(f"accounts: [{{user_id: 1, api_token: {MARK}}}]")
    config = load(path, {})
    assert config.accounts[0].token.read().reveal() == MARK
    for shown in (repr(config), to_yaml(config)):
        assert MARK not in shown
        assert "<secret>" in shown


def test_a_traceback_with_locals_does_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "quantconnect.yaml"
    path.write_text(f"accounts: [{{user_id: x, api_token: {MARK}}}]")
    try:
        load(path, {})
    except ConfigError as error:
        frames = traceback.TracebackException.from_exception(error)
        assert MARK not in "".join(frames.format())
    else:
        pytest.fail("x is no user id")


def test_a_token_in_the_configuration_reads_as_itself() -> None:
    assert Token(secret=Secret(MARK)).read() == Secret(MARK)
    assert Token(secret=Secret(MARK)).file is None


def test_a_token_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = Token(file=path)
    path.write_bytes(b"\xef\xbb\xbf  first\r\n")
    assert token.read() == Secret("first")
    path.write_text("second")
    assert token.read() == Secret("second")
    assert token.file == path


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"0123 4567", "it has white space or control characters in it"),
        (b"0123\x004567", "it has white space or control characters in it"),
        (b"0123\xff", "it is not UTF-8 text"),
        (b"0" * 70_000, "more than 65536 bytes, which no token has"),
    ],
)
def test_a_file_that_holds_no_token(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Token(file=path).read()
    assert caught.value.problems == (
        f"{path}: expected a file that holds the API token, got: {reason}",
    )
    assert "0123" not in str(caught.value).removeprefix(str(path))


def test_a_token_file_that_has_gone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"token, got: No such file or directory$"):
        Token(file=tmp_path / "gone").read()


def test_a_device_is_no_token_file() -> None:
    with pytest.raises(ConfigError, match=r"token, got: not a regular file$"):
        Token(file=Path("/dev/zero")).read()


def test_equal_tokens_make_equal_configurations(tmp_path: Path) -> None:
    def config(token: str) -> Config:
        path = tmp_path / "quantconnect.yaml"
        path.write_text(f"accounts: [{{user_id: 1, api_token: {token}}}]")
        return load(path, {})

    assert config("a") == config("a")
    assert config("a") != config("b")
