"""What happens while the files change under a running server, and what the log says of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import pytest

from exporter.config import ConfigError
from exporter.web.config import WebConfig, loading, watched
from exporter.web.config.loading import Loaded, load

from .serving import TLS, Clock, serving
from .test_basic_auth import users

if TYPE_CHECKING:
    from .pki import PKI

VERIFY = "client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert"


def tls(more: str) -> str:
    return f"tls_server_config: {{cert_file: server.pem, key_file: server.key, {more}}}\n"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [each for each in caplog.records if each.name.startswith("exporter.web.config")]
    return [record.getMessage() for record in records]


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The errors that were logged, each with all that it says."""
    return [
        vars(record)["fields"]["error"] for record in caplog.records if record.levelname == "ERROR"
    ]


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "exporter")


@pytest.mark.parametrize(
    "bad", ["nonsense", "basic_auth_users: {a: x}", "rate_limit: {", None, b"\xff"]
)
def test_a_file_that_went_bad_refuses_everybody_and_is_said_once(
    pki: PKI, bad: str | bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(pki, users(a="x")) as server:
        if bad is None:
            server.file.unlink()
        else:
            server.file.write_bytes(bad if isinstance(bad, bytes) else bad.encode())
        for _ in range(3):
            answer = server.ask(user="a", password="x")
            assert (answer.status, answer.body) == (500, b"Internal Server Error\n")
        assert server.refused == [500] * 3
        server.write(users(a="x"))
        assert server.ask(user="a", password="x").status == 200
    assert said(caplog) == [
        "The web configuration cannot be used; no client is admitted",
        "The web configuration can be used again",
    ]


@pytest.mark.parametrize("half_written", ["", "# users", "basic_auth_users:\n"])
def test_a_file_that_is_being_written_lets_nobody_in(pki: PKI, half_written: str) -> None:
    with serving(pki, users(a="x")) as server:
        server.file.write_text(half_written)
        assert server.ask().status == 500
        assert server.ask().status == 500
        server.file.write_text(users(a="y"))
        assert server.ask().status == 401
        assert server.ask(user="a", password="y").status == 200


MUTUAL = tls(f"{VERIFY}, client_allowed_sans: [scraper.example]")


@pytest.mark.parametrize(
    "less",
    ["", "# nothing", "{}", "null", "basic_auth_users: {}", "rate_limit: {interval: 0}\n"],
)
def test_no_change_of_the_file_takes_the_password_away(
    pki: PKI, less: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It may have been cut off, by a full disk or a crash, and then it stays so."""
    clock = Clock()
    with serving(pki, users(a="x"), clock=clock) as server:
        server.write(less)
        assert server.ask().status == 500
        clock.time += 86_400
        assert server.ask(user="a", password="x").status == 500
        server.write(users(b="y"))
        assert server.ask().status == 401
        assert server.ask(user="b", password="y").status == 200
    expected = (
        f"{server.file}: expected as much protection as before, got none by basic_auth_users "
        "(to do without it, restart)"
    )
    assert complaints(caplog) == [expected]


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        (tls(VERIFY), TLS, "client_auth_type and client_ca_file"),
        (
            tls(VERIFY),
            tls("client_ca_file: ca.pem, client_auth_type: VerifyClientCertIfGiven"),
            "client_auth_type and client_ca_file",
        ),
        (
            MUTUAL,
            tls("client_auth_type: NoClientCert"),
            "client_auth_type and client_ca_file and client_allowed_sans",
        ),
        (MUTUAL, tls(VERIFY), "client_allowed_sans"),
        (tls(VERIFY), tls("client_auth_type: RequireAndVerifyClientCert"), "client_ca_file"),
    ],
)
def test_nor_what_is_asked_of_clients(
    pki: PKI, before: str, after: str, lost: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(pki, before) as server:
        server.write(after)
        assert not server.admits(server.client("client-dns"))
        server.write(before)
        assert server.admits(server.client("client-dns"))
    expected = (
        f"{server.file}: expected as much protection as before, got none by {lost} "
        "(to do without it, restart)"
    )
    assert complaints(caplog) == [expected]


def test_protection_that_was_added_stays(pki: PKI) -> None:
    with serving(pki, "") as server:
        assert server.ask().status == 200
        server.write("# still nothing")
        assert server.ask().status == 200
        server.write(users(a="x"))
        assert server.ask().status == 401
        server.write("")
        assert server.ask().status == 500


def test_what_protects_only_from_the_next_start_on_may_go_again(pki: PKI) -> None:
    with serving(pki, users(a="x")) as server:
        for text in (MUTUAL + users(a="x"), users(a="x")):
            server.write(text)
            assert server.ask().status == 401
            assert server.ask(user="a", password="x").status == 200


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ENOMEM, errno.EACCES])
@pytest.mark.parametrize("name", ["web.yml", "server.key"])
def test_what_could_not_be_read_is_tried_again(
    pki: PKI,
    name: str,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, tried = Clock(), []

    really_open = os.open

    def failing(path: Any, *rest: Any, **named: Any) -> int:
        if Path(path).name == name:
            tried.append(path)
            raise OSError(number, os.strerror(number))
        return really_open(path, *rest, **named)

    with serving(pki, TLS, clock=clock) as server:
        client = server.client()
        assert server.admits(client)
        with monkeypatch.context() as broken:
            broken.setattr(os, "open", failing)
            os.utime(pki.path(name))
            assert not any(server.admits(client) for _ in range(5))
            often = len(tried)
            assert often <= 2  # the second to see whether it is the same files that count
            clock.time += 1
            assert not any(server.admits(client) for _ in range(5))
            assert often < len(tried) <= 2 * often
        assert not server.admits(client)
        clock.time += 1
        assert server.admits(client)
    assert len(complaints(caplog)) == 1
    assert os.strerror(number) in complaints(caplog)[0]


def test_tls_is_not_begun_while_running_but_said(
    pki: PKI, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(pki, "") as server:
        server.write(TLS)
        assert [server.ask().status for _ in range(3)] == [200] * 3
    assert said(caplog) == ["TLS was added to the web configuration; restart to enable it"]


def test_what_nobody_has_foreseen_refuses_everybody_and_is_said_once(
    pki: PKI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> Never:
        raise RuntimeError("-----BEGIN PRIVATE KEY-----")

    with serving(pki, TLS) as server:
        client = server.client()
        assert server.admits(client)
        with monkeypatch.context() as broken:
            broken.setattr(loading, "server_context", fail)
            os.utime(pki.path("server.pem"))
            assert not any(server.admits(client) for _ in range(3))
            expected = r"web\.yml: expected what can be used, got: RuntimeError at \w+\.py:\d+$"
            with pytest.raises(ConfigError, match=expected):
                WebConfig(server.file)
        os.utime(pki.path("server.pem"))
        assert server.admits(client)
        with monkeypatch.context() as broken:
            broken.setattr(loading, "assemble", fail)
            server.write(f"{TLS}# changed")
            assert not server.admits(client)
        server.write(TLS)
        assert server.admits(client)
    assert (
        said(caplog)
        == [
            "The web configuration cannot be used; no client is admitted",
            "The web configuration can be used again",
        ]
        * 2
    )


def test_a_context_is_tried_again_when_there_are_descriptors_again(
    pki: PKI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Never:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    clock = Clock()
    with serving(pki, TLS, clock=clock) as server:
        client = server.client()
        with monkeypatch.context() as broken:
            broken.setattr(os, "memfd_create", fail)
            assert not any(server.admits(client) for _ in range(3))
        clock.time += 1
        assert server.admits(client)
    expected = f"{server.file}: expected what can be used, got: Too many open files"
    assert complaints(caplog) == [expected]


def test_files_are_read_only_when_they_have_changed(
    pki: PKI, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[bool] = []

    def counted(path: Path, *, certificates: bool) -> Loaded:
        loads.append(certificates)
        return load(path, certificates=certificates)

    monkeypatch.setattr(watched, "load", counted)
    with serving(pki, TLS) as server:
        loads.clear()
        for _ in range(5):
            assert server.admits(server.client())
        # One for requests; for handshakes a second, once it is known which files it names.
        assert sorted(loads) == [False, True, True]
        os.utime(pki.path("server.pem"))
        for _ in range(5):
            assert server.admits(server.client())
        assert sorted(loads) == [False, True, True, True]


def test_a_link_that_points_elsewhere_is_a_change(pki: PKI) -> None:
    versions = {}
    for user in ("a", "b"):
        versions[user] = pki.path(f"{user}.yml")
        versions[user].write_text(users(**{user: "x"}))
    link = pki.path("link.yml")
    link.symlink_to("a.yml")
    config = WebConfig(link)
    assert set(config.settings().users) == {b"a"}
    new = pki.path("new.yml")
    new.symlink_to("b.yml")
    new.rename(link)
    assert set(config.settings().users) == {b"b"}


def test_relative_paths_start_from_the_directory_of_the_file(
    pki: PKI, monkeypatch: pytest.MonkeyPatch
) -> None:
    pki.path("web.yml").write_text(TLS)
    monkeypatch.chdir(pki.directory.parent)
    assert WebConfig(Path("web/web.yml")).at_start.tls is not None


def test_nothing_secret_is_in_what_is_printed(pki: PKI) -> None:
    key = pki.text("server.key").replace("\n", "\n    ")
    text = f"tls_server_config:\n  cert_file: server.pem\n  key: |\n    {key}\n{users(a='x')}"
    pki.path("web.yml").write_text(text)
    config = WebConfig(pki.path("web.yml"))
    assert config.at_start.users
    assert "PRIVATE" not in repr(config.at_start)
    assert "$2y$" not in repr(config.at_start)
