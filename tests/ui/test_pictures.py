"""Services and certificates as SVG, dark and light, compared with how they were looked at and found right.

Rule: made anew as the others (`TUIMON_SNAPSHOTS=write`), and looked at before they are kept.  What Textual
names by chance in them has a name of its own here.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.gateway import Gateway
from tests.ui.walked import FOLDER, WRITES
from tuimon.settings import Settings


def steady(svg: str) -> str:
    """Without the identifier that differs from picture to picture."""
    return re.sub(r"terminal-\d+-", "terminal-", svg)


def assert_as_kept(file: Path, svg: str) -> None:
    """The same picture; the first lines that differ are told."""
    if WRITES:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(svg, encoding="utf-8")
    kept, shown = file.read_text(encoding="utf-8").splitlines(), svg.splitlines()
    differing = [pair for pair in zip(kept, shown, strict=False) if pair[0] != pair[1]]
    assert differing[:3] == []
    assert len(kept) == len(shown)


@pytest.fixture
def _anywhere() -> Iterator[None]:
    """The same hour and colours wherever the test runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        patch.setenv("TERM", "xterm-256color")
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.usefixtures("_anywhere")
async def test_services_and_certificates_look_as_they_were_found_right(theme: str) -> None:
    """Colours, bars, rules and the cursor, at 120x36."""
    app = Gateway(Settings(theme=theme)).app()
    async with app.run_test(size=(120, 36)) as pilot:
        for key, name in (("1", "services"), ("3", "certificates")):
            await pilot.press(key)
            await pilot.pause()
            svg = steady(app.export_screenshot(title="tuimon"))
            assert_as_kept(FOLDER / f"svg-120x36/{name}-{theme}.svg", svg)
