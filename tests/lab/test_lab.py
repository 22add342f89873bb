"""The fault laboratory: real stunnel processes, each with one fault, and the first finding of each."""

import pytest

from tests.lab.row import Fault
from tests.lab.table import FAULTS, ODDITIES
from tests.lab.verdict import Verdict

pytestmark = pytest.mark.timeout(300)  # the first test of the module builds and sweeps the laboratory


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_first_finding_is_the_cause(verdicts: dict[str, Verdict], fault: Fault) -> None:
    """The code, and words that name the thing."""
    verdict = verdicts[fault.name]
    assert verdict.right, f"{verdict}\nwanted {verdict.wanted}\nfound {verdict.findings}"


@pytest.mark.parametrize("oddity", ODDITIES, ids=[oddity.name for oddity in ODDITIES])
def test_healthy_oddity_raises_no_alarm(verdicts: dict[str, Verdict], oddity: Fault) -> None:
    """Strange to look at and right: nothing above information."""
    verdict = verdicts[oddity.name]
    assert verdict.right, f"{verdict}\nalarms {verdict.alarms}"


def test_nineteen_of_twenty_causes_are_named_and_nobody_is_disturbed(verdicts: dict[str, Verdict]) -> None:
    """The measure of the whole: 95 in 100 first findings right, and no alarm without a fault."""
    named = [verdicts[fault.name].right for fault in FAULTS]
    assert len(named) > 100
    assert sum(named) >= 0.95 * len(named)
    assert len(ODDITIES) > 50
    assert not [fault.name for fault in ODDITIES if verdicts[fault.name].alarms]
