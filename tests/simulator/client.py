"""A client of the simulator that keeps its hands on the wire."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import socket
import time
from dataclasses import dataclass
from typing import Any


def signed(
    token: str = "demo", user_id: int | str = 1, timestamp: int | None = None
) -> dict[str, str]:
    """The headers of a signed request."""
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    signature = hashlib.sha256(f"{token}:{stamp}".encode()).hexdigest()
    credentials = base64.b64encode(f"{user_id}:{signature}".encode()).decode()
    return {"Authorization": f"Basic {credentials}", "Timestamp": stamp}


@dataclass
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        body = self.body
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        return json.loads(body)


class Client:
    """One kept connection, plain http.client, signing each request afresh."""

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def close(self) -> None:
        self.connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return self.request("GET", f"/api/v2/{path}", headers=headers)

    def post(self, path: str, body: object, headers: dict[str, str] | None = None) -> Reply:
        content = json.dumps(body).encode()
        return self.request(
            "POST",
            f"/api/v2/{path}",
            content,
            {"Content-Type": "application/json", **(signed() if headers is None else headers)},
        )

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        self.connection.request(method, path, body, signed() if headers is None else headers)
        response = self.connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def portfolio(self, project_id: int) -> Any:
        return self.post("live/portfolio/read", {"projectId": project_id}).json()

    def raw(self, path: str = "authenticate", *, timeout: float = 60.0) -> socket.socket:
        """A connection of its own on which a signed request was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        lines = [f"GET /api/v2/{path} HTTP/1.1", "Host: x"]
        lines += [f"{name}: {value}" for name, value in signed().items()]
        connection.sendall("\r\n".join([*lines, "\r\n"]).encode())
        return connection


def receive_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    data = b""
    while piece := connection.recv(65_536):
        data += piece
    return data


def receive(connection: socket.socket, end: bytes) -> bytes:
    """What comes until ``end`` has; AssertionError when the other side closes before."""
    data = b""
    while not data.endswith(end):
        piece = connection.recv(65_536)
        assert piece, f"closed after {data!r}"
        data += piece
    return data


def is_silent(connection: socket.socket, seconds: float = 0.1) -> bool:
    """Whether for so long nothing comes, not even an end."""
    connection.settimeout(seconds)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    return False
