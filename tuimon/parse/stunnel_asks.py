"""What the parser of a configuration asks of its caller: files, folders, and what the machine says.

Rule: a request names what is wanted and nothing of how it is got; the answers are plain data.
"""

from typing import NamedTuple

from tuimon.model.failure import Failure
from tuimon.model.service import Value
from tuimon.parse.stunnel_checks import Refusal, Stage
from tuimon.parse.stunnel_section import Section, Values

MAX_FILE = 8 << 20
"""Bytes of one file."""


class ReadFile(NamedTuple):
    """Request for the bytes of a file.  `path` is for the file system (`os.fsencode` turns it into the
    bytes of the configuration); a relative one is relative to stunnel's own working directory.  A file
    of more than `limit` bytes may be answered with a `Failure` (too-large)."""

    path: str
    limit: int = MAX_FILE


class ListFolder(NamedTuple):
    """Request for the names of the regular files of a folder (links followed), in any order."""

    path: str


class JudgeLine(NamedTuple):
    """Question to the machine: what stunnel would say against this value of `option` when it reads the
    line.  Asked for `LOOKED_UP` options only."""

    option: str
    value: Value


class JudgeSection(NamedTuple):
    """Question to the machine: what stunnel would say at this stage of the end of `section`.  For
    `Stage.GLOBALS` the section is that of the defaults, and `globals` are the global options."""

    stage: Stage
    section: Section
    globals: Values


LOOKED_UP = frozenset(("engine", "local", "PSKsecrets", "sessiond", "setgid", "setuid"))
"""Options whose value stunnel tries on the machine as soon as it reads the line."""

Request = ReadFile | ListFolder
Question = JudgeLine | JudgeSection
Answer = bytes | tuple[str, ...] | Failure | Refusal | None
