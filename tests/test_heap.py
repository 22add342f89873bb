"""The heap that all threads share, and what has no place in it, as malloc itself counts it."""

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


LARGE = """
import ctypes

from tuimon.runtime import heap


class Info(ctypes.Structure):
    _fields_ = [(str(number), ctypes.c_size_t) for number in range(10)]


libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
{share}
before = libc.mallinfo2()
pieces = [bytearray(40_000) for _ in range(16)]
after = libc.mallinfo2()
print(getattr(after, "3") - getattr(before, "3"))  # hblks of mallinfo(3)
"""


def mapped(share: str) -> int:
    """How many of sixteen large pieces have a place of their own."""
    argv = [sys.executable, "-c", LARGE.format(share=share)]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def test_what_is_large_leaves_no_hole() -> None:
    """Where it would lie among what stays."""
    assert mapped("") == 0
    assert mapped("heap.share()") >= 12  # a hole that is there already may do
