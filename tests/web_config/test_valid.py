"""Files that are good: the samples of the documentation, and what others have written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.web.config.loading import load
from exporter.web.config.settings import ClientAuth, RateLimit, Settings

if TYPE_CHECKING:
    from .pki import PKI

SAMPLES = sorted((Path(__file__).parents[2] / "docs" / "web-config").glob("*.yaml"))
HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"


def settings(pki: PKI, text: str) -> Settings:
    path = pki.path("web.yml")
    path.write_bytes(text.encode())
    loaded = load(path, certificates=True)
    assert loaded.error is None
    assert loaded.settings is not None
    return loaded.settings


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_of_the_documentation(pki: PKI, sample: Path) -> None:
    for name, source in (
        ("exporter.crt", "server.pem"),
        ("exporter.key", "server.key"),
        ("clients.crt", "ca.pem"),
    ):
        pki.path(name).write_text(pki.text(source))
    assert settings(pki, sample.read_text()) != Settings()


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 4


NOTHING = """\
tls_server_config:
http_server_config:
basic_auth_users:
rate_limit:
"""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# nothing yet\n",
        "---\n",
        "---\n...\n",
        "--- # nothing\n...\n",
        "null",
        "NULL # nothing",
        "~\n",
        "# nothing\r# at all\r",
        "# nothing\u2028# at all",
        "#" * 100_000,
        "%YAML 1.1\n---\n",
        "{}",
        "\ufeff# BOM\n",
        NOTHING,
        "tls_server_config: {}\nhttp_server_config: {headers: }\n",
        "tls_server_config: {cert_file: , client_allowed_sans: }",
        "tls_server_config: {cert_file: '', key_file: \"\"}",
        "tls_server_config:\n  cert: |\n  key: >\n  client_auth_type: ''\n  client_ca: ''\n",
        "rate_limit: {burst: 20}",
        "rate_limit: {interval: 0}",
        "rate_limit: {interval: 0, burst: 0}",
        "rate_limit: {interval: 0s}",
    ],
)
def test_a_file_that_says_nothing_protects_nothing(pki: PKI, text: str) -> None:
    found = settings(pki, text)
    assert found == Settings()
    assert not found.restricts_access


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"])
def test_a_comment_ends_where_yaml_says(pki: PKI, end: str) -> None:
    text = end.join(("# A password", "---", "basic_auth_users:", f"  alice: {HASH}", ""))
    assert set(settings(pki, text).users) == {b"alice"}


def test_an_empty_text_is_as_good_as_none(pki: PKI) -> None:
    """Templates write them."""
    empty = "cert: '', key: '', client_ca: '', client_ca_file: '', client_auth_type: ''"
    said = "cert_file: server.pem, key_file: server.key"
    found = settings(pki, f"tls_server_config: {{{said}, {empty}}}")
    assert found == settings(pki, f"tls_server_config: {{{said}}}")
    assert found.tls is not None


def test_everything_that_the_exporter_toolkit_knows(pki: PKI) -> None:
    text = f"""\
tls_server_config:
  cert_file: server.pem
  key_file: server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  client_allowed_sans: [a.example, 192.0.2.1]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: yes
  curve_preferences: [CurveP256]
http_server_config:
  http2: on
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1; mode=block
    Strict-Transport-Security: max-age=1
basic_auth_users: {{alice: {HASH}, "": {HASH}, 1: {HASH}}}
rate_limit: {{interval: 1m1.5s, burst: 20}}
"""
    found = settings(pki, text)
    assert found.tls is not None
    assert found.tls.files == tuple(pki.path(f) for f in ("server.pem", "server.key", "ca.pem"))
    assert found.tls.client_auth is ClientAuth.REQUIRE_AND_VERIFY
    assert found.tls.client_allowed_sans == frozenset({"a.example", "192.0.2.1"})
    assert found.tls.ciphers == ("ECDHE-ECDSA-AES128-GCM-SHA256",)
    assert found.tls.group == "prime256v1"
    assert set(found.users) == {b"alice", b"", b"1"}
    assert found.rate_limit == RateLimit(61.5, 20)
    assert [str(remark) for remark in found.remarks] == [
        "HTTP/2 is configured, but only HTTP/1.1 is served"
    ]
    assert found.restricts_access


@pytest.mark.parametrize(
    ("text", "restricts"),
    [
        ("tls_server_config: {cert_file: server.pem, key_file: server.key}", False),
        ("rate_limit: {interval: 1s, burst: 1}", False),
        (f"basic_auth_users: {{a: {HASH}}}", True),
    ],
)
def test_whether_access_is_restricted(pki: PKI, text: str, restricts: bool) -> None:
    assert settings(pki, text).restricts_access is restricts
