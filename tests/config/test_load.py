"""Good files, and exactly the values that come out of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from exporter.config import (
    Account,
    Config,
    Defaults,
    Discover,
    ProjectSettings,
    Secret,
    Token,
    load,
)

Write = Callable[[str], Path]
EVERYTHING = Discover(
    include=re.compile(".*", re.DOTALL), exclude=re.compile("", re.DOTALL), forget_after=604_800.0
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "quantconnect.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


def load_account(write: Write, body: str, **environ: str) -> Account:
    (account,) = load(write(f"accounts:\n- {{{body}}}\n"), environ).accounts
    return account


def load_project(write: Write, body: str, **environ: str) -> ProjectSettings:
    account = load_account(
        write, f"user_id: 1, api_token: t, projects: [{{id: 5, {body}}}]", **environ
    )
    (project,) = account.projects
    return project


def test_a_user_id_and_a_token_are_enough(write: Write) -> None:
    path = write("accounts: [{user_id: 123456, api_token: abc}]")
    assert load(path, {}) == Config(
        source=str(path),
        scrape_interval=60.0,
        request_timeout=30.0,
        stale_after=900.0,
        status_interval=60.0,
        statistics_interval=300.0,
        orders_interval=600.0,
        trades_interval=3600.0,
        nodes_interval=600.0,
        account_interval=3600.0,
        benchmark_interval=0.0,
        logs_interval=300.0,
        log_queries={},
        log_severities={},
        max_holdings_per_project=10_000,
        tickers={},
        accounts=(
            Account(
                name="default",
                user_id=123456,
                token=Token(secret=Secret("abc")),
                base_url="https://www.quantconnect.com/api/v2",
                requests_per_minute=60.0,
                discover=EVERYTHING,
                defaults=Defaults(scrape_interval=60.0),
                projects=(),
            ),
        ),
    )


def test_every_key(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    token_file = tmp_path / "secrets" / "token"
    token_file.write_text("abc\n")
    path = write(
        """\
scrape_interval: 1m30s
request_timeout: 10s
stale_after: 1h
status_interval: 2m
statistics_interval: 0
orders_interval: 0s
trades_interval: 2h
nodes_interval: 1s
account_interval: 1d
benchmark_interval: 5m
logs_interval: 1m
log_queries: {errors: error, margin calls: {text: margin call, severity: critical}}
max_holdings_per_project: 500
defaults:
  labels: {desk: rates, owner: ada}
  limits: {max_drawdown: 0.15}
  statistics: [Beta]
  drawdown_since: 2026-01-01
  strike_scale: 4
  account_currency: USD
tickers: {FB: META, ON: ON}
accounts:
  - name: main
    user_id: 123456
    api_token_file: secrets/token
    base_url: http://127.0.0.1:10271/api/v2//
    requests_per_minute: 7.5
    discover: {enabled: true, include: "US.*", exclude: ".*test", forget_after: 0s}
    defaults:
      scrape_interval: 2m
      labels: {desk: options}
      limits: {max_drawdown: 0.2, min_cash_ratio: 0}
      statistics: []
      drawdown_since: 2026-02-01T12:00:00+01:00
      strike_scale: 6
      account_currency: EUR
    projects:
      - id: 23456789
        name: US momentum
        account_currency: USDT
        scrape_interval: 30s
        labels: {desk: equities, floor: 007}
        limits: {max_drawdown: 0.10, max_daily_loss: .03, max_gross_leverage: 2,
          max_position_weight: 25e-2, max_position_loss: 1., min_cash_ratio: -1,
          max_orders_per_hour: 200, max_days_without_fill: 2.5}
        statistics: ["My custom statistic", Alpha]
        log_queries: {lost connection: {text: Disconnected, severity: info}, 429: too many}
        drawdown_since: 1772323200
        strike_scale: 4
      - id: 5
