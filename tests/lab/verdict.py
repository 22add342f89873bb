"""What a sweep says of a row, whether that is right, and the table of all rows that were built.

Rule: the laboratory on this machine and the one on a booted host print one table with one score.
"""

import pytest
from msgspec import Struct

from tests.lab.row import Fault
from tests.tables import Line, leave
from tuimon.diagnose.finding import Finding, Severity


class Verdict(Struct, frozen=True):
    """What the sweep said of one row: the findings of its service, and whether they are right."""

    fault: Fault
    findings: tuple[Finding, ...]
    wanted: tuple[str, ...]
    state: str

    @property
    def first(self) -> Finding | None:
        return self.findings[0] if self.findings else None

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """Findings that would disturb somebody."""
        return tuple(each for each in self.findings if each.severity is not Severity.INFO)

    @property
    def right(self) -> bool:
        """For a fault: the first finding is its cause, in words; for an oddity: nobody is disturbed."""
        if not self.fault.codes:
            return not self.alarms and self.state in self.fault.calm
        said = self.first
        return (
            said is not None
            and said.code in self.fault.codes
            and all(word in said.text for word in self.wanted)
        )

    def __str__(self) -> str:
        said = f"{self.first.code}: {self.first.text}" if self.first else "nothing"
        wanted = " or ".join(self.fault.codes) or "healthy"
        return (
            f"{'right' if self.right else 'WRONG'}  {self.fault.name:34} {wanted:26} {self.state:10} {said}"
        )


def note(config: pytest.Config, verdicts: dict[str, Verdict]) -> None:
    """Leave verdicts for the table at the end of the run."""
    kinds = {True: "faults named", False: "healthy oddities left alone"}
    rows = (Line(str(each), kinds[bool(each.fault.codes)], each.right) for each in verdicts.values())
    leave(config, "fault laboratory", rows)
