"""The heap: memory that was freed goes back to the system.

Rule: one heap for all threads, nothing large in it.  malloc gives each thread its own, and what is freed in
one lies between what is not, of no use to the others: after ten minutes of a busy fleet 42 MB were held for
15 MB in use.  So did the buffers into which sockets and files are read (64 KiB each, cut to what came) until
they had places of their own: 30 MB were free after five minutes, now 2 are.  Who looks for garbage gives back
afterwards what it found; that takes less than a millisecond.
"""

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # of malloc.h
_LARGE = 1 << 15  # bytes


def share() -> None:
    """Threads that are started from now on get no heap of their own, and what is large has its own place."""
    _call("mallopt", _ARENA_MAX, 1)
    _call("mallopt", _MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Give whole pages of which nothing is in use to the system."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    """Call a function of glibc; other C libraries do not have it."""
    import ctypes  # noqa: PLC0415 - later than the first rows

    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*numbers)
