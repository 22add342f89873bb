"""Makes screenshots/: `python -m tests.screenshots [FOLDER]`.

Rule: pictures come from the real demo fleet and the real screen, at two sizes; nothing is painted by
hand.
"""

import asyncio
import os
import pty
import sys
from pathlib import Path

from textual.pilot import Pilot

from tuimon.demo.fleet import start_fleet
from tuimon.host.local import LocalHost
from tuimon.host.local_hands import LocalHands
from tuimon.runtime import Runtime
from tuimon.settings import Settings
from tuimon.ui.app import TuimonApp
from tuimon.ui.widgets.choices import Choices

HERE = Path(__file__).resolve().parent.parent / "screenshots"
SIZES = {"": (120, 36), "-80x24": (80, 24)}
PATIENCE = 20.0  # seconds until the whole fleet was looked at


async def settled(app: TuimonApp) -> None:
    """Wait until every service of the fleet was looked at, and for some lines of traffic."""
    async with asyncio.timeout(PATIENCE):
        while app.store.pending() or len(app.store.logbook.lines) < 120:
            await asyncio.sleep(0.1)


async def find(pilot: Pilot[int], app: TuimonApp, name: str) -> None:
    """Put the cursor of the services table on a service."""
    table = app.screen.table  # type: ignore[attr-defined]
    key = next(row.key for row in app.store.rows() if row.tunnel.service.name == name)
    table.move_to(key)
    await pilot.pause()


async def asked(pilot: Pilot[int], app: TuimonApp) -> None:
    """Wait until the dialog of an action asks its question."""
    async with asyncio.timeout(PATIENCE):
        while not app.screen.query_one(Choices).words:
            await pilot.pause(0.1)


async def pictures(folder: str, into: Path, suffix: str, size: tuple[int, int]) -> None:
    """One run of the screen, one picture of each screen."""
    settings = Settings(theme="dark")
    host = LocalHost(name="gw-01")
    app = TuimonApp(Runtime(host, settings, (folder,), LocalHands), settings)
    async with app.run_test(size=size) as pilot:
        await settled(app)
        await pilot.pause(0.3)

        def shoot(name: str) -> None:
            (into / f"{name}{suffix}.svg").write_text(app.export_screenshot(title="tuimon"), encoding="utf-8")

        shoot("services")
        await find(pilot, app, "pgsql-eu")
        await pilot.press("enter")
        await pilot.pause(0.2)
        shoot("service")
        await pilot.press("escape")
        await find(pilot, app, "web")
        await pilot.press("enter", "enter")
        await pilot.pause(0.2)
        shoot("certificate")
        await pilot.press("escape", "escape", "2")
        await pilot.pause(0.2)
        shoot("log")
        await pilot.press("v")
        await pilot.pause(0.2)
        shoot("connections")
        await pilot.press("v", "3")
        await pilot.pause(0.2)
        shoot("certificates")
        await pilot.press("colon", *"edi")
        await pilot.pause(0.2)
        shoot("palette")
        await pilot.press("escape")
        await pilot.press("1")
        await find(pilot, app, "edi-in")
        await pilot.press("r")
        await asked(pilot, app)
        shoot("reload")
        await pilot.press("escape", "question_mark")
        await pilot.pause(0.2)
        shoot("help")


def main() -> None:
    """Start the fleet and take all pictures, on a terminal: what nobody's terminal started somebody owns."""
    if not sys.stdin.isatty():
        sys.exit(
            os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-m", "tests.screenshots", *sys.argv[1:]]))
        )
    into = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    into.mkdir(parents=True, exist_ok=True)
    os.environ.pop("NO_COLOR", None)
    with start_fleet() as fleet:
        for suffix, size in SIZES.items():
            asyncio.run(pictures(fleet.folder, into, suffix, size))


if __name__ == "__main__":
    main()
