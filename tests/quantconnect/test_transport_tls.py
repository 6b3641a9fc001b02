"""The same over TLS: what is trusted, and that a drip under TLS ends as well."""

from __future__ import annotations

import hashlib
import itertools
import select
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from exporter.quantconnect.errors import ApiError, Reason
from tests.web_config.pki import PKI

from .rawserver import OK, Peer, RawServer
from .test_transport import SIGNATURE, TIMEOUT, failure, no_proxy, no_thread_stays, post, transport

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["no_proxy", "no_thread_stays"]  # fixtures for these tests too


def certificate(directory: Path, *, san: str) -> Path:
    """A self-signed certificate with its key, in one file."""
    PKI(directory).self_signed("server", subject="tests", san=san)
    file = directory / "server.pem"
    file.write_bytes(file.read_bytes() + (directory / "server.key").read_bytes())
    return file


def name_in_a_folder(file: Path) -> str:
    """The name under which OpenSSL looks for an authority in a folder (``openssl rehash``).

    A hash of its subject in a canonical form, which is that of ours without the outer header.
    """
    subject = x509.load_pem_x509_certificate(file.read_bytes()).subject.public_bytes()
    digest = hashlib.sha1(subject[2:], usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}.0"


def context(file: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(file)
    return made


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("good"), san="IP:127.0.0.1")


def serve(peer: Peer) -> None:
    while peer.request():
        peer.answer()


def forward(client: socket.socket, port: int) -> None:
    """Pass bytes on between a client and a port, until one of the two has no more."""
    with socket.create_connection(("127.0.0.1", port)) as server:
        other = {client: server, server: client}
        while True:
            has_more = isinstance(client, ssl.SSLSocket) and client.pending()
            readable = [client] if has_more else select.select(list(other), [], [], 30)[0]
            for source in readable:
                data = source.recv(65536)
                if not data:
                    return
                other[source].sendall(data)


FILES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]
VARIABLES = [*FILES, "SSL_CERT_DIR"]
UNTRUSTED = "certificate verify failed: self-signed certificate"


