"""Basic auth against bcrypt hashes: slow on purpose, but for a scraper only once.

A check takes the same time whether the user exists or not. It runs in a thread of its own, one at
a time, so that neither the event loop nor both cores of a small machine wait for strangers.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import os
from base64 import b64decode
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# bcrypt sees no more of a password. Go cuts it off there too, so that what lets somebody in at a
# node_exporter does so here; Python's bcrypt would raise.
_PASSWORD_BYTES: Final = 72
# Answers remembered: of each kind, so that a stranger's failures cannot drive out a scraper.
_REMEMBERED: Final = 50
# Checks that may wait: a dozen wrong passwords must not make a right one wait for minutes.
_MAX_WAITING: Final = 16
# What a password of nobody's is compared with; only its cost matters.
_NOBODY: Final = b"." * 53


class BusyError(Exception):
    """More passwords are waiting to be checked than will be."""


class BasicAuth:
    """Who may come in; remembers, under a key that dies with the process, whom it has checked."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bcrypt")
        self._waiting = 0
        self._secret = os.urandom(32)
        self._admitted = _Remembered()
        self._refused = _Remembered()

    async def admits(self, users: Mapping[bytes, bytes], authorization: bytes) -> bool:
        """Whether the header ``Authorization`` names one of ``users`` with its password.

        Raises ``BusyError`` when too many are waiting to be told.
        """
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        hashed = users.get(user, b"$2b$%b$%b" % (_highest_cost(users), _NOBODY))
        fingerprint = self._fingerprint(user, hashed, password)
        if fingerprint in self._admitted:
            return True
        if fingerprint in self._refused:
            return False
        if self._waiting >= _MAX_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            matches = await loop.run_in_executor(self._thread, _matches, password, hashed)
        finally:
            self._waiting -= 1
        admitted = matches and user in users
        (self._admitted if admitted else self._refused).add(fingerprint)
        return admitted

    def _fingerprint(self, *parts: bytes) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()


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


def _highest_cost(users: Mapping[bytes, bytes]) -> bytes:
    """The two digits of it, after ``$2b$``."""
    return max(hashed[4:6] for hashed in users.values())


def _matches(password: bytes, hashed: bytes) -> bool:
    import bcrypt  # only where there are users, and in their thread

    return bcrypt.checkpw(password[:_PASSWORD_BYTES], hashed)
