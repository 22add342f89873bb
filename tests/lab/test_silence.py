"""A partner goes silent at a real stunnel: the log has its past, and time alone goes on."""

import asyncio
from pathlib import Path

import pytest

from tests.lab.bench import Bench, Lab
from tests.lab.clients import call, caller
from tests.lab.healthy_clients import past
from tuimon.commands.status import sweep
from tuimon.diagnose.finding import State
from tuimon.events import Ticked
from tuimon.settings import Settings
from tuimon.store import Row, Store


def row(store: Store, seconds: float) -> Row:
    """The only service, judged so many seconds later, in which somebody looked all the time."""
    for _ in range(round(seconds / 60)):
        store.apply(Ticked(store.now + 60))
        store.drain()
    (only,) = store.rows()
    return only


@pytest.mark.timeout(60)
def test_a_regular_partner_is_missed_for_a_while(tmp_path: Path) -> None:
    """Not before its patience is over, by name and rhythm, and not for ever; others are not missed."""
    lab = Lab(tmp_path)
    try:
        bench = Bench(lab, "partner")
        past(bench, [(30.0 * number, "10.0.0.9", "") for number in range(20, 0, -1)])
        bench.start(bench.server())
        call(bench, caller(), 3, peer="127.0.0.9")
        store = asyncio.run(sweep(Settings(), (str(lab.conf),)))
    finally:
        lab.close()
    assert (row(store, 300).state, row(store, 0).findings) == (State.OK, ())
    missed = row(store, 600)
    assert [each.code for each in missed.findings] == ["client-missing"]
    assert missed.why == "10.0.0.9 connects every 30 s, silent for 15 min"
    assert row(store, 4 * 3600).state is State.OK
