"""TLS as a web configuration wants it, seen by clients that speak it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import warnings
from typing import TYPE_CHECKING

import pytest

from exporter.config import ConfigError
from exporter.web.config import WebConfig
from exporter.web.config.schema import CIPHERS, TLS13_CIPHERS

from .serving import TLS, serving

if TYPE_CHECKING:
    from .pki import PKI

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


def only(client: ssl.SSLContext, version: str, ciphers: str = "DEFAULT") -> ssl.SSLContext:
    """A client that speaks one version of TLS."""
    client.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = client.maximum_version = VERSIONS[version]
    return client


USE_HTTPS = b"This port speaks TLS: use https:// instead of http://.\n"


def tls(more: str, name: str = "server") -> str:
    return f"tls_server_config: {{cert_file: {name}.pem, key_file: {name}.key, {more}}}\n"


def test_it_is_spoken_and_only_it(pki: PKI) -> None:
    with serving(pki, TLS) as server:
        answer = server.ask(client=server.client())
        assert (answer.status, answer.body) == (200, b"hello\n")
        refused = server.ask()
        assert (refused.status, refused.body) == (400, USE_HTTPS)


def test_http_1_1_is_what_is_offered_to_who_would_speak_2(pki: PKI) -> None:
    with serving(pki, TLS) as server:
        client = server.client()
        client.set_alpn_protocols(["h2", "http/1.1"])
        with server.handshake(client) as spoken:
            assert spoken.selected_alpn_protocol() == "http/1.1"


@pytest.mark.skipif(shutil.which("curl") is None, reason="not installed: curl")
def test_curl_takes_it(pki: PKI) -> None:
    with serving(pki, TLS) as server:
        said = subprocess.run(
            ["curl", "-sS", "--cacert", "ca.pem", f"https://localhost:{server.port}/"],
            cwd=pki.directory,
            check=True,
            capture_output=True,
        )
        assert said.stdout == b"hello\n"


def test_certificate_and_key_within_the_configuration(pki: PKI) -> None:
    def block(name: str) -> str:
        return "".join(f"\n    {line}" for line in pki.text(name).splitlines())

    text = f"tls_server_config:\n  cert: |{block('server.pem')}\n  key: |{block('server.key')}\n"
    text += f"  client_ca: |{block('ca.pem')}\n  client_auth_type: RequireAndVerifyClientCert\n"
    with serving(pki, text) as server:
        assert server.admits(server.client("client-plain"))
        assert not server.admits(server.client())
    with pytest.raises(FileNotFoundError):
        pki.path("cert").read_text()


def test_one_file_with_both(pki: PKI) -> None:
    with serving(pki, "tls_server_config: {cert_file: both.pem, key_file: both.pem}") as server:
        assert server.admits(server.client())


@pytest.mark.parametrize(
    ("settings", "spoken"),
    [
        ("", ["TLS12", "TLS13"]),
        ("min_version: TLS13", ["TLS13"]),
        ("max_version: TLS12", ["TLS12"]),
        ("min_version: TLS10", ["TLS10", "TLS11", "TLS12", "TLS13"]),
        ("min_version: TLS11, max_version: TLS12", ["TLS11", "TLS12"]),
        ("min_version: TLS10, max_version: TLS10", ["TLS10"]),
        ("cipher_suites: [TLS_AES_128_GCM_SHA256]", ["TLS13"]),
    ],
)
def test_versions(pki: PKI, settings: str, spoken: list[str]) -> None:
    with serving(pki, tls(settings)) as server:
        assert [v for v in VERSIONS if server.admits(only(server.client(), v))] == spoken


@pytest.mark.parametrize("name", sorted(CIPHERS))
def test_each_cipher_suite_of_go(pki: PKI, name: str) -> None:
    certificate = "rsa" if "_RSA_" in name else "server"
    text = tls(f"max_version: TLS12, cipher_suites: [{name}]", certificate)
    others = ":".join(cipher for cipher in CIPHERS.values() if cipher != CIPHERS[name])
    with serving(pki, text) as server:
        with server.handshake(only(server.client(), "TLS12", ":".join(CIPHERS.values()))) as spoken:
            used = spoken.cipher()
            assert used is not None
            assert used[0] == CIPHERS[name]
        assert not server.admits(only(server.client(), "TLS12", others))


@pytest.mark.parametrize(
    ("settings", "version", "offered", "admitted"),
    [
        ("", "TLS12", "ECDHE+AESGCM", True),
        ("", "TLS12", "ECDHE+CHACHA20", True),
        ("", "TLS12", "ECDHE+AES:!AESGCM:!AESCCM", False),
        ("", "TLS12", "RSA", False),
        # Older versions have no ciphers without CBC.
        ("min_version: TLS10", "TLS10", "ECDHE+AES", True),
    ],
)
def test_no_default_cipher_has_cbc(
    pki: PKI, settings: str, version: str, offered: str, admitted: bool
) -> None:
    with serving(pki, tls(settings)) as server:
        assert server.admits(only(server.client(), version, offered)) is admitted


def test_cipher_suites_of_tls_1_3_are_not_chosen(pki: PKI) -> None:
    names = [*TLS13_CIPHERS, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"]
    chosen = f"min_version: TLS10, cipher_suites: [{', '.join(names)}]"
    with serving(pki, tls(chosen)) as server:
        assert server.admits(only(server.client(), "TLS13"))
        assert server.admits(only(server.client(), "TLS10"))
        assert not server.admits(only(server.client(), "TLS12", "ECDHE+AESGCM"))


@pytest.mark.parametrize(("prefer", "chosen"), [("true", 0), ("false", 1)])
def test_whose_order_counts(pki: PKI, prefer: str, chosen: int) -> None:
    names = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
    suites = f"cipher_suites: [{', '.join(names)}]"
    text = tls(f"{suites}, prefer_server_cipher_suites: {prefer}")
    with serving(pki, text) as server:
        client = only(server.client(), "TLS12", ":".join(CIPHERS[name] for name in names[::-1]))
        with server.handshake(client) as spoken:
            used = spoken.cipher()
            assert used is not None
            assert used[0] == CIPHERS[names[chosen]]


@pytest.mark.parametrize(
    ("curve", "group"),
    [
        ("CurveP256", "prime256v1"),
        ("CurveP384", "secp384r1"),
        ("CurveP521", "secp521r1"),
        ("X25519", "X25519"),
    ],
)
def test_curves(pki: PKI, curve: str, group: str) -> None:
    with serving(pki, tls(f"curve_preferences: [{curve}]", "rsa")) as server:
        for other in ("prime256v1", "secp384r1", "secp521r1", "X25519"):
            client = server.client()
            client.set_ecdh_curve(other)
            assert server.admits(client) == (other == group)


def test_of_several_curves_the_first_is_used_and_the_log_is_told(pki: PKI) -> None:
    text = tls("curve_preferences: [CurveP384, X25519]")
    with serving(pki, text) as server:
        client = server.client()
        client.set_ecdh_curve("X25519")
        assert not server.admits(client)
        client = server.client()
        client.set_ecdh_curve("secp384r1")
        assert server.admits(client)
        (remark,) = WebConfig(server.file).remarks()
        assert str(remark) == "Of curve_preferences only the first is used; Python's TLS takes one"


NOBODY, STRANGER, EXPIRED, OWN = "", "client-stranger", "client-expired", "client-own"
KNOWN = "client-plain"


@pytest.mark.parametrize(
    ("settings", "admitted"),
    [
        ("", {NOBODY, STRANGER, EXPIRED, OWN, KNOWN}),
        ("client_auth_type: NoClientCert", {NOBODY, STRANGER, EXPIRED, OWN, KNOWN}),
        ("client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem", {NOBODY, KNOWN}),
        ("client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem", {KNOWN}),
        ("client_auth_type: RequireAndVerifyClientCert, client_ca_file: client-own.pem", {OWN}),
        # The system's own authorities, none of which has signed any of these.
        ("client_auth_type: RequireAndVerifyClientCert", set()),
        ("client_auth_type: VerifyClientCertIfGiven", {NOBODY}),
    ],
)
@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_client_certificates(pki: PKI, settings: str, admitted: set[str], version: str) -> None:
    with serving(pki, tls(settings)) as server:
        clients = (NOBODY, STRANGER, EXPIRED, OWN, KNOWN)
        assert {c for c in clients if server.admits(only(server.client(c), version))} == admitted


@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        ("scraper.example", {"dns"}),
        ("192.0.2.7", {"ip"}),
        ("2001:db8::1", {"ip6"}),
        ("2001:0DB8:0::1", {"ip6"}),
        ("ops@example.com", {"email"}),
        ("spiffe://example.com/prometheus", {"uri", "several"}),
        ("other.example", {"several"}),
        ("SCRAPER.example", set()),
        ("someone", set()),
    ],
)
def test_allowed_names(pki: PKI, allowed: str, admitted: set[str]) -> None:
    text = tls(
        "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, "
        f"client_allowed_sans: ['nobody.example', '{allowed}']"
    )
    with serving(pki, text) as server:
        clients = ("dns", "ip", "ip6", "email", "uri", "several", "directory", "plain", "stranger")
        assert {c for c in clients if server.admits(server.client(f"client-{c}"))} == admitted


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-2"])
def test_what_stands_around_certificates_is_nobodys_business(pki: PKI, encoding: str) -> None:
    """As ``openssl x509 -text`` and bundles of authorities have it."""
    around = "# Issuer: CN=Főtanúsítvány\n".encode(encoding)
    for name in ("ca.pem", "server.pem", "server.key"):
        path = pki.path(name)
        path.write_bytes(around + b"\n" + path.read_bytes() + around)
    verify = "client_auth_type: RequireAndVerifyClientCert"
    with serving(pki, tls(f"client_ca_file: ca.pem, {verify}")) as server:
        server.pki.path("trusted.pem").write_text(
            pki.path("ca.pem").read_bytes().decode("ascii", "ignore")
        )
        client = ssl.create_default_context(cafile=str(pki.path("trusted.pem")))
        assert not server.admits(client)
        client.load_cert_chain(pki.path("client-dns.pem"), pki.path("client-dns.key"))
        assert server.admits(client)


def test_what_stands_in_a_certificate_is_part_of_it(pki: PKI) -> None:
    lines = pki.text("ca.pem").splitlines()
    lines[2] = "é" + lines[2]
    pki.path("ca.pem").write_text("\n".join(lines))
    text = tls("client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert")
    pki.path("web.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"client_ca_file: expected .* \(it is damaged\)$"):
        WebConfig(pki.path("web.yml"))


def test_a_new_certificate_is_shown_from_the_next_handshake_on(pki: PKI) -> None:
    with serving(pki, TLS) as server:
        assert server.serial() == pki.serial("server.pem")
        with server.handshake(server.client()) as before:
            for suffix in ("pem", "key"):
                pki.path(f"server2.{suffix}").rename(pki.path(f"server.{suffix}"))
            assert server.serial() == pki.serial("server.pem")
            before.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert before.recv(100).startswith(b"HTTP/1.1 200 OK")


def test_a_change_of_what_is_asked_of_clients_counts_from_the_next_handshake_on(pki: PKI) -> None:
    verify = "client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert"
    with serving(pki, TLS) as server:
        assert server.admits(server.client())
        server.write(tls(verify))
        assert not server.admits(server.client())
        assert server.admits(server.client("client-dns"))
        server.write(tls(f"{verify}, client_allowed_sans: [other.example]"))
        assert not server.admits(server.client("client-dns"))
        assert server.admits(server.client("client-several"))
        pki.path("ca.pem").write_text(pki.text("other-ca.pem"))
        client = server.client("client-several")
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        assert not server.admits(client)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pki: pki.path("server.pem").unlink(),
        lambda pki: pki.path("server.key").unlink(),
        lambda pki: pki.path("server.key").write_text(pki.text("server2.key")),
        lambda pki: pki.path("server.pem").write_text(""),
        lambda pki: pki.path("web.yml").unlink(),
        lambda pki: pki.path("web.yml").write_text("tls_server_config: {cert_file: ["),
        lambda pki: pki.path("web.yml").write_text(""),
        lambda pki: pki.path("web.yml").write_text("basic_auth_users: {}"),
    ],
)
def test_what_cannot_be_used_refuses_everybody_until_it_can(
    pki: PKI, spoil: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(spoil)
    good = {name: pki.text(name) for name in ("server.pem", "server.key")}
    with serving(pki, TLS) as server:
        assert server.admits(server.client())
        spoil(pki)
        assert not server.admits(server.client())
        assert server.ask().status == 400
        for name, text in good.items():
            pki.path(name).write_text(text)
        server.write(TLS)
        assert server.admits(server.client())
    said = [record.getMessage() for record in caplog.records if "handshakes" in str(vars(record))]
    assert said == ["The web configuration cannot be used; no client is admitted"]


def test_a_client_that_never_speaks_tls_holds_up_nobody(pki: PKI) -> None:
    with serving(pki, TLS) as server:
        silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        for client in silent[::2]:
            client.sendall(b"\x16\x03\x01")
        assert server.admits(server.client())
        for client in silent:
            client.close()
