"""HTTP/1.1 with one client: requests in, responses out, and a deadline for each wait."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import h11

from exporter.web.messages import Request, text_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.web.clients import Client, Clients
    from exporter.web.limits import Limits
    from exporter.web.messages import Handler, Response
    from exporter.web.stream import Stream

_HEAD_BYTES: Final = 16 * 1024
_SLICE: Final = 64 * 1024
# RFC 9112, 3.2.2: a server must accept it, though only proxies are sent it.
_ABSOLUTE_FORM: Final = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE)


class Connection:
    """Requests of one client, answered one after the other.

    A request with a body, or with more behind it before it is answered, is the last: its body is
    not read, and where one request ends and the next begins is what requests are smuggled with.
    """

    def __init__(
        self,
        stream: Stream,
        handler: Handler,
        *,
        client: Client,
        clients: Clients,
        limits: Limits,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._stream = stream
        self._handler = handler
        self._client = client
        self._clients = clients
        self._limits = limits
        self._is_stopping = is_stopping
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._sends_bodies = True
        self._is_first = True
        # Read while a request is answered: anything that comes meanwhile makes it the last.
        self._ahead = asyncio.create_task(self._read())

    async def serve(self) -> None:
        """Answer requests until the client or the server ends it; raises OSError, TimeoutError."""
        try:
            while not self._is_stopping() and await self._exchange():
                self._http.start_next_cycle()
                self._is_first = False
        finally:
            # A lost connection ends it, too: to be cancelled before it has seen that would have
            # asyncio log an error that nobody has looked at.
            await asyncio.sleep(0)
            self._ahead.cancel()
            await asyncio.wait([self._ahead])
            del self._ahead  # its exception's traceback leads back here: a cycle for the collector

    async def _exchange(self) -> bool:
        """Answer one request; return whether another may follow."""
        self._clients.set_idle(self._client)
        try:
            head = await self._receive_head()
        except h11.RemoteProtocolError:
            self._clients.forget(self._client)
            await self._send(text_response("Bad Request\n", 400), last=True)
            return False
        self._clients.forget(self._client)
        if head is None:
            return False
        if not head.http_version.startswith(b"1."):
            text = "HTTP Version Not Supported: this is HTTP/1.1\n"
            await self._send(text_response(text, 505), last=True)
            return False
        response = await self._handler(_request(head))
        last = (
            _announces_body(head)
            or bool(self._http.trailing_data[0])
            or self._ahead.done()
            or self._is_stopping()
        )
        await self._send(response, last=last)
        return self._http.our_state is h11.DONE and not self._ahead.done()

    async def _receive_head(self) -> h11.Request | None:
        """Return the head of the next request, or None if the client ends before one."""
        http, limits = self._http, self._limits
        seconds = limits.head_seconds if self._is_first else limits.idle_seconds
        async with asyncio.timeout(seconds) as deadline:
            data = await self._receive()
            if not self._is_first:
                deadline.reschedule(asyncio.get_running_loop().time() + limits.head_seconds)
            # RFC 9112, 2.2: an empty line before a request is ignored.
            if data == b"\r":
                data += await self._receive()
            if data == b"\r\n":
                data = await self._receive()
            http.receive_data(data.removeprefix(b"\r\n"))
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(await self._receive())
            if not isinstance(event, h11.Request):
                return None
            self._sends_bodies = event.method != b"HEAD"
            http.next_event()  # the end of the request, or an error in its body
            return event

    async def _receive(self) -> bytes:
        await asyncio.wait([self._ahead])  # which does not cancel it, for the reason above
        data = self._ahead.result()
        self._ahead = asyncio.create_task(self._read())
        return data

    async def _read(self) -> bytes:
        with suppress(OSError):
            return await self._stream.read()
        return b""

    async def _send(self, response: Response, *, last: bool) -> None:
        http = self._http
        headers = [("date", formatdate(usegmt=True)), *response.headers.items()]
        length = sum(map(len, response.body))
        headers.append(("content-length", str(length)))
        if last:
            headers.append(("connection", "close"))
        reason = HTTPStatus(response.status).phrase
        head = http.send(h11.Response(status_code=response.status, headers=headers, reason=reason))
        async with asyncio.timeout(self._limits.send_seconds):
            await self._write(head or b"", response.body if self._sends_bodies else ())
        http.send(h11.EndOfMessage())

    async def _write(self, head: bytes, body: Sequence[bytes]) -> None:
        """Send the head together with what comes first of the body."""
        unwritten = sum(map(len, body))
        for piece in _slices(body):
            unwritten -= len(piece)
            self._http.send_with_data_passthrough(h11.Data(data=piece))
            self._stream.write(head + piece if head else piece)
            await self._drain(unwritten)
            head = b""
        if head:
            self._stream.write(head)
            await self._drain(0)

    async def _drain(self, unwritten: int) -> None:
        if unsent := self._stream.unsent_bytes:
            self._clients.set_unsent(self._client, unwritten + unsent)
            await self._stream.drain()


def _slices(parts: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the parts in pieces of about one size, so that what waits to be sent is small."""
    gathered: list[bytes] = []
    size = 0
    for part in parts:
        if len(part) < _SLICE:
            gathered.append(part)
            size += len(part)
            if size < _SLICE:
                continue
        if gathered:
            yield b"".join(gathered)
            gathered, size = [], 0
        if len(part) >= _SLICE:
            yield from (part[start : start + _SLICE] for start in range(0, len(part), _SLICE))
    if gathered:
        yield b"".join(gathered)


def _request(head: h11.Request) -> Request:
    """Return the request as the application knows it; h11 has checked that the target is ASCII."""
    target = head.target.decode("ascii")
    headers = list(head.headers)
    if match := _ABSOLUTE_FORM.fullmatch(target):
        host, target = match[1], match[2]
        target = target if target.startswith("/") else f"/{target}"
    else:
        host = next((value.decode("latin-1") for name, value in headers if name == b"host"), "")
    path = unquote(target.partition("?")[0])
    return Request(head.method.decode("ascii"), path, host, headers)


def _announces_body(head: h11.Request) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in head.headers
    )
