"""A huge configuration parsed and linted, against real stunnel reading it."""

from tests.bench.field import TUIMON, Ended, Field
from tests.bench.figure import Figure, Scale, interleaved


def run(field: Field, scale: Scale) -> list[Figure]:
    """CPU of each.  stunnel stops at a wrong last line, when it has read everything before it."""
    ours_file = str(field.written("huge", scale.sections))
    theirs_file = str(field.written("huge-ended", scale.sections, last="enough = yes\n"))

    def ours() -> float:
        return Ended((*TUIMON, "lint", ours_file), field.environment, expect=(0, 1)).cpu

    def theirs() -> float:
        return Ended(("stunnel", theirs_file), field.environment, expect=(1,)).cpu

    took = interleaved(min(3, scale.rounds), ours, theirs)
    return [Figure(f"configuration of {scale.sections:,} services parsed and linted, CPU", *took, "s", 0.3)]
