"""What is wrong with a web configuration, in words that give no password away."""

from __future__ import annotations

from exporter.config.problems import Problems


class DiscreetProblems(Problems):
    """Quotes no key beyond its first colon: who writes ``admin:hunter2`` means a password by it.

    That is no key of the format, and wherever it stands, something is said of it.
    """

    def locate(self, path: str, *, line: int, got: str) -> None:
        """As ``Problems`` does."""
        super().locate(_cut(path), line=line, got=got)

    def add(
        self, path: str, expected: str, *, got: str = "", because: str = "", at: str = ""
    ) -> None:
        """As ``Problems`` does."""
        super().add(_cut(path), expected, got=got, because=because, at=at)


def _cut(path: str) -> str:
    before, colon, _ = path.partition(":")
    return f'{before}:…"]' if colon else path
