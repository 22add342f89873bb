"""How a unit ended, in words, for the ends that a test cannot bring about everywhere."""

import pytest
from msgspec.structs import replace

from tuimon.diagnose.unit_result import why_it_failed
from tuimon.model.unit import LastRun, Unit

UNIT = Unit("stunnel@a.service", result="exit-code", how="exited", status=1, argv=("/usr/bin/stunnel4",))


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        (replace(UNIT, result="oom-kill", how="killed", status=9), "out of memory"),
        (replace(UNIT, result="core-dump", how="dumped", status=6), "crashed (SIGABRT)"),
        (replace(UNIT, result="signal", how="killed", status=9), "killed by SIGKILL"),
        (replace(UNIT, result="signal", how="killed", status=240), "killed by signal 240"),
        (replace(UNIT, result="timeout", patience="1min 30s"), "did not end within 1min 30s"),
        (replace(UNIT, result="start-limit-hit", status=0), "started too often"),
        (replace(UNIT, result="a-new-one"), "a-new-one"),
        (replace(UNIT, result=""), "?"),
        (UNIT, "stunnel exited with status 1"),
        (replace(UNIT, last_run=LastRun(why="Cannot open log file: /x")), "cannot open log file: /x"),
        (replace(UNIT, status=203), "cannot execute /usr/bin/stunnel4: 203/EXEC"),
        (replace(UNIT, status=217, user="tunnel"), "there is no user tunnel"),
        (replace(UNIT, status=228), "systemd could not set it up (228/SECCOMP)"),
        (replace(UNIT, status=249), "(249/249)"),
    ],
)
def test_the_end_in_words(unit: Unit, says: str) -> None:
    """With what the journal told where it may be read, and not without words where it may not."""
    assert says in why_it_failed(unit, None)[0]


def test_a_connection_that_failed_is_no_reason_for_a_signal() -> None:
    """stunnel's own words are the reason only where it ended by itself."""
    run = LastRun(why="cannot open log file", stunnel=("cannot open log file",))
    killed = replace(UNIT, result="signal", how="killed", status=15, last_run=run)
    assert why_it_failed(killed, None)[0] == "killed by SIGTERM"
