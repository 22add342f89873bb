"""What a process has loaded, and how the text on disk differs from it."""

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from tuimon.model.process import ProcessId
from tuimon.model.service import Config

_DRIFT = 2.0  # seconds by which the start of one process may be told differently by two looks at it

REMOVED = 100_000
"""Ordinals from here on are those of sections that are still served and stand on disk no more."""


class Loaded(Struct, frozen=True, gc=False):
    """The configuration that a process loaded at `at` (seconds since the epoch).

    `from_log` says whether the log told of that load; else it is the start of the process.
    """

    config: Config
    process: ProcessId
    at: float
    from_log: bool

    def ran(self, process: ProcessId) -> bool:
        """Whether that process is the one that loaded it."""
        near = abs(self.process.started - process.started) < _DRIFT
        return self.process.pid == process.pid and near

    def since(self, at: float, *, from_log: bool) -> bool:
        """Whether `at` is the time of this very load."""
        if self.from_log and from_log:
            return self.at == at
        return abs(self.at - at) < _DRIFT


class Edit(StrEnum):
    """What happened to a section."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


class SectionEdit(NamedTuple):
    """A section that differs: the options that do, and its ordinals, -1 where it does not stand."""

    edit: Edit
    name: str
    options: tuple[str, ...] = ()
    loaded: int = -1
    disk: int = -1


class Change(Struct, frozen=True, gc=False):
    """How the text on disk, changed at `at`, differs from the text that is loaded.

    `globals` are options above the first section, `sections` the sections that differ; none of either
    where only comments and blanks do.  `pairs` leads from the ordinal of a loaded section to where it
    stands on disk.  `diff` is a unified diff without secrets, `more` how many lines of it were left out.
    """

    at: float
    globals: tuple[str, ...] = ()
    sections: tuple[SectionEdit, ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    diff: tuple[str, ...] = ()
    more: int = 0

    @property
    def idle(self) -> bool:
        """Whether it makes no difference to what is served."""
        return not self.globals and not self.sections

    def of(self, ordinal: int) -> SectionEdit | None:
        """What happened to the service with that ordinal on the screen."""
        for each in self.sections:
            shown = REMOVED + each.loaded if each.edit is Edit.REMOVED else each.disk
            if shown == ordinal:
                return each
        return None
