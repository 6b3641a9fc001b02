"""HTTP messages: a request that was read, and a response to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[["Request"], Awaitable["Response"]]
    """Answer a request; runs in the event loop."""


class Request(Struct, frozen=True):
    """The head of a request; no body is ever read.

    ``path`` is percent-decoded and has no query. ``host`` is the authority of an absolute-form
    target, else the header ``Host``. ``headers`` are in the order of arrival, names in lower case.
    """

    method: str
    path: str
    host: str
    headers: Sequence[tuple[bytes, bytes]]

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header, one for each of its lines."""
        return [value for each, value in self.headers if each == name]

    def header(self, name: bytes) -> str:
        """Return a header whose lines are parts of one list (RFC 9110, 5.3), or an empty text."""
        return b", ".join(self.values(name)).decode("latin-1")


class Response(Struct, frozen=True):
    """A whole response; header names in lower case, ``content-length`` is the server's to add.

    The body is in parts, so that responses can share them: a client that reads slowly then keeps
    no copy of its own.
    """

    status: int
    body: Sequence[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


def text_response(
    text: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response of plain text."""
    named = {"content-type": "text/plain; charset=utf-8", **(headers or {})}
    return Response(status, [text.encode()], named)
