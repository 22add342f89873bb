"""The heap that all threads share, as malloc itself counts it."""

import subprocess
import sys

THREADS = """
import ctypes
import threading

from tuimon.runtime import heap

{share}
all_there = threading.Barrier(9)
over = threading.Event()


def work():
    held = bytearray(10_000)
    all_there.wait()
    over.wait()


for _ in range(8):
    threading.Thread(target=work).start()
all_there.wait()
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
over.set()
"""


def heaps(share: str) -> int:
    """How many there are once eight threads have asked for memory."""
    argv = [sys.executable, "-c", THREADS.format(share=share)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.count("<heap ")


def test_threads_share_one_heap() -> None:
    """Where each would have its own."""
    assert heaps("") > 1
    assert heaps("heap.share()") == 1
