"""The fault laboratory on a real systemd host: what each unit's first finding says, and who is left alone."""

from collections.abc import Iterator

import pytest

from tests.hosts import unit_faults, unit_oddities
from tests.hosts.systemd_host import systemd_host
from tests.hosts.yard import build, prepare, swept, verdicts
from tests.lab.row import Fault
from tests.lab.verdict import Verdict, note

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]
FAULTS = tuple(unit_faults.shelf.faults)
ODDITIES = tuple(unit_oddities.shelf.faults)


@pytest.fixture(scope="module")
def said(pytestconfig: pytest.Config) -> Iterator[dict[str, Verdict]]:
    """What one sweep inside says of each row."""
    with systemd_host("gw-02") as host:
        prepare(host)
        yards = build(host, (*FAULTS, *ODDITIES))
        found = verdicts((*FAULTS, *ODDITIES), yards, swept(host))
        note(pytestconfig, found)
        yield found


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_first_finding_is_the_cause(said: dict[str, Verdict], fault: Fault) -> None:
    """The code, and words that name the thing."""
    verdict = said[fault.name]
    assert verdict.right, f"{verdict}\nwanted {verdict.wanted}\nfound {verdict.findings}"


def test_a_clock_that_nobody_keeps_is_doubted(said: dict[str, Verdict]) -> None:
    """Where a certificate is not yet valid it may be right, and the host's clock wrong."""
    verdict = said["certificate-of-tomorrow"]
    assert verdict.first is not None
    assert "timedatectl" in verdict.first.fix
    assert any("not synchronised" in each for each in verdict.first.evidence)
    assert "clock-unsynced" in {each.code for each in verdict.findings}


@pytest.mark.parametrize("oddity", ODDITIES, ids=[oddity.name for oddity in ODDITIES])
def test_healthy_oddity_raises_no_alarm(said: dict[str, Verdict], oddity: Fault) -> None:
    """Strange to look at and right: nothing above information."""
    verdict = said[oddity.name]
    assert verdict.right, f"{verdict}\nalarms {verdict.alarms}"
