"""Failures are facts too: what could not be read, reached or done, and why.

Rule: a refused connection or an unreadable file is a `Failure` in the store, visible and countable.
An exception is a bug.
"""

import traceback
from enum import StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """Why something could not be done, in words that do not depend on the operating system."""

    MISSING = "missing"
    DENIED = "denied"
    NOT_REGULAR = "not-regular"
    TOO_LARGE = "too-large"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNRESOLVED = "unresolved"
    RESET = "reset"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"
    LOCKED = "locked"
    BUG = "bug"
    OTHER = "other"


OURS = frozenset({Reason.DENIED, Reason.TIMEOUT})
"""Why a file may be closed to us that is open to stunnel."""


class Failure(Struct, frozen=True, gc=False):
    """What went wrong: a `reason` to branch on and a `detail` in words, already printable.

    `needs` says who may, where permission was denied: `group adm`, or `root`.
    """

    reason: Reason
    detail: str = ""
    needs: str = ""

    def __str__(self) -> str:
        return self.detail or self.reason.value


_WORDS = {
    Reason.TIMEOUT: "its file system does not answer",
    Reason.NOT_REGULAR: "it is no regular file",
    Reason.TOO_LARGE: "it is too large",
    Reason.MISSING: "it is missing",
}


def in_words(failure: Failure) -> str:
    """Why a file could not be read, where its name has just been said."""
    return _WORDS.get(failure.reason) or failure.detail.rpartition(": ")[2] or failure.reason.value


def remedy(failure: Failure, path: str) -> str:
    """What to do about the configuration at `path` that could not be read."""
    if failure.reason is Reason.DENIED:
        return f"run as {failure.needs or 'root'}"
    if failure.reason is Reason.TOO_LARGE:
        return "have several processes, each with a part of it"
    return f"look at {path}" if failure.reason is Reason.TIMEOUT else "restore the file"


def places(error: BaseException) -> tuple[str, ...]:
    """Where in tuimon an error came about, outermost first: `store/join.py:42 instance`."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [each for each in frames if "/tuimon/" in each.filename] or list(frames)
    return tuple(f"{each.filename.rpartition('/tuimon/')[2]}:{each.lineno} {each.name}" for each in inside)


def bug(error: BaseException) -> Failure:
    """An error of tuimon's own by its kind and place; its words may quote what it stumbled over."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    kind, where = type(error).__name__, (places(error) or ("?",))[-1].partition(" ")[0]
    return Failure(Reason.BUG, f"tuimon itself failed: {kind} in {where}; please report")
