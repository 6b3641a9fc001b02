"""What a configuration may say and hardly means."""

from __future__ import annotations

import pytest

from exporter.config import doubts, load_text


def doubted(*accounts: str) -> list[tuple[str, str]]:
    """The accounts of doubts, and what they are about."""
    text = "accounts:\n" + "".join(
        f"- {{name: {name}, api_token: t, {keys}}}\n"
        for name, keys in zip("abc", accounts, strict=False)
    )
    return [(doubt.account, str(doubt)) for doubt in doubts(load_text(text, {}, source="a test"))]


def test_nothing_to_doubt() -> None:
    assert doubted("user_id: 1", "user_id: 2") == []


def test_one_user_in_several_accounts() -> None:
    assert doubted("user_id: 1", "user_id: 2", "user_id: 1") == [
        ("c", "another account has the same user_id: a")
    ]
    same = "user_id: 1, base_url: 'https://here.example/api/v2{}'"
    assert doubted(same.format(""), same.format("/")) == [
        ("b", "another account has the same user_id: a")
    ]
    assert doubted("user_id: 1", same.format("")) == [], "perhaps a simulated one"


CLEAR = "signatures and portfolios go over the network unencrypted: "


@pytest.mark.parametrize("host", ["simulator:10271", "10.0.0.7", "[fe80::1]", "quantconnect.com.x"])
def test_an_address_that_is_not_encrypted(host: str) -> None:
    url = f"http://{host}/api/v2"
    assert doubted(f"user_id: 1, base_url: '{url}'") == [("a", CLEAR + url)]
    assert doubted(f"user_id: 1, base_url: 'https://{host}/api/v2'") == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1:10271", "127.1.2.3", "[::1]", "LOCALHOST", "a.localhost"]
)
def test_what_stays_on_this_machine_needs_no_encryption(host: str) -> None:
    assert doubted(f"user_id: 1, base_url: 'http://{host}/api/v2'") == []


@pytest.mark.parametrize(
    ("top", "found"),
    [
        ("status_interval: 0s", True),
        ("status_interval: 1m", False),
        ("status_interval: 0s\nlogs_interval: 0s", False),
    ],
)
def test_log_queries_without_a_status(top: str, found: bool) -> None:
    queries = "log_queries: {errors: error}"
    for text in (
        f"{top}\n{queries}\naccounts: [{{user_id: 1, api_token: t, projects: [{{id: 7}}]}}]",
        f"{top}\naccounts: [{{user_id: 1, api_token: t, projects: [{{id: 7, {queries}}}]}}]",
    ):
        said = [str(doubt) for doubt in doubts(load_text(text, {}, source="a test"))]
        expected = "no log line is counted while status_interval is 0s: errors"
        assert said == ([expected] if found else [])
