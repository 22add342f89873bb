"""The heap: memory that was freed goes back to the system.

Rule: one heap for all threads.  malloc gives each of them its own, and what is freed in one lies between what
is not, of no use to the others: after ten minutes of a busy fleet 42 MB were held for 15 MB in use.  Who
looks for garbage gives back afterwards what it found; that takes less than a millisecond.
"""

_ARENA_MAX = -8  # of malloc.h


def share() -> None:
    """Threads that are started from now on get no heap of their own."""
    _call("mallopt", _ARENA_MAX, 1)


def give_back() -> None:
    """Give whole pages of which nothing is in use to the system."""
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    """Call a function of glibc; other C libraries do not have it."""
    import ctypes  # noqa: PLC0415 - later than the first rows

    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function(*numbers)
