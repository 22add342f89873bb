"""All cases at once under one runtime: how long until the true cause stands first, and until all is well.

Rule: times are measured and printed, never asserted; that each cause is named is.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from tests.lab.bench import Lab
from tests.live.cases import CASES
from tests.live.patient import Case, Patient
from tuimon.diagnose.finding import Severity
from tuimon.host.local import LocalHost
from tuimon.runtime import Runtime
from tuimon.settings import Intervals, Probes, Settings
from tuimon.store import Row, Store

SETTINGS = Settings(intervals=Intervals(handshake=20), probes=Probes(timeout=3, failing_interval=5))
"""A shorter interval than usual: what only a handshake can tell is told within it."""
_PATIENCE = 60.0  # seconds for all of one round


class Course(Struct):
    """What the first finding of one patient was, and when (seconds since the harm, since the mending)."""

    case: Case
    began: float = 0.0
    told: list[tuple[float, str]] = field(default_factory=list)
    named: float | None = None
    well: float | None = None

    @property
    def wrong(self) -> list[str]:
        """What stood there before the true cause did, with the seconds that it stood there."""
        before = [each for each in self.told if self.named is None or each[0] < self.named]
        ends = [*(at for at, _ in before[1:]), self.named if self.named is not None else _PATIENCE]
        return [f"{code} {end - at:.1f} s" for (at, code), end in zip(before, ends, strict=False) if code]


def _first(row: Row | None) -> str:
    alarms = [each.code for each in row.findings if each.severity is not Severity.INFO] if row else []
    return alarms[0] if alarms else ""


class Round:
    """Waits until something is true of every course, and notes what was told on the way."""

    def __init__(self, store: Store, courses: dict[str, Course], patients: dict[str, Patient]) -> None:
        self._store, self._courses = store, courses
        self._names = {str(patient.config): name for name, patient in patients.items()}

    def rows(self) -> dict[str, Row]:
        """The row of each patient."""
        found = {self._names.get(row.key.config): row for row in self._store.rows()}
        return {name: row for name, row in found.items() if name}

    def note(self) -> None:
        """Take down what stands first now."""
        for name, row in self.rows().items():
            course, code = self._courses[name], _first(row)
            at = time.monotonic() - course.began
            if not course.told or course.told[-1][1] != code:
                course.told.append((at, code))
            if course.named is None and code in course.case.codes:
                course.named = at

    def all_named(self) -> bool:
        """Whether every cause was named."""
        self.note()
        return all(course.named is not None for course in self._courses.values())

    def all_well(self) -> bool:
        """Whether every row is green again."""
        for name, row in self.rows().items():
            course = self._courses[name]
            if course.well is None and row.state.value == "ok" and not _first(row):
                course.well = time.monotonic() - course.began
        return all(course.well is not None for course in self._courses.values())


async def _until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not fact() and time.monotonic() < deadline:
        await asyncio.sleep(0.05)


async def _watch(lab: Lab, patients: dict[str, Patient]) -> dict[str, Course]:
    runtime = Runtime(LocalHost(poll=SETTINGS.intervals.files), SETTINGS, (str(lab.conf),))
    courses = {case.name: Course(case) for case in CASES}
    task = asyncio.create_task(runtime.run())
    try:
        await runtime.settle()
        rounds = Round(runtime.store, courses, patients)
        await _until(rounds.all_well)
        for case in CASES:
            course = courses[case.name]
            await asyncio.to_thread(case.harm, patients[case.name])
            course.began, course.well = time.monotonic(), None
            course.told.clear()
        await _until(rounds.all_named)
        for case in CASES:
            await asyncio.to_thread(case.mend, patients[case.name])
            courses[case.name].began = time.monotonic()
        await _until(rounds.all_well)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return courses


def watch(folder: Path) -> dict[str, Course]:
    """Start every patient, harm all, mend all, end everything."""
    lab = Lab(folder)
    try:
        patients = {case.name: Patient(lab, case.name) for case in CASES}
        for case in CASES:
            case.start(patients[case.name])
        return asyncio.run(_watch(lab, patients))
    finally:
        lab.close()


def report(courses: dict[str, Course]) -> list[str]:
    """A line a case: seconds until its cause was named, what was said before, seconds until well."""
    lines = [f"{'':24}{'named':>8}{'well':>8}   before that"]
    for name, course in courses.items():
        times = (f"{at:.1f} s" if at is not None else "never" for at in (course.named, course.well))
        lines.append(f"{name:24}{''.join(f'{each:>8}' for each in times)}   {', '.join(course.wrong)}")
    return lines
