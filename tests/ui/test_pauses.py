"""What is left is given back: nothing that was painted outlives its screen."""

import weakref

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
