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
