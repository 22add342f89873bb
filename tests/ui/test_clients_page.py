"""The clients of a service on its page, at the width of a small terminal."""

import pytest
from rich.cells import cell_len

from tests.fixtures import Pki
from tests.store.test_clientele import CONNECTED, ENDED, REFUSED, UNKNOWN_CA
from tests.ui.fed import FedWorld
from tuimon.ui import clients_page
from tuimon.ui.document import Document
from tuimon.ui.palette import Palette
from tuimon.ui.screens.service import ServiceScreen

LONG = "2001:db8:1234:5678:9abc:def0:1234:5678"


def visit(world: FedWorld, peer: str, number: int, ago: float, *end: str) -> None:
    told = (f"Service [web] accepted connection from {peer}:{number}", *end)
    world.log(*(world.line(each, log_id=str(number), at=world.now - ago) for each in told))


@pytest.mark.timeout(60)
async def test_who_fails_stands_first_with_the_reason_and_regulars_show_their_rhythm(pki: Pki) -> None:
    """At 80 columns, the longest address whole, nothing folded; strangers after it are counted."""
    world = FedWorld(pki)
    world.healthy()
    for number in range(20):
        visit(world, LONG, 2000 + number, 300 * (20 - number), CONNECTED, ENDED)
    for number in range(2):
        visit(world, "10.0.0.9", 3000 + number, 4000, CONNECTED, ENDED)
    for number in range(3):
        visit(world, "10.0.0.9", 3010 + number, 3600, UNKNOWN_CA, REFUSED)
    for number in range(20):
        visit(world, f"192.0.2.{number}", 4000 + number, 60, CONNECTED, ENDED)
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ServiceScreen)
        document = app.screen.document()
        assert document is not None
        lines = document.plain.splitlines()
        begin = next(index for index, line in enumerate(lines) if line.startswith("Clients "))
        section = lines[begin : lines.index("", begin)]
    assert max(map(cell_len, section)) <= 74
    assert section[1].split() == ["peer", "conns", "failed", "seen", "usually"]
    assert section[2].split() == ["10.0.0.9", "5", "3", "60", "min"]
    assert section[3] == "  fails: does not know our CA"
    (regular,) = [line for line in section if line.startswith(LONG)]
    assert regular.split() == [LONG, "20", "5", "min", "every", "5", "min"]
    assert section[-1] == "and 10 more peers"


def test_nobody_was_seen_in_an_hour_that_is_yet_to_come(pki: Pki) -> None:
    """The log's times are ahead of a clock that was set back."""
    world = FedWorld(pki)
    world.healthy()
    visit(world, "10.0.0.9", 2000, 5, CONNECTED, ENDED)
    said = []
    for jump in (0, -3600):
        world.tick(jump)
        document = Document(Palette(), 80, now=world.now, settings=world.store.settings)
        clients_page.clients(document, world.row().tunnel)
        said.append(document.plain.splitlines()[-1].split())
    assert said == [["10.0.0.9", "1", "5", "s"], ["10.0.0.9", "1", "0", "s"]]
