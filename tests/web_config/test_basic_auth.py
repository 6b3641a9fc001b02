"""Basic auth over HTTP, and how often bcrypt is asked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

import bcrypt
import pytest

from .serving import PROBE, TLS, basic, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from .pki import PKI


def hashed(password: bytes, cost: int = 4, version: str = "2y") -> str:
    made = bcrypt.hashpw(password[:72], bcrypt.gensalt(cost)).decode()
    return made.replace("$2b$", f"${version}$")


def users(**passwords: str) -> str:
    lines = (f"  {user}: {hashed(password.encode())}\n" for user, password in passwords.items())
    return "basic_auth_users:\n" + "".join(lines)


class Spy:
    """Counts, and can hold up, what bcrypt is asked; the hash that it was asked about last."""

    def __init__(self, check: Callable[[bytes, bytes], bool]) -> None:
        self._check = check
        self.hashes: list[bytes] = []
        self.threads: set[str] = set()
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.hashes.append(hashed)
        self.threads.add(threading.current_thread().name)
        self.entered.release()
        assert self.open.wait(20)
        return self._check(password, hashed)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Spy:
    spy = Spy(bcrypt.checkpw)
    monkeypatch.setattr(bcrypt, "checkpw", spy)
    return spy


def test_only_users_with_their_password_come_in(pki: PKI) -> None:
    with serving(pki, users(alice="wonder land:x", bøb="pä55")) as server:
        assert server.ask(user="alice", password="wonder land:x").status == 200
        assert server.ask(user="bøb", password="pä55").status == 200
        for user, password in (
            ("alice", "pä55"),
            ("alice", ""),
            ("alice", "wonder land"),
            ("Alice", "wonder land:x"),
            ("carol", "wonder land:x"),
            ("alic", "e:wonder land:x"),
        ):
            assert server.ask(user=user, password=password).status == 401
        assert server.refused == [401] * 6


def test_the_answer_to_a_stranger(pki: PKI) -> None:
    with serving(pki, users(alice="x")) as server:
        answer = server.ask()
        assert (answer.status, answer.body) == (401, b"Unauthorized\n")
        assert answer.headers["www-authenticate"] == "Basic"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        ["Bearer YWxpY2U6eA=="],
        ["Basic"],
        ["Basic YWxpY2U6eA"],
        ["Basic !!!!"],
        ["Basic YWxpY2U="],
        ["Basic  YWxpY2U6eA=="],
        ["Basic YWxpY2U6eA==", "Basic YWxpY2U6eA=="],
        ["YWxpY2U6eA=="],
        [""],
    ],
)
def test_what_is_no_basic_auth_costs_nothing(pki: PKI, headers: list[str], asked: Spy) -> None:
    with serving(pki, users(alice="x")) as server:
        assert server.ask(authorization=headers).status == 401
        assert server.ask(authorization=["bASIC YWxpY2U6eA=="]).status == 200
    assert len(asked.hashes) == 1


@pytest.mark.parametrize("version", ["2a", "2b", "2x", "2y"])
def test_each_kind_of_bcrypt_hash(pki: PKI, version: str) -> None:
    with serving(pki, f"basic_auth_users: {{a: {hashed(b'x', version=version)}}}") as server:
        assert server.ask(user="a", password="x").status == 200
        assert server.ask(user="a", password="y").status == 401


@pytest.mark.parametrize("spare", range(4))
def test_bits_of_a_salt_that_nobody_needs(pki: PKI, spare: int) -> None:
    """A salt's last character holds two bits of it and four that Go does not look at."""
    salt, alphabet = b"$2b$04$abcdefghijklmnopqrstu", "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij"
    alphabet += "klmnopqrstuvwxyz0123456789"
    made = bcrypt.hashpw(b"x", salt + b"u").decode()
    last = alphabet[alphabet.index("u") + 5 * spare]
    with serving(pki, f"basic_auth_users: {{a: {made[:28]}{last}{made[29:]}}}") as server:
        assert server.ask(user="a", password="x").status == 200
        assert server.ask(user="a", password="y").status == 401
        assert server.ask(user="b", password="y").status == 401


@pytest.mark.parametrize("block", [">\n    {}\n", "|\n    {}\n\n", "'{} '", ">-\n    {}"])
def test_a_hash_in_a_block(pki: PKI, block: str) -> None:
    text = f"basic_auth_users:\n  a: {block.format(hashed(b'x'))}"
    with serving(pki, text) as server:
        assert server.ask(user="a", password="x").status == 200
        assert server.ask(user="a", password="y").status == 401


