"""One HTTP call: what is sent, and what becomes of every way in which an answer can go wrong."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.quantconnect.errors import ApiError, Reason
from exporter.quantconnect.signing import Signature
from exporter.quantconnect.sockets import MOST_HUNG_LOOKUPS
from exporter.quantconnect.transport import Answer, Transport
from tests.poller.given import eventually

from .rawserver import OK, Peer, RawServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TIMEOUT = 1.0
LONG = 20.0
# Only to tell a call that ends from one that does not, on a machine that is as busy as it likes.
ENDS_WITHIN = 60.0
SIGNATURE = Signature(user_id=1, token="demo", now=lambda: 1_700_000_000.0)


@contextmanager
def transport(
    base_url: str, *, timeout: float = LONG, max_body: int = 100_000, connections: int = 4
) -> Iterator[Transport]:
    made = Transport(
        base_url=base_url,
        timeout=timeout,
        max_body=max_body,
        connections=connections,
        user_agent="tests/1.0",
    )
    try:
        yield made
    finally:
        made.close()


def post(calls: Transport, path: str = "live/list") -> Answer:
    return calls.post(path, {"projectId": 5}, SIGNATURE)


def failure(calls: Transport) -> ApiError:
    started = time.monotonic()
    with pytest.raises(ApiError) as caught:
        post(calls)
    assert time.monotonic() - started < ENDS_WITHIN
    return caught.value


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 60
    while left := set(threading.enumerate()) - before:
        assert time.monotonic() < deadline, f"threads are left behind: {left}"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor anybody to trust, but whom a test names."""
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)


# --- What is sent ---------------------------------------------------------------------------------


def test_a_request_is_a_signed_post_of_json() -> None:
    requests: list[bytes] = []

    def script(peer: Peer) -> None:
        requests.append(peer.request())
        peer.answer(b'{"success":true}', b"X-Said: this")

    with RawServer(script) as server, transport(server.url + "/api/v2/") as calls:
        answer = post(calls)
        host = f"127.0.0.1:{server.port}"
    assert (answer.status, answer.headers["x-said"], answer.body) == (
        200,
        "this",
        b'{"success":true}',
    )
    head, body = requests[0].decode().split("\r\n\r\n")
    first, *lines = head.split("\r\n")
    assert first == "POST /api/v2/live/list HTTP/1.1"
    assert dict(line.split(": ", 1) for line in lines) == {
        "Host": host,
        "User-Agent": "tests/1.0",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Connection": "keep-alive",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Timestamp": "1700000000",
        "Authorization": "Basic MTo2MDRjMTQ3MmUzZThmODc2Y2YzNDJjMWUwZjc4MzU3OGM1MDI2ODJkZjUwN"
        "2ZjN2M5OGMzZDA1ZGVhN2I0Mzgw",
    }
    assert json.loads(body) == {"projectId": 5}


def test_a_netrc_does_not_replace_the_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password guess\ndefault login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    requests: list[bytes] = []

    def script(peer: Peer) -> None:
        requests.append(peer.request())
        peer.answer()

    with RawServer(script) as server, transport(server.url) as calls:
        post(calls)
    assert requests[0].count(b"Authorization: ") == 1
    assert b"Authorization: Basic MTo2MDRj" in requests[0]


def test_cookies_are_not_kept() -> None:
    requests: list[bytes] = []

    def script(peer: Peer) -> None:
        while request := peer.request():
            requests.append(request)
            peer.answer(b"{}", b"Set-Cookie: session=secret; Path=/")

    with RawServer(script) as server, transport(server.url) as calls:
        post(calls)
        post(calls)
    assert len(requests) == 2
    assert b"cookie" not in requests[1].lower()


# --- Connections ----------------------------------------------------------------------------------


def test_a_connection_is_used_again() -> None:
    def script(peer: Peer) -> None:
        while peer.request():
            peer.answer()

    with RawServer(script) as server, transport(server.url) as calls:
        for _ in range(5):
            assert post(calls).body == b"{}"
        assert server.connections == 1


