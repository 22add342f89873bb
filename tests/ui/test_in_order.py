"""Keys that arrive together act in the order in which they were typed, in a real terminal.

Rule: each packet is one write; what its keys did shows on the screens that they belong to.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.containers import VerticalScroll
from textual.events import Key
from textual.pilot import Pilot

from tests.fixtures import Pki, eventually
from tests.ui.fed import FedWorld
from tests.ui.terminal import Terminal
from tuimon.model.action import Action
from tuimon.ui.app import TuimonApp
from tuimon.ui.screens.action import ActionScreen
from tuimon.ui.screens.services import ServicesScreen
from tuimon.ui.widgets.choices import Choices

pytestmark = pytest.mark.pty

NAMES = [f"svc-{number:02}" for number in range(40)]


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """More services than fit, none of them running, and a log longer than its screen."""
    folder = tmp_path_factory.mktemp("order")
    log = folder / "stunnel.log"
    log.write_text("".join(f"2026.01.01 10:00:00 LOG5[{n}]: line {n:03} of the log\n" for n in range(100)))
    sections = "".join(f"[{name}]\nclient = yes\naccept = 127.0.0.1:1\nconnect = ::1:2\n" for name in NAMES)
    (folder / "many.conf").write_text(f"foreground = yes\noutput = {log}\n{sections}")
    environment = {"XDG_STATE_HOME": str(folder / "state"), "NO_COLOR": "1"}
    (folder / "state/tuimon").mkdir(parents=True)
    with Terminal(str(folder / "many.conf"), environment=environment) as shown:
        shown.sees(r"^>.*svc-00")
        yield shown


@pytest.fixture(autouse=True)
def home(terminal: Terminal) -> Iterator[None]:
    """From the services, and back to the first of them."""
    yield
    terminal.press("\x1b")
    terminal.settle()
    terminal.press("1")
    terminal.sees("^ STATE")
    terminal.press("g")
    terminal.sees(r"^>.*svc-00")


def test_what_is_typed_before_a_screen_is_for_the_one_before(terminal: Terminal) -> None:
    """`G2`: the last service, and the log as it was."""
    terminal.press("G2")
    terminal.sees("─ log ─ all ─ following", "line 099")
    terminal.press("1")
    terminal.sees(r"^>.*svc-39")


def test_a_key_is_not_lost_to_the_screen_after_it(terminal: Terminal) -> None:
    """`z2`: faults only is what the services do, and not the log."""
    terminal.press("z2")
    terminal.sees("─ log ─ all ─ following ─ levels|─ log ─ all ─ following ─+$", "line 099")
    terminal.press("1")
    terminal.sees("^ STATE")
    terminal.press("z1")
    terminal.sees(r"^>.*svc-00")


def test_a_probe_that_was_asked_for_is_answered(terminal: Terminal) -> None:
    """`p2`: there is nothing to probe of what does not run, and that is said."""
    terminal.press("p2")
    terminal.sees("─ log ─ all ─ following", "nothing to probe here")


def test_what_is_typed_after_a_filter_is_filtered_for(terminal: Terminal) -> None:
    """`G/svc-1` and `2`, which is no screen there but a character."""
    terminal.press("jj/svc-12", "enter")
    terminal.sees(r"^>.*svc-12", "^ svc-12")


def test_several_screens_in_one_packet_lead_to_the_last(terminal: Terminal) -> None:
    """Each has what was typed for it."""
    terminal.press("j2g3j1j")
    terminal.sees(r"^>.*svc-02")
    terminal.press("2")
    terminal.sees("─ log ─ all ─ standing still", "line 000")
    terminal.press("G")
    terminal.sees("─ log ─ all ─ following")


async def test_a_key_waits_for_what_it_acts_on(pki: Pki) -> None:
    """`?G`: the G, on its way up from the table, finds a help that was opened and has nothing in it yet."""
    world = FedWorld(pki)
    world.begin()
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        key = Key("G", "G")
        key._set_forwarded()
        app.action_help()
        assert not app.screen.is_mounted
        await app.on_event(key)
        await pilot.pause()
        assert app.screen.query_one(VerticalScroll).scroll_offset.y > 0


@asynccontextmanager
async def asked(pki: Pki) -> AsyncIterator[tuple[TuimonApp, Pilot[Any], ActionScreen]]:
    """A screen whose reload dialog is open."""
    world = FedWorld(pki)
    world.begin()
    app = world.app()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = ActionScreen((world.key().instance,), Action.RELOAD)
        await app.push_screen(dialog)
        yield app, pilot, dialog


async def test_a_dialog_is_left_once(pki: Pki) -> None:
    """Enter and escape: the word that was taken reaches a dialog that is no longer there."""
    async with asked(pki) as (app, pilot, dialog):
        dialog.query_one(Choices).offer("Close")
        dialog.query_one(Choices).action_choose()
        dialog.action_leave()
        await pilot.pause()
        assert isinstance(app.screen, ServicesScreen)


async def test_a_word_is_taken_once(pki: Pki) -> None:
    """Enter twice: the second one is not for the words that come after."""
    async with asked(pki) as (app, pilot, dialog):
        choices = dialog.query_one(Choices)
        await eventually(lambda: choices.words)
        choices.offer("Cancel", "Reload")
        choices._arm()
        choices.action_move(1)
        choices.action_choose()
        choices.action_choose()
        await pilot.pause()
        assert app.screen is dialog
