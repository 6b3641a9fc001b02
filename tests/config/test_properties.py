"""Whatever stands in a file, the answer is a configuration or a ``ConfigError`` without secrets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.config import Config, ConfigError, Secret, Token, load, to_yaml
from exporter.config.environment import escape, substitute
from exporter.config.schema import (
    AccountDefaultsEntry,
    AccountEntry,
    DiscoverEntry,
    Document,
    LimitsEntry,
    LogQueryEntry,
    ProjectEntry,
)

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "5ec2e7" * 10 + "cafe"
KEYS = sorted(
    {
        key
        for entry in (
            Document,
            AccountEntry,
            AccountDefaultsEntry,
            DiscoverEntry,
            ProjectEntry,
            LimitsEntry,
            LogQueryEntry,
        )
        for key in entry.__struct_fields__
    }
)
# The file is written anew for each example, so that pytest's directory can be shared by them.
properties = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "quantconnect.yaml"


def load_or_say_why(path: Path, content: bytes) -> Config | None:
    """The configuration, if it is one; fails if anything shows the marked token."""
    path.write_bytes(content)
    try:
        config = load(path, {"TOKEN": TOKEN, "N": "5"})
    except ConfigError as error:
        problems = error.problems
    else:
        return config
    assert problems
    assert all(problem.startswith(str(path)) for problem in problems)
    assert TOKEN not in "".join(problems)
    return None


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=4),
    st.sampled_from(["30s", "1m", "${N}", "${TOKEN}", "${", "USD", ".*", "(", "0s", TOKEN]),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=6))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=6)),
    max_leaves=12,
)
nearly_right = st.fixed_dictionaries(
    {
        "accounts": st.lists(
            st.fixed_dictionaries(
                {"user_id": st.integers(-1, 9) | scalars, "api_token": st.just(TOKEN) | values},
                optional=dict.fromkeys(AccountEntry.__struct_fields__[4:], values)
                | {"projects": st.lists(st.dictionaries(keys, values, max_size=4), max_size=3)},
            ),
            max_size=3,
        )
    },
    optional=dict.fromkeys(Document.__struct_fields__[:-1], values),
)


@properties
@given(content=st.binary(max_size=200))
def test_any_bytes(path: Path, content: bytes) -> None:
    load_or_say_why(path, content)


@properties
@given(text=st.text(alphabet="{}[]:,-&*!|>'\"%@`#?<~=\\\t\n axU0159.$", max_size=60))
def test_any_text_of_what_yaml_reads_something_in(path: Path, text: str) -> None:
    load_or_say_why(path, text.encode())


@properties
@given(token=st.text(alphabet="{}[]:,-&*!|>'\"%@`#?<~=\\\t\n ax5", min_size=1, max_size=20))
def test_a_token_in_any_disguise_is_not_shown(path: Path, token: str) -> None:
    """Unquoted, it can look like an alias, a tag, a directive, or break the syntax."""
    marked = f"{token}{TOKEN}"
    path.write_text(f"accounts:\n- user_id: x\n  api_token: {marked}\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert TOKEN not in str(caught.value)


@properties
@given(document=values)
def test_any_document(path: Path, document: Any) -> None:
    load_or_say_why(path, yaml.safe_dump(document, allow_unicode=True).encode())


@properties
@given(document=nearly_right)
def test_a_document_that_is_nearly_right(path: Path, document: Any) -> None:
    load_or_say_why(path, yaml.safe_dump(document, allow_unicode=True).encode())


# Printable texts: without control characters and separators but for single spaces.
words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=6)
names = st.lists(words, min_size=1, max_size=3).map(" ".join)
durations = st.integers(min_value=1000, max_value=86_400_000).map(
    lambda milliseconds: f"{milliseconds}ms"
)
fractions = st.floats(min_value=0.0, max_value=1.0, exclude_min=True)


def with_severities(queries: dict[str, str]) -> dict[str, Any]:
    """Log queries of which some have a severity: the same in each place that has the name."""
    return {
        name: text if len(name) % 2 else {"text": text, "severity": "critical"}
        for name, text in queries.items()
    }


queries = st.dictionaries(names, names.map(escape), max_size=2).map(with_severities)
settings_of_all = {
    "labels": st.dictionaries(st.from_regex(r"\Aown_[a-z0-9_]{0,8}\Z"), names.map(escape)),
    "limits": st.fixed_dictionaries(
        {},
        optional={
            key: fractions if key != "min_cash_ratio" else st.floats(-10, 1)
            for key in LimitsEntry.__struct_fields__
        },
    ),
    "statistics": st.lists(names.map(escape), unique=True),
    "drawdown_since": st.dates(date(2012, 1, 2), date(2099, 12, 31))
    | st.integers(1_325_376_000, 4_102_444_799)
    | st.builds(
        lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat(),
        st.integers(1_325_376_000, 4_102_444_799),
    ),
    "strike_scale": st.sampled_from([4, 6]),
    "account_currency": st.from_regex(r"\A[A-Z][A-Z0-9]{1,11}\Z"),
}
defaults = st.fixed_dictionaries({}, optional=settings_of_all)
account_defaults = st.fixed_dictionaries(
    {}, optional=settings_of_all | {"scrape_interval": durations}
)
projects = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(1, 2**63 - 1)},
        optional=settings_of_all
        | {
            "name": names.map(escape),
            "scrape_interval": durations,
            "log_queries": queries,
        },
    ),
    unique_by=lambda project: project["id"],
    min_size=1,
    max_size=3,
)
accounts = st.lists(
    st.fixed_dictionaries(
        {"name": names, "user_id": st.integers(1, 2**63 - 1), "api_token": st.just(TOKEN)},
        optional={
            "base_url": st.just("http://localhost:10271/api/v2/"),
            "defaults": account_defaults,
            "requests_per_minute": st.floats(31, 1e6) | st.integers(31, 100),
            "discover": st.fixed_dictionaries(
                {"enabled": st.just(True)},
                optional={
                    "include": st.sampled_from([".*", "a|b", "$"]),
                    "exclude": st.sampled_from(["", "x", r"\d+"]),
                    "forget_after": durations,
                },
            ),
        },
    ),
    unique_by=lambda account: account["name"],
    min_size=1,
    max_size=3,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document that is right."""
    listed: list[dict[str, Any]] = [dict(account) for account in draw(accounts)]
    for account in listed:
        account["name"] = escape(account["name"])
    if draw(st.booleans()):
        listed[0]["projects"] = draw(projects)
    document = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "scrape_interval": durations,
                "stale_after": durations,
                "defaults": defaults,
                # Long enough to leave calls for the portfolios.
                "status_interval": st.sampled_from(["2s", "30s", "1m30s", "1h", "1d"]),
                "statistics_interval": durations | st.just("0s"),
                "logs_interval": durations | st.just("0s"),
                "log_queries": queries,
                "max_holdings_per_project": st.integers(1, 1_000_000),
                "tickers": st.dictionaries(
                    st.sampled_from(["FB", "ON", "NULL", "1", "BRK.B", "=", "<<<"]),
                    st.sampled_from(["META", "NO", "1e3", "~", "null", "-", "BRK.B"]),
                ),
            },
        )
    )
    return document | {"accounts": listed}


@properties
@given(document=documents())
def test_the_running_configuration_loads_back_to_itself(
    path: Path, document: dict[str, Any]
) -> None:
    config = load_or_say_why(path, yaml.safe_dump(document, allow_unicode=True).encode())
    assert config is not None
    shown = to_yaml(config)
    assert TOKEN not in shown
    again = load_or_say_why(path, shown.encode())
    masked = [
        replace(account, token=Token(secret=Secret("<secret>"))) for account in config.accounts
    ]
    assert again == replace(config, accounts=tuple(masked))
    assert again is not None
    assert to_yaml(again) == shown


@given(st.text(alphabet="${}aN_", max_size=12))
def test_what_is_escaped_is_not_substituted(text: str) -> None:
    assert substitute(escape(text), {}) == (text, ())
