"""What is read and what is not: regular files only, so that nothing waits or is used up."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.config import ConfigError
from exporter.web.config import WebConfig

from .serving import TLS, serving
from .test_basic_auth import users

if TYPE_CHECKING:
    from .pki import PKI

CA = "client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert}"
MUTUAL = TLS.replace("}", f", {CA}")


def test_a_pipe_is_refused_though_it_has_a_password_in_it() -> None:
    """As from ``<(sops -d web.yaml)``: read again, it would be empty and protect nothing."""
    reading, writing = os.pipe()
    try:
        os.write(writing, users(a="x").encode())
        path = f"/dev/fd/{reading}"
        with pytest.raises(ConfigError) as caught:
            WebConfig(Path(path))
    finally:
        os.close(reading)
        os.close(writing)
    expected = f"{path}: expected a file that can be read, got: a pipe, and no regular file"
    assert caught.value.problems == (expected,)


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(ConfigError, match=f"^{device}: .* got: a device, and no regular file$"):
        WebConfig(Path(device))


def test_so_is_a_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "web.yml"))
        with pytest.raises(ConfigError, match=r"web\.yml: expected a file that can be read, got: "):
            WebConfig(tmp_path / "web.yml")


def test_no_file_is_waited_for_at_a_start(pki: PKI) -> None:
    file = pki.path("web.yml")
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="a pipe, and no regular file"):
        WebConfig(file)
    file.unlink()
    file.write_text(MUTUAL)
    for name, place in (
        ("server.pem", "cert_file"),
        ("server.key", "key_file"),
        ("ca.pem", "client_ca_file"),
    ):
        text = pki.text(name)
        pki.path(name).unlink()
        os.mkfifo(pki.path(name))
        with pytest.raises(ConfigError, match=rf"\.{place}: .*\(a pipe, and no regular file\)$"):
            WebConfig(file)
        pki.path(name).unlink()
        pki.path(name).write_text(text)
    assert WebConfig(file).at_start.restricts_access


def test_nor_while_running(pki: PKI) -> None:
    with serving(pki, users(a="x")) as server:
        server.file.unlink()
        os.mkfifo(server.file)
        assert [server.ask(user="a", password="x").status for _ in range(3)] == [500] * 3
        server.write(users(a="x"))
        assert server.ask(user="a", password="x").status == 200


@pytest.mark.parametrize("name", ["web.yml", "server.pem", "server.key", "ca.pem"])
def test_nor_in_a_handshake(pki: PKI, name: str) -> None:
    with serving(pki, MUTUAL) as server:
        client = server.client("client-dns")
        assert server.admits(client)
        text = pki.text(name)
        pki.path(name).unlink()
        os.mkfifo(pki.path(name))
        assert not server.admits(client)
        pki.path(name).unlink()
        pki.path(name).write_text(text)
        assert server.admits(client)


def test_nothing_is_left_open(pki: PKI) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    os.mkfifo(pki.path("fifo"))
    for path in (pki.path("fifo"), pki.directory, Path("/dev/null"), pki.path("none")):
        with pytest.raises(ConfigError):
            WebConfig(path)
    assert len(list(descriptors.iterdir())) == before
