"""config.example.yaml has every key of the schema, nothing else, and is valid as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
import pytest
import yaml

from exporter.config import ConfigError, load, to_yaml
from exporter.config.reader import Entry
from exporter.config.schema import Document

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
ENVIRON = {"QUANTCONNECT_USER_ID": "123456", "QUANTCONNECT_API_TOKEN": "abc"}


def schema_keys(annotation: Any) -> set[str]:
    """Every key that the schema knows below ``annotation``."""
    if get_origin(annotation) in (Union, UnionType, tuple, dict):
        return {key for part in get_args(annotation) for key in schema_keys(part)}
    if not (isinstance(annotation, type) and issubclass(annotation, Entry)):
        return set()
    fields = msgspec.structs.fields(annotation)
    return {field.name for field in fields}.union(*(schema_keys(field.type) for field in fields))


def leaves(annotation: Any) -> list[Any]:
    """Every annotation of a single value that the schema has below ``annotation``."""
    if get_origin(annotation) is Annotated:
        return [annotation]
    if isinstance(annotation, type) and issubclass(annotation, Entry):
        parts = [field.type for field in msgspec.structs.fields(annotation)]
    else:
        parts = list(get_args(annotation))
    return [leaf for part in parts for leaf in leaves(part)]


def test_every_key_is_explained() -> None:
    text = EXAMPLE.read_text("utf-8")
    written = set(re.findall(r"^ *(?:- )?(?:# )?([a-z_]+):(?: |$)", text, re.MULTILINE))
    assert schema_keys(Document) <= written


def test_it_is_valid_and_has_no_other_key() -> None:
    config = load(EXAMPLE, ENVIRON)
    assert config.accounts[0].user_id == 123456
    assert config.accounts[0].token.read().reveal() == "abc"


def test_its_values_are_the_defaults_where_it_does_not_say_otherwise(tmp_path: Path) -> None:
    bare = tmp_path / "bare.yaml"
    bare.write_text("accounts: [{user_id: 123456, api_token: abc}]")
    example, default = load(EXAMPLE, ENVIRON), load(bare, {})
    for field in (
        "scrape_interval",
        "request_timeout",
        "stale_after",
        "status_interval",
        "statistics_interval",
        "orders_interval",
        "trades_interval",
        "nodes_interval",
        "account_interval",
        "benchmark_interval",
        "logs_interval",
        "max_holdings_per_project",
    ):
        assert getattr(example, field) == getattr(default, field)
    assert example.accounts[0].base_url == default.accounts[0].base_url
    assert example.accounts[0].requests_per_minute == default.accounts[0].requests_per_minute
    assert example.accounts[0].projects[0].strike_scale == default.accounts[0].defaults.strike_scale


def test_its_token_file_takes_the_place_of_its_token(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("from a file")
    path = tmp_path / "quantconnect.yaml"
    text = EXAMPLE.read_text("utf-8")
    for old, new in (
        ("    api_token: ${QUANTCONNECT_API_TOKEN}\n", ""),
        ("# api_token_file: /run/secrets/quantconnect_token", "api_token_file: token"),
    ):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="white space"):
        load(path, ENVIRON)
    token.write_text("abc\n")
    assert load(path, ENVIRON).accounts[0].token.file == token


def test_its_comments_say_the_ranges_that_are_checked() -> None:
    """The words of every range stand in the example, so that neither can change alone."""
    text = " ".join(EXAMPLE.read_text("utf-8").replace("#", " ").split())
    for leaf in leaves(Document):
        for least, most in re.findall(r"from (\S+) to ([^ ,]+)", leaf.__metadata__[0].description):
            assert f"rom {least} to {most}" in text, leaf


def test_every_value_says_what_is_expected() -> None:
    for leaf in leaves(Document):
        assert leaf.__metadata__[0].description


def test_the_running_configuration_of_the_example(tmp_path: Path) -> None:
    shown = to_yaml(load(EXAMPLE, ENVIRON))
    assert yaml.safe_load(shown)["accounts"][0]["api_token"] == "<secret>"
    path = tmp_path / "quantconnect.yaml"
    path.write_text(shown, "utf-8")
    assert to_yaml(load(path, {})) == shown


def test_a_token_file_is_shown_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    path = tmp_path / "quantconnect.yaml"
    path.write_text("accounts: [{user_id: 1, api_token_file: token}]")
    config = load(path, {})
    assert f"api_token_file: {tmp_path / 'token'}\n" in to_yaml(config)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = elsewhere / "quantconnect.yaml"
    copy.write_text(to_yaml(config))
    assert load(copy, {}).accounts == config.accounts
