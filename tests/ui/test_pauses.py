"""What is left is given back: nothing that was painted outlives its screen."""

import gc
import weakref

from textual.strip import Strip
from textual.widget import Widget

from tests.fixtures import Pki
from tests.ui.fed import FedWorld
from tuimon.ui.pauses import search


async def test_a_screen_that_was_left_leaves_no_line_behind(pki: Pki) -> None:
    """Of every widget that was painted, what it was painted as goes with it."""
    world = FedWorld(pki)
    world.begin()
    world.probed(world.good())
    app = world.app()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        widgets = [app.screen, *app.screen.query("*")]
        painted = [weakref.ref(each._styles_cache) for each in widgets]
        del widgets
        await pilot.press("escape", "j")
        await pilot.pause()
        world.tick(1)  # who hears of changes no more is let go when the next one comes
        search()
        assert painted
        assert [each() for each in painted if each() is not None] == []


def _strips() -> int:
    return sum(type(each) is Strip for each in gc.get_objects())


async def test_a_line_that_is_painted_anew_leaves_nothing_behind(pki: Pki) -> None:
    """Without any search for garbage: a flood of lines would leave megabytes a second until the next one."""
    world = FedWorld(pki)
    world.begin()
    world.probed(world.good())
    app = world.app()
    async with app.run_test(size=(120, 36)) as pilot:
        counted = []
        try:
            gc.disable()
            for paint in range(60):
                for each in app.screen.query(Widget):
                    each.notify_style_update()
                    each.refresh()
                await pilot.pause()
                if paint in (19, 59):
                    counted.append(_strips())
        finally:
            gc.enable()
    early, late = counted
    # Forty screens of 36 lines each were painted between; a cache of Textual that was cleared is a cycle.
    assert late - early < 40 * 10