def test_a_kept_connection_that_the_peer_closed_is_replaced() -> None:
    closed = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.socket.close()
        closed.set()

    with RawServer(script) as server, transport(server.url) as calls:
        for number in range(1, 4):
            assert post(calls).body == b"{}"
            assert closed.wait(60)
            closed.clear()
            assert server.connections == number


def test_a_kept_connection_has_the_time_of_the_call_that_uses_it() -> None:
    """The second call lasts longer than the first one might have, on the same connection."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.answer()
        peer.request()
        time.sleep(5.5)
        peer.answer(b"[2]")

    with RawServer(script) as server, transport(server.url, timeout=5) as calls:
        post(calls)
        calls.timeout = LONG
        assert post(calls).body == b"[2]"
        assert server.connections == 1


def test_calls_of_several_threads_do_not_disturb_each_other() -> None:
    """Each is answered with its own body, while every second one runs out of time."""

    def script(peer: Peer) -> None:
        while request := peer.request():
            path = request.split(b" ", 2)[1]
            if path.startswith(b"/slow"):
                dripping_head(peer)
                return
            peer.answer(path)

    def call(number: int) -> str:
        path = f"{'slow' if number % 2 else 'quick'}/{number}"
        try:
            return post(calls, path).body.decode()
        except ApiError as error:
            return error.reason.value

    with (
        RawServer(script) as server,
        transport(server.url, connections=8, timeout=3) as calls,
        ThreadPoolExecutor(8) as pool,
    ):
        answers = list(pool.map(call, range(24)))
    assert answers == ["timeout" if n % 2 else f"/quick/{n}" for n in range(24)]


# --- The total time -------------------------------------------------------------------------------

BODY_FOLLOWS = OK + b"Content-Length: 1000000\r\n\r\n"


def dripping_head(peer: Peer) -> None:
    peer.drip(OK + b"X: " + b"x" * 400)


def dripping_body(peer: Peer) -> None:
    peer.send(BODY_FOLLOWS)
    peer.drip(b" " * 400)


def dripping_chunks(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"1\r\nx\r\n" * 70)


def dripping_to_the_end_of_file(peer: Peer) -> None:
    peer.send(b"HTTP/1.0 200 OK\r\n\r\n")
    peer.drip(b"{}" + b" " * 400)


def dripping_gzip(peer: Peer) -> None:
    peer.send(OK + b"Content-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n")
    peer.drip(gzip.compress(bytes(range(256)) * 100))


def informing_for_ever(peer: Peer) -> None:
    for _ in range(16):
        peer.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


def silent(peer: Peer) -> None:
    peer.silence()


def silent_after_the_head(peer: Peer) -> None:
    peer.send(BODY_FOLLOWS)
    peer.silence()


@pytest.mark.parametrize(
    "misbehave",
    [
        dripping_head,
        dripping_body,
        dripping_chunks,
        dripping_to_the_end_of_file,
        dripping_gzip,
        informing_for_ever,
        silent,
        silent_after_the_head,
    ],
)
def test_no_answer_takes_longer_than_the_timeout(misbehave: object) -> None:
    def script(peer: Peer) -> None:
        assert callable(misbehave)
        peer.request()
        misbehave(peer)

    with RawServer(script) as server, transport(server.url, timeout=TIMEOUT) as calls:
        error = failure(calls)
        assert (error.reason, error.message) == (
            Reason.TIMEOUT,
            "no complete answer within 1 second",
        )
        assert server.connections == 1, "there was a second attempt"


@pytest.mark.parametrize(
    ("timeout", "words"), [(0.25, "0.25 seconds"), (1, "1 second"), (1.5, "1.5 seconds")]
)
def test_the_time_in_words(timeout: float, words: str) -> None:
    with RawServer(silent) as server, transport(server.url, timeout=timeout) as calls:
        assert failure(calls).message == f"no complete answer within {words}"


def test_a_connection_whose_call_timed_out_is_not_used_again() -> None:
    calls_seen: list[int] = []

    def script(peer: Peer) -> None:
        peer.request()
        calls_seen.append(1)
        if len(calls_seen) == 1:
            dripping_body(peer)
        peer.answer(b"[1]")

    with RawServer(script) as server, transport(server.url, timeout=TIMEOUT) as calls:
        assert failure(calls).reason is Reason.TIMEOUT
        assert post(calls).body == b"[1]"
        assert server.connections == 2


def test_a_proxy_that_drips_its_answer_to_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(peer: Peer) -> None:
        assert peer.request().startswith(b"CONNECT quantconnect.invalid:443 ")
        peer.drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 70)

    with (
        RawServer(script) as proxy,
        transport("https://quantconnect.invalid", timeout=TIMEOUT) as calls,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))  # the usual file takes a while to read
        assert failure(calls).reason is Reason.TIMEOUT
        assert proxy.connections == 1


def test_a_tls_handshake_that_drips() -> None:
    def script(peer: Peer) -> None:
        peer.drip(b"\x16\x03\x03\x40\x00" + b"\x02\x00\x3f\xfc" + b"\0" * 400)

    with (
        RawServer(script) as server,
        transport(server.url.replace("http", "https"), timeout=TIMEOUT) as calls,
    ):
        assert failure(calls).reason is Reason.TIMEOUT


def test_a_request_that_the_server_does_not_read() -> None:
    """More than the buffers of both ends can hold."""
    with RawServer(silent) as server, transport(server.url, timeout=2) as calls:
        with pytest.raises(ApiError) as caught:
            calls.post("live/list", {"large": "x" * 15_000_000}, SIGNATURE)
        assert caught.value.reason is Reason.TIMEOUT
        assert server.connections == 1


# --- Name look-up and addresses -------------------------------------------------------------------


class Resolver:
    """A resolver that gives the same addresses for every name, or hangs until it may answer."""

    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.answers = threading.Event()
        self.answers.set()

    def resolve(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        self.answers.wait(60)
        stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*stream, address) for address in self.addresses]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr("socket.getaddrinfo", made.resolve)
    yield made
    made.answers.set()


@contextmanager
def no_answer_to_connect() -> Iterator[tuple[str, int]]:
    """An address whose queue of connections is full, so that no handshake of TCP ends."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address


