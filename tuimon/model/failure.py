"""Failures are facts too: what could not be read, reached or done, and why.

Rule: a refused connection or an unreadable file is a `Failure` in the store, visible and countable.
An exception is a bug.
"""

from dataclasses import dataclass
from enum import StrEnum


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
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: a `reason` to branch on and a `detail` in words, already printable.

    `needs` says who may, where permission was denied: `group adm`, or `root`.
    """

    reason: Reason
    detail: str = ""
    needs: str = ""

    def __str__(self) -> str:
        return self.detail or self.reason.value
