"""Addresses to listen on, as Prometheus exporters write them."""

from __future__ import annotations

import os
import re
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")


class Address(NamedTuple):
    """A host, empty for every interface, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse ``127.0.0.1:10270``, ``[::1]:10270`` or ``:10270``; raise ValueError otherwise."""
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"]) if match else -1
    host = (match["v6"] or match["host"] or "") if match else ""
    if match is None or port > 65535 or not _can_be_a_host(host):
        raise ValueError(f"expected HOST:PORT, [IPV6]:PORT or :PORT, got {text!r}")
    return Address(host, port)


def _can_be_a_host(name: str) -> bool:
    """Return whether socket can encode the name: no part is empty or longer than 63 characters."""
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return "\0" not in name


def bind(address: Address) -> socket.socket:
    """Return a socket that listens at an address; raise OSError with the address and the reason."""
    try:
        listening = _create(address)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"cannot listen on {address}: {reason}") from None
    return _without_delay(listening)


def inherited(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """Return the sockets that systemd opened for this process (sd_listen_fds(3)).

    Raise OSError if there is none, or one that is not TCP. The variables that describe them are
    removed from ``environ``: they are not for a child process.
    """
    process, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if process != str(os.getpid()) or not (count.isascii() and count.isdigit() and int(count)):
        raise OSError(
            "systemd has opened no socket for this process; was it started by its .socket?"
        )
    first = 3
    return [_adopted(descriptor) for descriptor in range(first, first + int(count))]


def _adopted(descriptor: int) -> socket.socket:
    try:
        given = socket.socket(fileno=descriptor)
    except OSError:  # systemd opens FIFOs and devices, too
        given = None
    if given is None or (given.family, given.type) not in _TCP:
        raise OSError("systemd's socket must be a TCP one: ListenStream=HOST:PORT")
    return _without_delay(given)


_TCP = ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM))


def _without_delay(listening: socket.socket) -> socket.socket:
    # Accepted sockets inherit it. asyncio sets it only on sockets that name their protocol, and
    # without it the end of a response waits 40 ms for the client's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _create(address: Address) -> socket.socket:
    if address.host:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # A name such as localhost has an address of each family: prefer IPv4, as Go does.
        family, _, _, _, target = min(found, key=lambda each: each[0] != socket.AF_INET)
        # All of the target: a link-local address without its scope names no interface.
        return socket.create_server(target, family=family, backlog=1024)
    if socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024
        )
    return socket.create_server(("", address.port), backlog=1024)