def answer_all(peer: Peer) -> None:
    while peer.request():
        peer.answer()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service"),
        (UnicodeError("label empty or too long"), "the host name is not valid"),
    ],
)
def test_a_host_without_an_address(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("socket.getaddrinfo", fail)
    with transport("http://quantconnect.invalid") as calls:
        found = failure(calls)
    assert found.reason is Reason.CONNECTION
    assert found.message.startswith(f"the connection failed: {words}")


def test_a_look_up_that_hangs_ends_with_its_call(resolver: Resolver) -> None:
    with RawServer(answer_all) as server:
        resolver.addresses = [("127.0.0.1", server.port)]
        with transport("http://slow.invalid", timeout=TIMEOUT) as calls:
            resolver.answers.clear()
            error = failure(calls)
            assert error.message == "no complete answer within 1 second"
            resolver.answers.set()
            assert post(calls).body == b"{}"
    assert resolver.asked == ["slow.invalid"] * 2


def test_a_bounded_number_of_look_ups_is_left_behind(resolver: Resolver) -> None:
    with RawServer(answer_all) as server:
        resolver.addresses = [("127.0.0.1", server.port)]
        with transport("http://slow.invalid", timeout=0.01) as calls:
            resolver.answers.clear()
            before = set(threading.enumerate())
            errors = iter(lambda: failure(calls), None)
            error = next(each for each in errors if each.reason is not Reason.TIMEOUT)
            assert error.reason is Reason.CONNECTION
            assert error.message == (
                f"the connection failed: {MOST_HUNG_LOOKUPS} name look-ups hang; "
                "the resolver does not answer"
            )
            eventually(lambda: len(resolver.asked) == MOST_HUNG_LOOKUPS)
            left_behind = set(threading.enumerate()) - before
            resolver.answers.set()
            for thread in left_behind:
                thread.join(10)
            calls.timeout = 20
            assert post(calls).body == b"{}"
    assert len(resolver.asked) == MOST_HUNG_LOOKUPS + 1


def test_no_thread_for_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(answer_all) as server, transport(server.url) as calls:
        with monkeypatch.context() as patched:

            def fail(_: threading.Thread) -> None:
                raise RuntimeError("can't start new thread")

            patched.setattr("threading.Thread.start", fail)
            error = failure(calls)
        assert (error.reason, error.message) == (
            Reason.CONNECTION,
            "the connection failed: no thread for a name look-up: can't start new thread",
        )
        assert post(calls).body == b"{}"


def test_an_address_without_an_answer_leaves_time_for_the_next(resolver: Resolver) -> None:
    with no_answer_to_connect() as dead, RawServer(answer_all) as server:
        resolver.addresses = [dead, ("127.0.0.1", server.port)]
        with transport("http://two.invalid", timeout=2) as calls:
            assert post(calls).body == b"{}"


def test_several_addresses_share_one_deadline(resolver: Resolver) -> None:
    with no_answer_to_connect() as dead:
        resolver.addresses = [dead] * 50
        with transport("http://dead.invalid", timeout=TIMEOUT) as calls:
            assert failure(calls).reason is Reason.TIMEOUT


def test_an_address_of_a_family_that_this_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(answer_all) as server:
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))
        odd = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP, "", ("127.0.0.1", 9))
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [odd, good])
        with transport("http://two.invalid") as calls:
            assert post(calls).body == b"{}"


