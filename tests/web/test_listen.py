from __future__ import annotations

import socket

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
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
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
    with socket.create_connection((host, listener.getsockname()[1]), timeout=10) as client:
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
