"""A pid file as it is on disk."""

from msgspec import Struct

from tuimon.model.failure import Failure


class PidFile(Struct, frozen=True, gc=False):
    """The file at `path` names the process `pid` (0: it names none), which exists or not (`alive`);
    `written_at` is in seconds since the epoch.

    `failure` is set where there is no such file, or it may not be read.
    """

    path: str
    pid: int = 0
    alive: bool = False
    written_at: float = 0.0
    failure: Failure | None = None
