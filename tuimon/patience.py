"""Files that a command reads before there is anything to wait with: in bounded time, and of bounded size.

Rule: what does not answer is an `OSError` like any other; nobody waits for it, not even the end of the
program.
"""

import errno
import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a file system, or whoever writes into a pipe, may take."""


def patiently(call: Callable[[], T], seconds: float = PATIENCE) -> T:
    """What `call` returns or raises; an `OSError` that says so if it takes longer."""
    answers: SimpleQueue[tuple[bool, T | BaseException]] = SimpleQueue()

    def answer() -> None:
        try:
            answers.put((True, call()))
        except BaseException as error:
            answers.put((False, error))

    threading.Thread(target=answer, name="patience", daemon=True).start()
    try:
        came, what = answers.get(timeout=seconds)
    except Empty:
        raise OSError(errno.ETIMEDOUT, f"no answer within {seconds:.0f} s") from None
    if not came:
        raise what  # type: ignore[misc]  # what did not come is an exception
    return what  # type: ignore[return-value]


def whole(path: str | os.PathLike[str], limit: int, seconds: float = PATIENCE) -> bytes:
    """A file's content, a pipe's too; an `OSError` where it is larger than `limit` bytes or does not end."""

    def read() -> bytes:
        with open(path, "rb") as file:
            return file.read(limit + 1)

    data = patiently(read, seconds)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes")
    return data


def exists(path: str) -> bool:
    """Whether there is such a file or folder, as far as the file system says; what is silent is there."""
    try:
        return patiently(lambda: os.path.exists(path))
    except OSError:
        return True


def is_file(path: str) -> bool:
    """Whether there is such a file, as far as the file system says; what is silent is none."""
    try:
        return patiently(lambda: os.path.isfile(path))
    except OSError:
        return False


def leads_to(path: str) -> str:
    """The path behind the symlinks on the way; `path` itself as far as the file system is silent."""
    try:
        return patiently(lambda: os.path.realpath(path))
    except OSError:
        return path
