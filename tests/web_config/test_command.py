"""``--web.config.file`` on the command line, before a simulated QuantConnect."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from exporter.cli.flags import parse
from exporter.cli.run import listen
from exporter.web.config import WebConfig
from prometheus.stack import free_port
from tests.port.exporter_process import running, until
from tests.support import generated_world

from .serving import TLS
from .test_basic_auth import users

if TYPE_CHECKING:
    from .pki import PKI


def test_everything_at_once_on_the_real_exporter(pki: PKI) -> None:
    verify = ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert}"
    text = TLS.replace("}", verify) + users(alice="x") + "http_server_config: {http2: true}\n"
    file = pki.path("web.yaml")
    file.write_text(text)
    flags = ("--web.config.file", str(file))
    with running(generated_world(projects=1, holdings=2), pki.directory, *flags) as exporter:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(pki.path("ca.pem"))
        url = f"https://localhost:{exporter.port}"
        silent = [exporter.connect() for _ in range(50)]
        with pytest.raises(requests.ConnectionError):
            session.get(f"{url}/metrics", timeout=20)
        session.cert = (str(pki.path("client-dns.pem")), str(pki.path("client-dns.key")))
        for path in ("/-/healthy", "/-/ready"):
            until(lambda: session.get(url + path, timeout=20).status_code == 200)  # noqa: B023
        for path in ("/", "/metrics", "/config", "/nowhere"):
            answer = session.get(url + path, timeout=20)
            assert (answer.status_code, answer.text) == (401, "Unauthorized\n")
        assert session.post(f"{url}/-/reload", timeout=20).status_code == 401
        session.auth = ("alice", "x")
        metrics = session.get(f"{url}/metrics", timeout=20).text
        assert "quantconnect_holding_quantity{" in metrics
        for handler in ("/", "/metrics", "/config", "/-/reload", "other"):
            counted = f'http_requests_total{{code="401",handler="{handler}"}} 1.0'
            assert f"quantconnect_exporter_{counted}" in metrics
        assert "quantconnect_exporter_tls_handshake_failures_total 1.0" in metrics
        until(lambda: "level=error" not in exporter.log)
        for client in silent:
            client.close()
        log = exporter.log
    assert log.count('msg="TLS is enabled."') == 1
    assert log.count("HTTP/2 is configured, but only HTTP/1.1 is served") == 1
    assert "QOauhQ" not in log
    assert "$2y$" not in log


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with these arguments, which it ends at by itself."""
    return subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_bad_one_is_said_at_the_start(pki: PKI) -> None:
    file = pki.path("web.yaml")
    file.write_text("basic_auth_users: {alice: secret-password}\n")
    configuration = pki.path("quantconnect.yaml")
    configuration.write_text("accounts: [{user_id: 1, api_token: t}]\n")
    arguments = (f"--config.file={configuration}", f"--web.config.file={file}")
    for more in ((), ("--config.check",)):
        done = ended(*arguments, *more)
        assert done.returncode == 1
        assert f"{file}:1: basic_auth_users.alice: expected a bcrypt hash" in done.stderr
        assert "secret-password" not in done.stderr
    file.write_text(users(alice="x"))
    done = ended(*arguments, "--config.check")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("protected", "warned"), [(False, 1), (True, 0)])
def test_an_open_port_is_warned_of_only_if_it_is_open(
    pki: PKI, protected: bool, warned: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "exporter")
    file = pki.path("web.yaml")
    file.write_text(users(alice="x") if protected else TLS)
    options = parse(["--web.listen-address", "0.0.0.0:0"], {})
    for listening in listen(options, WebConfig(file)):
        listening.close()
    said = [record.getMessage() for record in caplog.records]
    assert sum("can be read by anyone" in line for line in said) == warned
    assert said[-1] == ("TLS is disabled." if protected else "TLS is enabled.")


def test_http_to_a_tls_port_is_told_to_use_https(pki: PKI) -> None:
    file = pki.path("web.yaml")
    file.write_text(TLS)
    flags = ("--web.config.file", str(file))
    with running(generated_world(projects=1, holdings=2), pki.directory, *flags) as exporter:
        client = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=20)
        client.request("GET", "/metrics")
        response = client.getresponse()
        assert response.status == 400
        assert b"use https://" in response.read()
        client.close()
        context = ssl.create_default_context(cafile=str(pki.path("ca.pem")))
        with (
            socket.create_connection(("127.0.0.1", exporter.port), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as spoken,
        ):
            assert spoken.version() == "TLSv1.3"


@pytest.mark.parametrize("spoken", ["http", "https"])
def test_the_demo_says_where_it_is(pki: PKI, spoken: str) -> None:
    file = pki.path("web.yaml")
    file.write_text(users(alice="x") + (TLS if spoken == "https" else ""))
    address = f"127.0.0.1:{free_port()}"  # no other demo's
    loopback = (f"--web.listen-address={address}", "--simulator.listen-address=127.0.0.1:0")
    command = [sys.executable, "-m", "exporter", "demo", *loopback, "--web.config.file", str(file)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as demo:
        assert demo.stdout is not None
        said = []
        for line in demo.stdout:
            said.append(line)
            if line == "Ctrl-C ends it.\n":
                demo.terminate()
    assert any(line.startswith(f"  {spoken}://{address}/ ") for line in said)


def test_a_demo_with_a_bad_one_says_what_is_wrong_with_it(pki: PKI) -> None:
    file = pki.path("web.yaml")
    file.write_text("basic_auth_users: {alice: x}")
    loopback = ("--web.listen-address=127.0.0.1:0", "--simulator.listen-address=127.0.0.1:0")
    done = ended("demo", *loopback, f"--web.config.file={file}")
    assert done.returncode == 1
    assert f"{file}:1: basic_auth_users.alice: expected a bcrypt hash" in done.stderr
    assert "Traceback" not in done.stderr
