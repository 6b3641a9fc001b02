from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.listen import Address, bind, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:10270", ("127.0.0.1", 10270)),
        ("localhost:0", ("localhost", 0)),
        (":10270", ("", 10270)),
        ("[::1]:10270", ("::1", 10270)),
        ("[::ffff:127.0.0.1]:1", ("::ffff:127.0.0.1", 1)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
        (f"{'a' * 63}.{'b' * 63}:1", (f"{'a' * 63}.{'b' * 63}", 1)),
        ("münchen.example.:1", ("münchen.example.", 1)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10270",
        "localhost",
        "127.0.0.1:",
        "::1:10270",
        "[::1]",
        "[]:1",
        "a:65536",
        "a:-1",
        "a:٣",
        "..:1",
        ".a:1",
        "a..b:1",
        f"{'a' * 70}:1",
        "a\0b:1",
        "[a..b]:1",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT") as caught:
        parse_address(text)
    assert repr(text) in str(caught.value)


@given(st.text())
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert 0 <= address.port <= 65535


def reachable(listener: socket.socket, host: str) -> bool:
    with socket.create_connection((host, listener.getsockname()[1]), timeout=60) as client:
        accepted, _ = listener.accept()
        accepted.close()
        peer: str = client.getpeername()[0]
        return peer == host


def test_listening_on_ipv4() -> None:
    with bind(Address("127.0.0.1", 0)) as listener:
        assert reachable(listener, "127.0.0.1")


needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")


@needs_ipv6
def test_listening_on_ipv6() -> None:
    with bind(Address("::1", 0)) as listener:
        assert reachable(listener, "::1")


@needs_ipv6
def test_a_name_for_both_is_ipv4_as_in_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's /etc/hosts names ::1 localhost too, and the resolver prefers it."""
    resolve = socket.getaddrinfo

    def both(host: str, port: int, **more: Any) -> list[Any]:
        assert host == "localhost"
        return [*resolve("::1", port, **more), *resolve("127.0.0.1", port, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with bind(Address("localhost", 0)) as listener:
        monkeypatch.undo()
        assert listener.family == socket.AF_INET
        assert reachable(listener, "127.0.0.1")


@needs_ipv6
def test_a_link_local_address_keeps_its_scope() -> None:
    """Without it, the kernel takes the address for no address at all."""
    with pytest.raises(OSError, match="Cannot assign requested address"):
        bind(Address("fe80::1%lo", 0))


@needs_ipv6
def test_listening_on_every_interface_of_both() -> None:
    with bind(Address("", 0)) as listener:
        assert reachable(listener, "::1")
        assert reachable(listener, "127.0.0.1")


def test_listening_on_every_interface_where_there_is_no_ipv6(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with bind(Address("", 0)) as listener:
        assert listener.family == socket.AF_INET
        assert reachable(listener, "127.0.0.1")


def test_an_address_in_use_says_which_and_why() -> None:
    with bind(Address("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match="Address already in use") as caught:
            bind(Address("127.0.0.1", port))
    assert str(caught.value).startswith(f"cannot listen on 127.0.0.1:{port}: ")


def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(OSError, match=r"^cannot listen on nowhere\.invalid:1: "):
        bind(Address("nowhere.invalid", 1))


@pytest.mark.parametrize("address", [Address("127.0.0.1", 0), Address("", 0)])
def test_what_is_accepted_sends_at_once(address: Address) -> None:
    """Or the end of an answer waits for the client's delayed acknowledgement."""
    with (
        bind(address) as listening,
        socket.create_connection(("127.0.0.1", listening.getsockname()[1])),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


# --- systemd's ------------------------------------------------------------------------------------

_TOLD = """
import os
from exporter.web.listen import inherited
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="a")
try:
    print(*(given.getsockname() for given in inherited(os.environ)))
except OSError as error:
    print("OSError:", error)
print(sorted(name for name in os.environ if name.startswith("LISTEN_")))
"""


def inheriting(descriptor: int) -> list[str]:
    """What a process says of a file descriptor that is its third, as systemd gives it."""
    start = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.argv[2], sys.argv[2:])"
    done = subprocess.run(
        [
            *(sys.executable, "-c", start),
            *(str(descriptor), sys.executable, "-W", "ignore", "-c", _TOLD),
        ],
        pass_fds=[descriptor],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    return (done.stdout + done.stderr).splitlines()


def test_a_tcp_socket_of_systemd() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert inheriting(listening.fileno()) == [str(listening.getsockname()), "[]"]


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (socket.AF_UNIX, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_DGRAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
    ],
)
def test_another_socket_of_systemd(
    family: socket.AddressFamily, kind: socket.SocketKind, tmp_path: Path
) -> None:
    with socket.socket(family, kind) as other:
        other.bind(str(tmp_path / "s") if family == socket.AF_UNIX else ("127.0.0.1", 0))
        assert inheriting(other.fileno()) == [WRONG_SOCKET, "[]"]


def test_what_systemd_gives_that_is_no_socket() -> None:
    reading, writing = os.pipe()
    try:
        assert inheriting(reading) == [WRONG_SOCKET, "[]"]
    finally:
        os.close(reading)
        os.close(writing)


WRONG_SOCKET = "OSError: systemd's socket must be a TCP one: ListenStream=HOST:PORT"
