"""The API token, in a type that does not print it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from exporter.config.problems import ConfigError, reason

if TYPE_CHECKING:
    from pathlib import Path

MASK: Final = "<secret>"
# A token has 64 characters; a larger file is a mistake, such as a log or a device.
_MAX_FILE_BYTES: Final = 65_536


class Secret:
    """A text that only ``reveal`` shows.

    ``repr``, ``str``, ``format`` and every dump give ``<secret>``. A secret cannot be pickled,
    since a pickle would contain the text. A comparison takes the same time wherever the texts
    differ.
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    @classmethod
    def parse(cls, text: str) -> Secret:
        """Return a token without the white space around it.

        Raises ``ValueError``, which does not quote the text, if nothing is left or if white space
        or a control character is within: no token has any, and QuantConnect refuses a signature
        made with one without saying why.
        """
        token = text.strip()
        if not token:
            raise ValueError("it is empty")
        if any(character.isspace() or not character.isprintable() for character in token):
            raise ValueError("it has white space or control characters in it")
        return cls(token)

    def reveal(self) -> str:
        """Return the text itself, for the code that needs it and no other."""
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
    """The source of an account's API token: the configuration itself, or a file.

    Exactly one of ``secret`` and ``file`` is set. The file is read again for each use, so that a
    new token needs no restart.
    """

    secret: Secret | None = None
    file: Path | None = None

    def read(self) -> Secret:
        """Return the token as it is now; raises ``ConfigError`` if its file has none."""
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
    """Return the token in a file; raises ``ValueError`` with the reason, without the content."""
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
