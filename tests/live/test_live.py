"""Faults that happen while the runtime watches: the true cause is named, and after the repair all is well."""

import pytest

from tests.live.cases import CASES
from tests.live.patient import Case
from tests.live.watch import Course

pytestmark = pytest.mark.timeout(240)  # the first test of the module harms and mends all patients


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_cause_is_named_and_forgotten(courses: dict[str, Course], case: Case) -> None:
    """Without anybody asking; and the row is green when it was mended."""
    course = courses[case.name]
    assert course.named is not None, course.told
    assert course.well is not None, course.told


def test_nothing_that_happens_to_a_process_makes_its_port_somebody_elses(courses: dict[str, Course]) -> None:
    """Listeners are closed and opened in a reload: for a moment nobody's, never a stranger's."""
    stolen = {name for name, course in courses.items() if "accept-taken" in (code for _, code in course.told)}
    assert stolen == {"port-stolen"}
