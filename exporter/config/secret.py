"""The API token, in a type that does not print it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from exporter.config.problems import ConfigError, reason

if TYPE_CHECKING:
    from pathlib import Path

MASK: Final = "<secret>"
# A token is 64 characters; whoever names a log or a device by mistake is told so at once.
_MAX_FILE_BYTES: Final = 65_536


class Secret:
    """Text that shows itself only when asked by name.

    ``repr``, ``str``, ``format`` and every dump say ``<secret>``; it can't be pickled, since a
    pickle is a file of clear text. Comparison takes the same time wherever the difference is.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    @classmethod
    def parse(cls, text: str) -> Secret:
        """A token as written, without the white space around it.

        Raises ``ValueError``, which does not quote the text, if nothing is left or if there is
        white space or a control character within: no token has any, and a signature made with
        one is refused by QuantConnect without saying why.
        """
        token = text.strip()
        if not token:
            raise ValueError("it is empty")
        if any(character.isspace() or not character.isprintable() for character in token):
            raise ValueError("it has white space or control characters in it")
        return cls(token)

    def reveal(self) -> str:
        """The text itself: for the code that signs, and nothing else."""
        return self.__text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    # A copy of something immutable is itself.
    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret can't be pickled")


@dataclass(frozen=True, slots=True)
class Token:
    """Where an account's API token comes from: the configuration itself, or a file.

    Exactly one of ``secret`` and ``file`` is set. A file is read anew each time, so that a
    rotated token is picked up without a restart.
    """

    secret: Secret | None = None
    file: Path | None = None

    def read(self) -> Secret:
        """The token as it is now; raises ``ConfigError`` if its file gives none."""
        if self.file is None:
            assert self.secret is not None  # noqa: S101 - the constructor's contract
            return self.secret
        try:
            return read_token_file(self.file)
        except ValueError as error:
            raise ConfigError(
                f"{self.file}: expected a file that holds the API token, got: {error}"
            ) from None


def read_token_file(path: Path) -> Secret:
    """The token in ``path``; raises ``ValueError`` that says why not, without its content."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("not a regular file")
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ValueError(reason(error)) from None
    if len(content) > _MAX_FILE_BYTES:
        raise ValueError(f"more than {_MAX_FILE_BYTES} bytes, which no token has")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    return Secret.parse(text)
