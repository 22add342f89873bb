"""The fault laboratory on a host of the init script: ENABLED=1, pid files, what to start it with."""

from collections.abc import Iterator

import pytest

from tests.hosts import script_rows
from tests.hosts.systemd_host import systemd_host
from tests.hosts.yard import begin, prepare, swept, verdicts
from tests.lab.row import Fault
from tests.lab.verdict import Verdict, note

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]
BELIEVED, SCRIPTED = tuple(script_rows.believed.faults), tuple(script_rows.scripted.faults)


@pytest.fixture(scope="module")
def said(pytestconfig: pytest.Config) -> Iterator[dict[str, Verdict]]:
    """Swept twice: before the script was started, and after."""
    with systemd_host("gw-03") as host:
        prepare(host)
        yards, turns = begin(host, (*BELIEVED, *SCRIPTED))
        found = verdicts(BELIEVED, yards, swept(host))
        host.run("systemctl", "start", "echo.socket")
        host.run("systemctl", "start", "stunnel4.service", check=False)
        for turn in turns:
            next(turn, None)
        found |= verdicts(SCRIPTED, yards, swept(host))
        note(pytestconfig, found)
        yield found


@pytest.mark.parametrize("row", [*BELIEVED, *SCRIPTED], ids=lambda row: row.name)
def test_first_finding_is_right(said: dict[str, Verdict], row: Fault) -> None:
    """The cause in words, or nothing above information."""
    verdict = said[row.name]
    assert verdict.right, f"{verdict}\nwanted {verdict.wanted}\nfound {verdict.findings}"


def test_the_script_is_named_where_it_starts_an_instance(said: dict[str, Verdict]) -> None:
    """Not a bare `stunnel FILE`, which would leave the script without knowledge of it."""
    ended = said["started-by-the-script-and-ended"].first
    assert ended is not None
    assert ended.fix == "/etc/init.d/stunnel4 start started-by-the-script-and-ended"
