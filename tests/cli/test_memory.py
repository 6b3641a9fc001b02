"""glibc's arenas, counted by glibc itself in a process of many threads."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc spreads threads over arenas"
)

_THREADS = """\
import ctypes, threading
from exporter.cli.memory import return_memory
{first}
barrier = threading.Barrier(8)
def allocate():
    barrier.wait()
    kept = [bytes(1000 + i) for i in range(1000)]
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


def _arenas(first: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", _THREADS.format(first=first)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={},
    )
    return ran.stdout.count("<heap nr=")


def test_threads_share_two_arenas() -> None:
    assert _arenas("return_memory()") == 2


def test_glibc_alone_would_take_more() -> None:
    assert _arenas("") > 2