"""
    )
    account_defaults: dict[str, Any] = {
        "scrape_interval": 120.0,
        "labels": {"desk": "options", "owner": "ada"},
        "limits": {"max_drawdown": 0.2, "min_cash_ratio": 0.0},
        "statistics": (),
        "assumed_currency": "EUR",
        "log_queries": {"errors": "error", "margin calls": "margin call"},
        "drawdown_since": 1769943600.0,
        "strike_scale": 6,
    }
    assert load(path, {}) == Config(
        source=str(path),
        scrape_interval=90.0,
        request_timeout=10.0,
        stale_after=3600.0,
        status_interval=120.0,
        statistics_interval=0.0,
        orders_interval=0.0,
        trades_interval=7200.0,
        nodes_interval=1.0,
        account_interval=86_400.0,
        benchmark_interval=300.0,
        logs_interval=60.0,
        log_queries={"errors": "error", "margin calls": "margin call"},
        log_severities={
            "errors": "warning",
            "margin calls": "critical",
            "lost connection": "info",
            "429": "warning",
        },
        max_holdings_per_project=500,
        tickers={"FB": "META", "ON": "ON"},
        accounts=(
            Account(
                name="main",
                user_id=123456,
                token=Token(file=token_file),
                base_url="http://127.0.0.1:10271/api/v2",
                requests_per_minute=7.5,
                discover=Discover(
                    include=re.compile("US.*", re.DOTALL),
                    exclude=re.compile(".*test", re.DOTALL),
                    forget_after=0.0,
                ),
                defaults=Defaults(**account_defaults),
                projects=(
                    ProjectSettings(
                        id=23456789,
                        name="US momentum",
                        account_currency="USDT",
                        assumed_currency="USDT",
                        scrape_interval=30.0,
                        labels={"desk": "equities", "owner": "ada", "floor": "007"},
                        limits={
                            "max_drawdown": 0.10,
                            "max_daily_loss": 0.03,
                            "max_gross_leverage": 2.0,
                            "max_position_weight": 0.25,
                            "max_position_loss": 1.0,
                            "min_cash_ratio": -1.0,
                            "max_orders_per_hour": 200.0,
                            "max_days_without_fill": 2.5,
                        },
                        statistics=("My custom statistic", "Alpha"),
                        log_queries={"lost connection": "Disconnected", "429": "too many"},
                        drawdown_since=1772323200.0,
                        strike_scale=4,
                    ),
                    ProjectSettings(id=5, **account_defaults),
                ),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("keys", "discover"),
    [
        ("", EVERYTHING),
        ("projects: [{id: 5}]", None),
        ("projects: [{id: 5}], discover: {}", None),
        ("projects: [{id: 5}], discover: {enabled: false, include: x}", None),
        ("projects: [{id: 5}], discover: {enabled: true}", EVERYTHING),
        ("projects: [], discover: {enabled: TRUE}", EVERYTHING),
        ("discover: {enabled: true, forget_after: 1d}", replace(EVERYTHING, forget_after=86_400.0)),
    ],
)
def test_when_an_account_discovers(write: Write, keys: str, discover: Discover | None) -> None:
    assert load_account(write, f"user_id: 1, api_token: t, {keys}").discover == discover


@pytest.mark.parametrize(
    ("include", "exclude", "name", "matches"),
    [
        (".*", "", "US momentum", True),
        (".*", "", "", True),
        (".*", "", "two\nlines", True),
        ("US", "", "US momentum", False),
        ("US.*", "", "Strategies/US momentum", False),
        ("US|EU", "", "EU", True),
        (".*", ".*test", "US test", False),
        (".*", "test", "US test", True),
    ],
)
def test_discovery_matches_whole_names(
    write: Write, include: str, exclude: str, name: str, matches: bool
) -> None:
    discover = load_account(
        write,
        f"user_id: 1, api_token: t, discover: "
        f"{{enabled: true, include: '{include}', exclude: '{exclude}'}}",
    ).discover
    assert discover is not None
    assert discover.matches(name) is matches


DEFAULTS = """\
scrape_interval: 5m
defaults: {labels: {desk: equities}, limits: {max_drawdown: 0.15}, drawdown_since: 2026-11-01}
accounts:
- name: main
  user_id: 1
  api_token: t
  discover: {enabled: true}
  projects: [{id: 5, limits: {max_daily_loss: 0.03}}]
- name: futures
  user_id: 2
  api_token: t
  defaults: {scrape_interval: 1m, labels: {desk: futures}, statistics: [Margin]}
