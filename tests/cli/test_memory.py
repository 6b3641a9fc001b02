"""What glibc does with memory, in processes of their own: arenas as it counts them, pages kept."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys
import threading

import pytest

from exporter.cli import memory

of_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="no other libc is told anything"
)

_ARENAS = """\
import ctypes, threading
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

# 40 MB with something in between that stays: none of it is at the end of the heap.
_HOLES = """\
import time
def resident():
    with open("/proc/self/statm") as file: return int(file.read().split()[1]) * 4096
blocks = [bytes(2000) for _ in range(20000)]
for i in range(0, 20000, 50): blocks[i] = bytes(100)
kept = [bytes(600) for _ in range(1000)]
full = resident()
blocks.clear()
deadline = time.monotonic() + SECONDS
while resident() > full - 25e6 and time.monotonic() < deadline: time.sleep(0.01)
print(resident() < full - 25e6)
"""


def run(program: str, *, returning: bool) -> str:
    lines = program.splitlines()
    if returning:
        start = "from exporter.cli import memory\nwith memory.returning_memory(interval=0.05):"
        program = "\n    ".join([start, *lines])
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={})
    return ran.stdout


@of_glibc
def test_threads_share_two_arenas() -> None:
    assert run(_ARENAS, returning=True).count("<heap nr=") == 2
    assert run(_ARENAS, returning=False).count("<heap nr=") > 2


@of_glibc
def test_what_is_free_between_what_is_not_goes_back() -> None:
    assert run(_HOLES.replace("SECONDS", "30"), returning=True) == "True\n"
    assert run(_HOLES.replace("SECONDS", "1"), returning=False) == "False\n"


def test_another_libc_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    before = threading.active_count()
    with memory.returning_memory():
        assert threading.active_count() == before