@pytest.mark.parametrize("variable", FILES)
def test_a_trusted_certificate(good: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, str(good))
    with RawServer(serve, tls=context(good)) as server, transport(server.url) as calls:
        assert post(calls).body == b"{}"
        assert post(calls).body == b"{}"
        assert server.connections == 1


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_folder_of_trusted_certificates(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (tmp_path / name_in_a_folder(good)).symlink_to(good)
    monkeypatch.setenv(variable, str(tmp_path))
    with RawServer(serve, tls=context(good)) as server, transport(server.url) as calls:
        assert post(calls).body == b"{}"


def test_the_first_variable_that_is_set_counts(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = certificate(tmp_path, san="DNS:another.invalid")
    with RawServer(serve, tls=context(good)) as server:
        for first, second in itertools.pairwise(VARIABLES):
            monkeypatch.setenv(first, str(good))
            monkeypatch.setenv(second, str(other))
            with transport(server.url) as calls:
                assert post(calls).body == b"{}"
            monkeypatch.setenv(first, str(other))
            monkeypatch.setenv(second, str(good))
            with transport(server.url) as calls:
                assert UNTRUSTED in failure(calls).message
            monkeypatch.delenv(first)


@pytest.mark.parametrize("value", [None, "", " ", "0", "1", "no", "false", "/dev/null"])
@pytest.mark.parametrize("variable", [*VARIABLES, "PYTHONHTTPSVERIFY"])
def test_nothing_that_a_variable_says_lets_anybody_in(
    good: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(variable, raising=False)
    else:
        monkeypatch.setenv(variable, value)
    with RawServer(serve, tls=context(good)) as server, transport(server.url) as calls:
        error = failure(calls)
    assert (error.reason, error.message[:12]) == (Reason.TLS, "TLS failed: ")


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_file_to_trust_that_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    missing = tmp_path / "ca.pem"
    monkeypatch.setenv(variable, str(missing))
    with transport("https://127.0.0.1:9") as calls:
        error = failure(calls)
    assert (error.reason, error.message) == (
        Reason.TLS,
        f"TLS failed: {variable} names {missing}: No such file or directory",
    )


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_file_to_trust_without_a_certificate(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("-----BEGIN CERTIFICATE-----\n")
    monkeypatch.setenv(variable, str(empty))
    with RawServer(serve, tls=context(good)) as server, transport(server.url) as calls:
        error = failure(calls)
    assert (error.reason, error.message) == (
        Reason.TLS,
        f"TLS failed: {variable} names {empty}: no certificate in PEM can be read from it",
    )


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_folder_trusts_nobody(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    with RawServer(serve, tls=context(good)) as server, transport(server.url) as calls:
        assert UNTRUSTED in failure(calls).message


def test_without_tls_nobody_has_to_be_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with RawServer(serve) as server, transport(server.url) as calls:
        assert post(calls).body == b"{}"


def test_a_certificate_that_nobody_signed(good: Path) -> None:
    with RawServer(serve, tls=context(good)) as server, transport(server.url) as calls:
        error = failure(calls)
        assert error.reason is Reason.TLS
        assert error.message.startswith("TLS failed: ")
        assert UNTRUSTED in error.message
        assert server.connections == 1


def test_a_proxy_that_nobody_trusts(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(serve, tls=context(good)) as proxy, transport("https://127.0.0.1:9") as calls:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failure(calls)
        where = f"the proxy 127.0.0.1:{proxy.port}"
    assert error.reason is Reason.TLS
    assert error.message.startswith(f"TLS failed at {where}: ")
    assert UNTRUSTED in error.message


def test_a_certificate_of_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = certificate(tmp_path, san="DNS:www.quantconnect.com")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with RawServer(serve, tls=context(file)) as server, transport(server.url) as calls:
        error = failure(calls)
    assert error.reason is Reason.TLS
    assert "certificate is not valid for '127.0.0.1'" in error.message


def test_a_server_that_does_not_speak_tls() -> None:
    with (
        RawServer(lambda peer: peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        transport(server.url.replace("http", "https")) as calls,
    ):
        assert failure(calls).reason is Reason.TLS


@pytest.mark.parametrize("head", [OK + b"Content-Length: 100000\r\n\r\n", b""])
def test_an_answer_that_drips(good: Path, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(head)
        peer.drip(OK + b" " * 400)

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(good))
    with (
        RawServer(script, tls=context(good)) as server,
        transport(server.url, timeout=TIMEOUT) as calls,
    ):
        assert failure(calls).reason is Reason.TIMEOUT
        assert server.connections == 1


@pytest.mark.parametrize("proxy_tls", [False, True])
def test_an_answer_that_drips_through_a_proxy(
    good: Path, monkeypatch: pytest.MonkeyPatch, *, proxy_tls: bool
) -> None:
    """CONNECT is answered by the proxy, TLS and the drip by what it connects to."""

    def script(peer: Peer) -> None:
        assert peer.request().startswith(b"CONNECT 127.0.0.1:9 ")
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        if proxy_tls:
            peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\0" * 400)
            return
        peer.socket = context(good).wrap_socket(peer.socket, server_side=True)
        peer.request()
        peer.drip(OK + b" " * 400)

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(good))
    tls = context(good) if proxy_tls else None
    with (
        RawServer(script, tls=tls) as proxy,
        transport("https://127.0.0.1:9", timeout=TIMEOUT) as calls,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert failure(calls).reason is Reason.TIMEOUT


@pytest.mark.parametrize("proxy_tls", [False, True])
def test_calls_through_a_proxy(
    good: Path, monkeypatch: pytest.MonkeyPatch, *, proxy_tls: bool
) -> None:
    """Two on one connection, by TLS to the server, also inside TLS to the proxy."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(good))
    tls = context(good)
    with RawServer(serve, tls=tls) as server:

        def script(peer: Peer) -> None:
            assert peer.request().startswith(b"CONNECT 127.0.0.1:%d " % server.port)
            peer.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
            forward(peer.socket, server.port)

        with (
            RawServer(script, tls=tls if proxy_tls else None) as proxy,
            transport(server.url) as calls,
        ):
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            assert post(calls).body == b"{}"
            assert post(calls).body == b"{}"
            assert (proxy.connections, server.connections) == (1, 1)


def test_a_request_that_a_server_with_tls_does_not_read(
    good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(good))
    with (
        RawServer(lambda peer: peer.silence(), tls=context(good)) as server,
        transport(server.url, timeout=2) as calls,
    ):
        with pytest.raises(ApiError) as caught:
            calls.post("live/list", {"large": "x" * 15_000_000}, SIGNATURE)
        assert caught.value.reason is Reason.TIMEOUT


def test_close_ends_a_call_over_tls_at_once(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        asked.set()
        peer.silence()

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(good))
    with (
        RawServer(script, tls=context(good)) as server,
        transport(server.url, timeout=600) as calls,
        ThreadPoolExecutor(1) as pool,
    ):
        ending = pool.submit(failure, calls)
        assert asked.wait(60)
        calls.close()
        assert ending.result(timeout=60).reason is Reason.TIMEOUT
