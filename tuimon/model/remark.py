"""What is to be said against a configuration file, with its place; and how much anything said matters.

Rule: plain data.  What it means for a running fleet is judged in `diagnose`, what is printed of it in
`lint`.
"""

from enum import StrEnum

from msgspec import Struct

CLOSED = "not-permitted"
"""The code of a file that is closed to us."""

SILENT = "file-silent"
"""The code of a file that gets no answer from its file system."""


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Scope(StrEnum):
    """Where a finding about a file comes from: the text, the machine that it refers to, or experience."""

    SYNTAX = "syntax"
    ENVIRONMENT = "environment"
    ADVICE = "advice"


class Remark(Struct, frozen=True, gc=False):
    """One finding of a file, at `path` (the file itself or one that it includes) and `line` from 1.

    Of the scopes syntax and environment a critical one means that stunnel refuses the file.  `brief` is
    the text without stunnel's own words where there is a shorter way to say it, else empty.
    """

    path: str
    line: int | None
    severity: Severity
    scope: Scope
    code: str
    text: str
    fix: str = ""
    brief: str = ""

    @property
    def refuses(self) -> bool:
        """Whether stunnel does not start because of this."""
        return self.severity is Severity.CRITICAL and self.scope is not Scope.ADVICE

    @property
    def place(self) -> str:
        """`file:line`, or the file where no line is known."""
        return f"{self.path}:{self.line}" if self.line else self.path
