"""What a configuration may say and hardly means."""

from __future__ import annotations

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