# --- The size -------------------------------------------------------------------------------------


def test_a_body_of_the_largest_size_is_read_whole() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.answer(b" " * 1000)

    with RawServer(script) as server, transport(server.url, max_body=1000) as calls:
        assert post(calls).body == b" " * 1000


def endless(peer: Peer) -> None:
    peer.send(OK + b"\r\n")
    while True:
        peer.send(b" " * 65536)


def too_long(peer: Peer) -> None:
    peer.answer(b" " * 100_001)


def too_long_unzipped(peer: Peer) -> None:
    peer.answer(gzip.compress(b" " * 50_000_000), b"Content-Encoding: gzip")


def endless_redirect(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n")
    while True:
        peer.send(b" " * 65536)


@pytest.mark.parametrize("large", [endless, too_long, too_long_unzipped, endless_redirect])
def test_more_than_the_largest_size_is_not_read(large: object) -> None:
    def script(peer: Peer) -> None:
        assert callable(large)
        peer.request()
        large(peer)

    with RawServer(script) as server, transport(server.url, timeout=30) as calls:
        error = failure(calls)
    assert (error.reason, error.message) == (
        Reason.TOO_LARGE,
        "the answer is larger than 100000 bytes, the most that is read",
    )


# --- Redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    def elsewhere(peer: Peer) -> None:
        peer.request()
        peer.answer()

    with RawServer(elsewhere) as other:

        def script(peer: Peer) -> None:
            peer.request()
            peer.send(
                b"HTTP/1.1 %d Moved\r\nLocation: %s/api\r\nContent-Length: 2\r\n\r\n{}"
                % (status, other.url.encode())
            )

        with RawServer(script) as server, transport(server.url) as calls:
            answer = post(calls)
        assert (answer.status, answer.body) == (status, b"{}")
        assert other.connections == 0


@pytest.mark.parametrize("location", [b"http://[", b"\xff\xfe://", b"http://%zz\x80", b""])
def test_a_redirect_to_nonsense_is_only_a_status(location: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n")
        peer.send(b"Content-Length: 0\r\n\r\n")

    with RawServer(script) as server, transport(server.url) as calls:
        assert post(calls).status == 302


# --- Broken answers and connections ---------------------------------------------------------------


def hang_up(peer: Peer) -> None:
    peer.socket.close()


def no_http(peer: Peer) -> None:
    peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")


def cut_short(peer: Peer) -> None:
    peer.send(OK + b"Content-Length: 100\r\n\r\n{")


def cut_in_a_chunk(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{")


def bad_chunk(peer: Peer) -> None:
    peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")


def long_header(peer: Peer) -> None:
    peer.send(OK + b"X: " + b"x" * 1_000_000 + b"\r\n\r\n")


@pytest.mark.parametrize(
    "break_off", [hang_up, no_http, cut_short, cut_in_a_chunk, bad_chunk, long_header]
)
def test_a_broken_answer_is_a_failed_connection_and_not_asked_for_again(break_off: object) -> None:
    def script(peer: Peer) -> None:
        assert callable(break_off)
        peer.request()
        break_off(peer)

    with RawServer(script) as server, transport(server.url) as calls:
        error = failure(calls)
        assert error.reason is Reason.CONNECTION
        assert error.message.startswith("the connection failed: ")
        assert error.retry_after is None
        assert server.connections == 1, "there was a second attempt"


def test_nobody_listens() -> None:
    with RawServer(silent) as server:
        url = server.url
    with transport(url) as calls:
        error = failure(calls)
    assert (error.reason, error.message) == (
        Reason.CONNECTION,
        "the connection failed: Connection refused",
    )


def test_a_connection_that_cannot_be_made_is_tried_once(resolver: Resolver) -> None:
    resolver.addresses = [("127.0.0.1", 9)]
    with transport("http://quantconnect.invalid") as calls:
        assert failure(calls).message == "the connection failed: Connection refused"
    assert resolver.asked == ["quantconnect.invalid"]


def test_a_gzip_that_is_none() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.answer(b"no gzip", b"Content-Encoding: gzip")

    with RawServer(script) as server, transport(server.url) as calls:
        error = failure(calls)
    assert error.reason is Reason.MALFORMED
    assert error.message.startswith("the body could not be decompressed: ")


# --- Proxies --------------------------------------------------------------------------------------

both_schemes = pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "https://127.0.0.1:9"])


def use_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, proxy)


@both_schemes
@pytest.mark.parametrize(
    "written",
    ["http://mallory:s3cret@{}", "mallory:s3cret@{}", "http://{}/", "{}", "HTTP://{}"],
)
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, base_url: str, written: str
) -> None:
    with RawServer(silent) as proxy:
        where = f"127.0.0.1:{proxy.port}"
    use_proxy(monkeypatch, written.format(where))
    with transport(base_url) as calls:
        error = failure(calls)
    assert (error.reason, error.message) == (
        Reason.CONNECTION,
        f"the connection failed at the proxy {where}: Connection refused",
    )


