"""Basic auth against bcrypt hashes, which are slow on purpose: once for each client.

Passwords are compared in threads, so that the event loop never waits. Hashes with a cost of at
least ``EXPENSIVE_COST`` have a thread and a queue of their own: at cost 18, a comparison takes
about 20 seconds, and the logins of all other users must not wait for it.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import os
import time
from base64 import b64decode
from collections import OrderedDict
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exporter.web.config.settings import EXPENSIVE_COST, Remark, cost_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.web.config.settings import Settings

_T = TypeVar("_T")

# bcrypt uses no more of a password. Go cuts it off there too; Python's bcrypt would raise.
_PASSWORD_BYTES: Final = 72
# Remembered results of each kind, so that a stranger's failures do not displace a scraper.
_REMEMBERED: Final = 50
# Comparisons that may wait, so that a dozen wrong passwords do not delay a right one for minutes.
_MOST_WAITING: Final = 16
_MOST_WAITING_EXPENSIVE: Final = 4
# The password of an unknown user is compared with this hash, which takes as long as a usual one.
_UNKNOWN: Final = b"$2b$10$" + b"." * 53
# The hash with which the speed of this machine is measured; one more of cost takes twice as long.
_MEASURED: Final = b"$2b$08$" + b"." * 53


class BusyError(Exception):
    """Too many passwords wait to be compared."""


class BasicAuth:
    """Checks passwords; remembers the results, under a key that dies with the process."""

    def __init__(self) -> None:
        self._usual = _Lane(_MOST_WAITING)
        self._expensive = _Lane(_MOST_WAITING_EXPENSIVE)
        self._secret = os.urandom(32)
        self._admitted = _Remembered()
        self._refused = _Remembered()

    async def admits(self, users: Mapping[bytes, bytes], authorization: bytes) -> bool:
        """Return whether the header ``Authorization`` has the name and password of a user.

        Raises ``BusyError`` when too many passwords wait.
        """
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        hashed = users.get(user, _UNKNOWN)
        fingerprint = self._fingerprint(user, hashed, password)
        if fingerprint in self._admitted:
            return True
        if fingerprint in self._refused:
            return False
        lane = self._expensive if cost_of(hashed) >= EXPENSIVE_COST else self._usual
        matches = await lane.run(lambda: _matches(password, hashed))
        is_admitted = matches and user in users
        (self._admitted if is_admitted else self._refused).add(fingerprint)
        return is_admitted

    def _fingerprint(self, *parts: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()


def expensive_users(settings: Settings) -> tuple[Remark, ...]:
    """Return a remark on each user with an expensive hash, with the seconds it takes here."""
    found = settings.expensive_users
    if not found:
        return ()
    import bcrypt  # outside of the measured time

    started = time.thread_time()
    bcrypt.checkpw(b"", _MEASURED)
    measured = time.thread_time() - started
    return tuple(
        Remark(
            "A bcrypt hash is expensive: each new password of this user takes long to compare",
            (
                ("user", user),
                ("cost", str(cost)),
                ("seconds_on_this_machine", f"{measured * 2.0 ** (cost - cost_of(_MEASURED)):.1f}"),
                ("advice", "use a cost of 10 to 12"),
            ),
        )
        for user, cost in found.items()
    )


class _Lane:
    """A thread for one comparison at a time, and a bounded queue; used from the event loop."""

    def __init__(self, most_waiting: int) -> None:
        self._thread = _DaemonExecutor()
        self._most_waiting = most_waiting
        self._waiting = 0

    async def run(self, function: Callable[[], bool]) -> bool:
        """Return the result of ``function``; raises ``BusyError`` if the queue is full."""
        if self._waiting >= self._most_waiting:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        finally:
            self._waiting -= 1


class _DaemonExecutor(Executor):
    """One daemon thread: unlike ``ThreadPoolExecutor``, it does not delay the process's end."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._thread: Thread | None = None

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Call ``fn`` in the thread, after the calls before it."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="bcrypt", daemon=True)
            self._thread.start()
        future: Future[_T] = Future()
        self._calls.put((future, lambda: fn(*args, **kwargs)))
        return future

    def _run(self) -> None:
        while True:
            future, call = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue  # the client has gone
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001 - for the caller
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - a panic in bcrypt's Rust is one
                future.set_exception(RuntimeError(f"bcrypt: {error}"))


class _Remembered:
    """A set of the ``_REMEMBERED`` members used last."""

    def __init__(self) -> None:
        self._members: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, member: bytes) -> bool:
        if member not in self._members:
            return False
        self._members.move_to_end(member)
        return True

    def add(self, member: bytes) -> None:
        self._members[member] = None
        if len(self._members) > _REMEMBERED:
            self._members.popitem(last=False)


def _credentials(authorization: bytes) -> tuple[bytes, bytes] | None:
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = b64decode(encoded, validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user, password) if colon else None


def _matches(password: bytes, hashed: bytes) -> bool:
    import bcrypt  # only where there are users

    return bcrypt.checkpw(password[:_PASSWORD_BYTES], hashed)