def test_a_hash_of_htpasswd(pki: PKI) -> None:
    # "fakepassword", as the exporter-toolkit has it.
    known = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
    with serving(pki, f"basic_auth_users: {{a: {known}}}") as server:
        assert server.ask(user="a", password="fakepassword").status == 200


def test_of_a_long_password_as_much_counts_as_for_go(pki: PKI) -> None:
    with serving(pki, f"basic_auth_users: {{a: {hashed(b'x' * 100)}}}") as server:
        assert server.ask(user="a", password="x" * 100).status == 200
        assert server.ask(user="a", password="x" * 72).status == 200
        assert server.ask(user="a", password="x" * 71).status == 401
        assert server.ask(user="a", password=b"x\0\xff").status == 401


def test_a_scraper_pays_for_bcrypt_once(pki: PKI, asked: Spy) -> None:
    with serving(pki, users(alice="x")) as server:
        for _ in range(20):
            assert server.ask(user="alice", password="x").status == 200
            assert server.ask(user="alice", password="y").status == 401
    assert len(asked.hashes) == 2
    assert asked.threads == {"bcrypt_0"}


def test_an_unknown_user_costs_what_a_known_one_does(pki: PKI, asked: Spy) -> None:
    text = f"basic_auth_users: {{a: {hashed(b'x', 4)}, b: {hashed(b'x', 6)}}}"
    with serving(pki, text) as server:
        assert server.ask(user="c", password="x").status == 401
        assert server.ask(user="c", password="x").status == 401
    assert [known[:7] for known in asked.hashes] == [b"$2b$06$"]


def test_failures_do_not_drive_out_a_scraper(pki: PKI, asked: Spy) -> None:
    with serving(pki, users(alice="x")) as server:
        server.ask(user="alice", password="x")
        for number in range(60):
            assert server.ask(user="alice", password=f"guess {number}").status == 401
        assert server.ask(user="alice", password="x").status == 200
        assert len(asked.hashes) == 61
        # The oldest failures are forgotten, the newest are not.
        server.ask(user="alice", password="guess 59")
        assert len(asked.hashes) == 61
        server.ask(user="alice", password="guess 0")
        assert len(asked.hashes) == 62


def test_while_guesses_are_checked_a_known_scraper_is_served(pki: PKI, asked: Spy) -> None:
    with serving(pki, users(alice="x")) as server:
        assert server.ask(user="alice", password="x").status == 200
        asked.open.clear()
        with ThreadPoolExecutor(17) as threads:
            guesses = [
                threads.submit(server.ask, user="alice", password=f"guess {number}")
                for number in range(17)
            ]
            # One more than may wait: it is answered while bcrypt is still at the first.
            busy = next(as_completed(guesses, timeout=20)).result()
            assert busy.status == 503
            assert busy.body == b"Too many passwords are being checked, try again later\n"
            assert server.ask(user="alice", password="x").status == 200
            asked.open.set()
            assert sorted(guess.result().status for guess in guesses) == [401] * 16 + [503]


def test_users_are_taken_up_at_the_next_request(pki: PKI) -> None:
    with serving(pki, users(alice="x")) as server:
        assert server.ask(user="alice", password="x").status == 200
        server.write(users(bob="y"))
        assert server.ask(user="alice", password="x").status == 401
        assert server.ask(user="bob", password="y").status == 200
        server.write(users(bob="z"))
        assert server.ask(user="bob", password="y").status == 401
        assert server.ask(user="bob", password="z").status == 200


def test_over_tls(pki: PKI) -> None:
    with serving(pki, TLS + users(alice="x")) as server:
        client = server.client()
        assert server.ask(user="alice", password="x", client=client).status == 200
        assert server.ask(client=client).status == 401


def test_a_probe_needs_no_password(pki: PKI) -> None:
    """Kubernetes cannot send one, and would restart the exporter."""
    text = users(alice="x") + "http_server_config: {headers: {X-Frame-Options: sameorigin}}"
    with serving(pki, text + "\nrate_limit: {interval: 1h, burst: 1}") as server:
        assert server.ask().status == 401
        assert server.ask().status == 429
        for _ in range(3):
            answer = server.ask(PROBE)
            assert answer.status == 200
            assert answer.headers["x-frame-options"] == "sameorigin"
        server.write("nonsense")
        assert server.ask().status == 500
        assert server.ask(PROBE).status == 200


def test_no_users_are_no_basic_auth(pki: PKI) -> None:
    for text in ("basic_auth_users: {}", "basic_auth_users:"):
        with serving(pki, text) as server:
            assert server.ask().status == 200
            assert server.ask(authorization=[basic("a", "b")]).status == 200