def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with (
        RawServer(script) as proxy,
        transport("https://quantconnect.invalid") as calls,
    ):
        use_proxy(monkeypatch, f"http://mallory:s3cret@127.0.0.1:{proxy.port}")
        error = failure(calls)
        where = f"the proxy 127.0.0.1:{proxy.port}"
    assert error.reason is Reason.CONNECTION
    assert error.message.startswith(
        f"the connection failed at {where}: Tunnel connection failed: 407"
    )


@both_schemes
@pytest.mark.parametrize(
    "proxy",
    [
        "http://",
        "http://mallory:s3cret@",
        "http://mallory:s3cret@127.0.0.1:99999/",
        "http://mallory:s3cret@[::1:9",
        "ftp://mallory:s3cret@127.0.0.1:9",
        "socks5://mallory:s3cret@127.0.0.1:9",
        # Passwords with signs that have to be written otherwise; in front of them it looks like
        # a host.
        "http://mallory:x@s3cret/y@127.0.0.1:9",
        "http://mallory:12#s3cret@127.0.0.1:9",
        "http://mallory:12?s3cret@127.0.0.1:9",
    ],
)
def test_what_is_no_proxy_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch, base_url: str, proxy: str
) -> None:
    use_proxy(monkeypatch, proxy)
    with transport(base_url) as calls:
        error = failure(calls)
    variable = base_url.partition(":")[0].upper() + "_PROXY"
    assert (error.reason, error.message) == (
        Reason.CONNECTION,
        f"the connection failed: the proxy in {variable} or ALL_PROXY is not http://HOST:PORT",
    )


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (lambda peer: peer.socket.close(), ""),
        (lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "illegal status line"),
        (lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000), ""),
    ],
)
def test_a_proxy_that_does_not_answer_connect_with_http(
    monkeypatch: pytest.MonkeyPatch, script: Callable[[Peer], None], text: str
) -> None:
    def misbehave(peer: Peer) -> None:
        peer.request()
        script(peer)

    with (
        RawServer(misbehave) as proxy,
        transport("https://quantconnect.invalid") as calls,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        error = failure(calls)
        where = f"the proxy 127.0.0.1:{proxy.port}"
    assert error.reason is Reason.CONNECTION
    assert error.message.startswith(f"the connection failed at {where}: ")
    assert text in error.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", None),
        ("mallory:s3cret@", b"mallory:s3cret"),
        ("mallory:@", b"mallory:"),
        ("mallory@", b"mallory:"),
        ("m%C3%A4llory:p%E2%82%ACss%3Aword@", "mällory:p€ss:word".encode()),
        ("mällory:s3cret@", "mällory:s3cret".encode()),
        ("mallory:p%E4ss@", b"mallory:p\xe4ss"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_told_name_and_password(
    monkeypatch: pytest.MonkeyPatch, scheme: str, written: str, meant: bytes | None
) -> None:
    asked: list[bytes] = []

    def script(peer: Peer) -> None:
        asked.append(peer.request())
        if scheme == "http":
            peer.answer()
        else:
            peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with (
        RawServer(script) as proxy,
        transport(f"{scheme}://quantconnect.invalid") as calls,
    ):
        use_proxy(monkeypatch, f"http://{written}127.0.0.1:{proxy.port}")
        if scheme == "http":
            assert post(calls).status == 200
        else:
            assert failure(calls).reason is Reason.CONNECTION
    headers = asked[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    sent = [each for each in headers if each.startswith(b"Proxy-Authorization: ")]
    credentials = [] if meant is None else [b64encode(meant)]
    assert sent == [b"Proxy-Authorization: Basic " + each for each in credentials]


def test_a_proxy_is_not_blamed_for_what_is_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.send(b"SSH-2.0-OpenSSH_9.2\r\n")

    with RawServer(script) as proxy, transport("https://127.0.0.1:9") as calls:
        use_proxy(monkeypatch, proxy.url)
        error = failure(calls)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        direct = failure(calls)
        assert proxy.connections == 1
    assert error.message.startswith("TLS failed: ")
    assert direct.message == "the connection failed: Connection refused"


# --- Closing --------------------------------------------------------------------------------------


def test_close_ends_the_calls_under_way_at_once() -> None:
    asked = threading.Semaphore(0)

    def script(peer: Peer) -> None:
        peer.request()
        asked.release()
        peer.silence()

    with (
        RawServer(script) as server,
        transport(server.url, timeout=600) as calls,
        ThreadPoolExecutor(3) as pool,
    ):
        ending = [pool.submit(failure, calls) for _ in range(3)]
        for _ in ending:
            assert asked.acquire(timeout=60)
        calls.close()
        reasons = [each.result(timeout=60).reason for each in ending]
    assert reasons == [Reason.TIMEOUT] * 3


def test_close_ends_a_call_in_a_look_up_at_once(resolver: Resolver) -> None:
    resolver.answers.clear()
    with transport("http://slow.invalid", timeout=600) as calls, ThreadPoolExecutor(1) as pool:
        ending = pool.submit(failure, calls)
        eventually(lambda: resolver.asked)
        calls.close()
        assert ending.result(timeout=60).reason is Reason.TIMEOUT
        resolver.answers.set()


def test_close_ends_a_call_that_connects_at_once(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with no_answer_to_connect() as dead:
        resolver.addresses = [dead]
        connecting = threading.Event()
        connect_ex = socket.socket.connect_ex

        def note(opened: socket.socket, address: tuple[str, int]) -> int:
            code = connect_ex(opened, address)
            connecting.set()
            return code

        monkeypatch.setattr("socket.socket.connect_ex", note)
        with (
            transport("http://dead.invalid", timeout=600) as calls,
            ThreadPoolExecutor(1) as pool,
        ):
            ending = pool.submit(failure, calls)
            assert connecting.wait(60)
            calls.close()
            assert ending.result(timeout=60).reason is Reason.TIMEOUT


def test_no_call_is_made_after_close() -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.answer()

    with RawServer(script) as server, transport(server.url, timeout=TIMEOUT) as calls:
        calls.close()
        assert failure(calls).reason is Reason.TIMEOUT