"""


def test_a_limit_of_one_project_leaves_all_else_as_it_was(write: Write) -> None:
    main, futures = load(write(DEFAULTS), {}).accounts
    assert main.discover is not None
    assert main.settings_for(5) == main.projects[0]
    found: dict[str, Any] = {
        "scrape_interval": 300.0,
        "labels": {"desk": "equities"},
        "limits": {"max_drawdown": 0.15},
        "drawdown_since": 1793491200.0,
    }
    assert main.settings_for(7) == ProjectSettings(id=7, **found)
    found["limits"] = {"max_drawdown": 0.15, "max_daily_loss": 0.03}
    assert main.settings_for(5) == ProjectSettings(id=5, **found)
    assert futures.settings_for(7) == ProjectSettings(
        id=7,
        scrape_interval=60.0,
        labels={"desk": "futures"},
        limits={"max_drawdown": 0.15},
        statistics=("Margin",),
        drawdown_since=1793491200.0,
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-01", 1793491200),
        ("2026-11-01T14:30:00Z", 1793543400),
        ("2026-11-01 14:30Z", 1793543400),
        ("'2026-11-01T15:30:00+01:00'", 1793543400),
        ("1793543400", 1793543400),
    ],
)
def test_a_moment(write: Write, written: str, seconds: float) -> None:
    assert load_project(write, f"drawdown_since: {written}").drawdown_since == seconds


def test_the_environment_fills_in_values(write: Write) -> None:
    account = load_account(
        write,
        'user_id: "${QC_USER}", api_token: "${QC_TOKEN}", requests_per_minute: "${RATE}", '
        "base_url: 'https://${HOST}:${PORT}/api/v2/', "
        "projects: [{id: '${ID}', scrape_interval: '${N}s', name: '$${N} is ${N}, $N {N} $'}], "
        "discover: {enabled: '${ON}'}",
        QC_USER="123456",
        QC_TOKEN="  ab${c}#:d\n",
        RATE="7.5",
        HOST="example.com",
        PORT="8443",
        ID="5",
        N="45",
        ON="false",
    )
    assert account.user_id == 123456
    assert account.token.read().reveal() == "ab${c}#:d"
    assert account.requests_per_minute == 7.5
    assert account.base_url == "https://example.com:8443/api/v2"
    assert account.discover is None
    assert account.projects == (
        ProjectSettings(id=5, scrape_interval=45.0, name="${N} is 45, $N {N} $"),
    )


def test_the_environment_is_text_and_nothing_more(write: Write) -> None:
    account = load_account(write, "user_id: 1, api_token: t, name: '${NAME}'", NAME="null")
    assert account.name == "null"


@pytest.mark.parametrize("text", ["ON", "no", "123", "0x1F", "1:30", "2026-11-22", "1e3", "-"])
def test_text_is_what_is_written_whatever_yaml_sees_in_it(write: Write, text: str) -> None:
    assert load_project(write, f"name: {text}").name == text


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://www.quantconnect.com/api/v2/", "https://www.quantconnect.com/api/v2"),
        ("http://localhost:10271", "http://localhost:10271"),
        ("http://[::1]:10271/api/v2", "http://[::1]:10271/api/v2"),
        ("HTTPS://example.com///", "HTTPS://example.com"),
    ],
)
def test_a_base_url_loses_its_trailing_slashes(write: Write, written: str, url: str) -> None:
    account = load_account(write, f"user_id: 1, api_token: t, base_url: '{written}'")
    assert account.base_url == url


def test_a_pattern_that_python_warns_of_is_a_pattern(write: Write) -> None:
    account = load_account(
        write, "user_id: 1, api_token: t, discover: {enabled: true, include: '[[a]'}"
    )
    assert account.discover is not None
    assert account.discover.matches("[")


def test_anchors_aliases_and_merge_keys(write: Write) -> None:
    path = write(
        """\
accounts:
  - user_id: 1
    api_token: t
    projects:
      - &first
        id: 5
        account_currency: USD
        limits: &limits {max_drawdown: 0.1, max_daily_loss: 0.03}
      - {<<: *first, id: 6, limits: {<<: *limits, max_drawdown: 0.2}}
      - id: 7
        <<: [{name: seven, account_currency: EUR}, *first]
"""
    )
    (account,) = load(path, {}).accounts
    assert account.projects == (
        ProjectSettings(
            id=5,
            scrape_interval=60.0,
            account_currency="USD",
            assumed_currency="USD",
            limits={"max_drawdown": 0.1, "max_daily_loss": 0.03},
        ),
        ProjectSettings(
            id=6,
            scrape_interval=60.0,
            account_currency="USD",
            assumed_currency="USD",
            limits={"max_drawdown": 0.2, "max_daily_loss": 0.03},
        ),
        ProjectSettings(
            id=7,
            scrape_interval=60.0,
            name="seven",
            account_currency="EUR",
            assumed_currency="EUR",
            limits={"max_drawdown": 0.1, "max_daily_loss": 0.03},
        ),
    )


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "quantconnect.yaml"
    path.write_bytes(b"\xef\xbb\xbfaccounts:\r\n- user_id: 1\r\n  api_token: t\r\n")
    assert load(path, {}).accounts[0].user_id == 1


def test_several_accounts_of_one_user(write: Write) -> None:
    config = load(
        write(
            "accounts:\n"
            "- {name: a, user_id: 1, api_token: t, projects: [{id: 5}]}\n"
            "- {name: b, user_id: 1, api_token: t, discover: {enabled: true, exclude: a}}\n"
        ),
        {},
    )
    assert [account.name for account in config.accounts] == ["a", "b"]


def test_nothing_can_be_changed_afterwards(write: Write) -> None:
    config = load(
        write("tickers: {FB: META}\naccounts: [{user_id: 1, api_token: t, projects: [{id: 5}]}]"),
        {},
    )
    project = config.accounts[0].projects[0]
    with pytest.raises(FrozenInstanceError):
        config.stale_after = 1.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        project.id = 6  # type: ignore[misc]
    for mapping in (config.tickers, project.labels, project.limits):
        with pytest.raises(TypeError):
            mapping["A"] = "B"  # type: ignore[index]


def test_status_can_be_off_where_the_projects_are_listed(write: Write) -> None:
    path = write(
        "status_interval: 0s\n"
        "accounts: [{user_id: 1, api_token: abc, requests_per_minute: 0.5, projects: [{id: 1}]}]\n"
    )
    assert load(path, {}).status_interval == 0
