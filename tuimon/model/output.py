"""Where the log file of a running process is, and whether it can be written."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from tuimon.model.failure import Failure
from tuimon.model.process import OpenLog


class Room(StrEnum):
    """What a file system has left for whoever writes to it; reserve: only root may go on."""

    ENOUGH = ""
    NONE = "full"
    RESERVE = "reserve"
    NO_INODES = "no-inodes"
    READ_ONLY = "read-only"


class OutputWant(NamedTuple):
    """That it should be looked at where `output` of a configuration leads: `path` is the way through the
    process's own root or working directory, `held` what the process holds open."""

    config: str
    path: str
    held: tuple[OpenLog, ...]


class Output(Struct, frozen=True, gc=False):
    """Where `output` leads: the file's inode, None where there is none; a `failure` if it cannot be seen."""

    want: OutputWant
    inode: int | None = None
    room: Room = Room.ENOUGH
    failure: Failure | None = None

    @property
    def astray(self) -> bool:
        """Whether the process does not hold that file open."""
        return self.failure is None and all(log.deleted or log.inode != self.inode for log in self.want.held)
