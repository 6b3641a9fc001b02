"""Basic auth over HTTP, and how often bcrypt is asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from typing import TYPE_CHECKING

import bcrypt
import pytest

from exporter.web.config import WebConfig
from exporter.web.config.basicauth import BasicAuth

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


# Takes about 20 seconds to compare.
EXPENSIVE = "$2y$18$" + "." * 53


class Spy:
    """Counts, and can hold up, the calls of bcrypt; never makes one of cost 18."""

    def __init__(self, check: Callable[[bytes, bytes], bool]) -> None:
        self._check = check
        self.held = b""  # a part of the hashes that are held up
        self.hashes: list[bytes] = []
        self.threads: set[str] = set()
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.hashes.append(hashed)
        self.threads.add(threading.current_thread().name)
        self.entered.release()
        if self.held in hashed:
            assert self.open.wait(20)
        return b"$18$" not in hashed and self._check(password, hashed)


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
    assert asked.threads == {"bcrypt"}


def test_an_unknown_user_costs_what_a_usual_one_does(pki: PKI, asked: Spy) -> None:
    """Whatever the hashes of the known users cost."""
    text = f"basic_auth_users: {{a: {hashed(b'x', 4)}, b: {EXPENSIVE}}}"
    with serving(pki, text) as server:
        assert server.ask(user="c", password="x").status == 401
        assert server.ask(user="c", password="x").status == 401
    assert [known[:7] for known in asked.hashes] == [b"$2b$10$"]


def test_an_expensive_hash_holds_up_no_other_user(pki: PKI, asked: Spy) -> None:
    text = f"{users(alice='x')}  slow: {EXPENSIVE}\n  slower: {EXPENSIVE}\n"
    with serving(pki, text) as server, ThreadPoolExecutor(5) as threads:
        asked.held = b"$18$"
        asked.open.clear()
        guesses = [
            threads.submit(server.ask, user=user, password=f"guess {number}")
            for number, user in enumerate(["slow", "slower", "slow", "slower", "slow"])
        ]
        busy = next(as_completed(guesses, timeout=60)).result()
        assert busy.status == 503
        assert server.ask(user="alice", password="x").status == 200
        assert server.ask(user="alice", password="y").status == 401
        assert server.ask(user="bob", password="y").status == 401
        asked.open.set()
        assert sorted(guess.result().status for guess in guesses) == [401] * 4 + [503]


def test_a_comparison_does_not_delay_the_end_of_the_process() -> None:
    """Nothing can interrupt bcrypt, which may take minutes."""
    code = f"""
import asyncio
from exporter.web.config.basicauth import BasicAuth
users = {{b"a": b"{EXPENSIVE.replace("$18$", "$31$")}"}}
asking = BasicAuth().admits(users, b"Basic YTpi")
try:
    asyncio.run(asyncio.wait_for(asking, 0.2))
except TimeoutError:
    print("ended")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ended\n", "")


class Panic(BaseException):
    """As older releases of bcrypt answer a hash that is none: no Exception."""


@pytest.mark.parametrize(("raised", "seen"), [(ValueError, ValueError), (Panic, RuntimeError)])
def test_a_fault_of_bcrypt_is_raised_where_it_was_asked(
    monkeypatch: pytest.MonkeyPatch, raised: type[BaseException], seen: type[Exception]
) -> None:
    def checkpw(_password: bytes, _hashed: bytes) -> bool:
        raise raised("Invalid salt")

    async def ask() -> None:
        with pytest.raises(seen, match="salt"):
            await BasicAuth().admits({b"a": b"$2b$05$ is no hash"}, b"Basic YTpi")

    monkeypatch.setattr("bcrypt.checkpw", checkpw)
    asyncio.run(ask())


def test_a_client_that_has_gone_is_not_compared(asked: Spy) -> None:
    async def ask() -> None:
        auth, known = BasicAuth(), {b"a": hashed(b"x").encode()}
        asked.open.clear()
        under_way = asyncio.create_task(auth.admits(known, b"Basic YTpi"))
        await asyncio.to_thread(asked.entered.acquire)
        waiting = asyncio.create_task(auth.admits(known, b"Basic YTpj"))
        await asyncio.sleep(0)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        asked.open.set()
        assert not await under_way
        assert not await auth.admits(known, b"Basic YTpk")
        assert len(asked.hashes) == 2

    asyncio.run(ask())


def test_the_log_warns_of_an_expensive_hash(pki: PKI, caplog: pytest.LogCaptureFixture) -> None:
    message = "A bcrypt hash is expensive: each new password of this user takes long to compare"
    with serving(pki, users(alice="x")) as server:
        assert WebConfig(server.file).remarks() == ()
        server.write(f"{users(alice='x')}  slow: {EXPENSIVE}\n")
        assert server.ask(user="alice", password="x").status == 200
        assert server.ask(user="alice", password="x").status == 200
        (remark,) = WebConfig(server.file).remarks()
    fields = dict(remark.fields)
    assert float(fields.pop("seconds_on_this_machine")) > 0
    assert remark.message == message
    assert fields == {"user": "slow", "cost": "18", "advice": "use a cost of 10 to 12"}
    assert [record.getMessage() for record in caplog.records].count(message) == 1


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
            busy = next(as_completed(guesses, timeout=60)).result()
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
