"""An account to read: the simulator's answers, made beforehand so that giving them costs nothing.

``Answers`` are the bytes; run as a program this is a server of them, in a process of its own:

    python -m benchmarks.quantconnect PROJECTS HOLDINGS VERSIONS HELD_FOR

It prints its port. Each project's portfolio goes through its versions, one a read.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import sys
from typing import TYPE_CHECKING

from exporter.simulator.api import Api
from tests.support import generated_world

if TYPE_CHECKING:
    from collections.abc import Iterator

_STARTED = 1_795_000_000.0
_BETWEEN_VERSIONS = 60.0


class Answers:
    """What QuantConnect says of ``projects`` with ``holdings`` positions each.

    Prices move from one of the ``versions`` to the next; positions are replaced, a tenth at a
    time, if they are ``held_for`` so many seconds, 60 of which pass between versions.
    """

    def __init__(
        self, projects: int, holdings: int, *, versions: int = 1, held_for: float = math.inf
    ) -> None:
        self._now = _STARTED
        world = generated_world(
            projects=projects, holdings=holdings, held_for=held_for, clock=lambda: self._now
        )
        self._api = Api(world)
        self.project_ids = world.project_ids
        self._portfolios: dict[int, list[bytes]] = {each: [] for each in self.project_ids}
        for version in range(versions):
            self._now = _STARTED + version * _BETWEEN_VERSIONS
            for project_id, bodies in self._portfolios.items():
                bodies.append(self._api.answer("live/portfolio/read", {"projectId": project_id}))

    def portfolios(self, project_id: int) -> Iterator[bytes]:
        """The versions of a project's portfolio, over and over."""
        return itertools.cycle(self._portfolios[project_id])

    def other(self, endpoint: str, parameters: dict[str, object]) -> bytes:
        """Any other answer."""
        return self._api.answer(endpoint, parameters)


class _Connection(asyncio.Protocol):
    """HTTP as far as requests speaks it."""

    def __init__(self, answers: Answers, turns: dict[int, Iterator[bytes]]) -> None:
        self._answers = answers
        self._turns = turns
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, blank, rest = self._buffer.partition(b"\r\n\r\n")
        if not blank:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        endpoint = head.split(b" ", 2)[1].decode().removeprefix("/api/v2/")
        parameters = json.loads(rest[:length] or b"{}")
        body = (
            next(self._turns[parameters["projectId"]])
            if endpoint == "live/portfolio/read"
            else self._answers.other(endpoint, parameters)
        )
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )


async def _serve(answers: Answers) -> None:
    turns = {project_id: answers.portfolios(project_id) for project_id in answers.project_ids}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers, turns), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    projects, holdings, versions = map(int, sys.argv[1:4])
    answers = Answers(projects, holdings, versions=versions, held_for=float(sys.argv[4]))
    asyncio.run(_serve(answers))


if __name__ == "__main__":
    main()
