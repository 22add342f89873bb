"""What the palette offers: every action of the screen that is shown, every service, every certificate.

Rule: actions come from the table of keys, so that the palette knows each and says its key.
"""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from textual.screen import Screen

from tuimon.ui import keys
from tuimon.ui.palette import THEMES
from tuimon.ui.screens.certificate import CertificateScreen
from tuimon.ui.screens.pane import Pane
from tuimon.ui.screens.service import ServiceScreen

if TYPE_CHECKING:
    from tuimon.ui.app import TuimonApp

K = TypeVar("K")

_LEFT_OUT = {"command_palette", "next_pane"}


class Command(Struct, frozen=True):
    """One line of the palette: what is said, the key that does the same, and what happens."""

    words: str
    key: str
    run: Callable[[], Awaitable[object] | object]


def offered(app: "TuimonApp") -> list[Command]:
    """Everything that can be done from here, then everywhere that one can go to."""
    return [*_actions(app), *_themes(app), *_places(app)]


def _actions(app: "TuimonApp") -> Iterator[Command]:
    screen = app.screen
    table = screen.KEYS if isinstance(screen, Pane) else ()
    for space, each in (*((screen, key) for key in table), *((app, key) for key in keys.APP)):
        if each.action and each.action not in _LEFT_OUT:
            yield Command(each.help, app.keymap.shown(each), partial(app.run_action, each.action, space))


def _themes(app: "TuimonApp") -> Iterator[Command]:
    for theme in THEMES.values():
        yield Command(f"theme {theme.name}", "", partial(setattr, app, "theme", theme.name))


def _places(app: "TuimonApp") -> Iterator[Command]:
    for row in sorted(app.store.rows(), key=lambda row: row.tunnel.service.name.lower()):
        service = row.tunnel.service
        said = f"go to service {service.name}  {row.tunnel.instance.title}"
        yield Command(said, "", partial(_go, app, ServiceScreen, row.key))
    for use in app.store.certificates():
        said = f"go to certificate {use.certificate.title}  {', '.join(use.used_by[:3])}"
        yield Command(said, "", partial(_go, app, CertificateScreen, use.certificate.sha256))


def _go(app: "TuimonApp", screen: Callable[[K], Screen[None]], key: K) -> Awaitable[object]:
    """To a screen that is made only now: thousands are offered, and one is gone to."""
    return app.push_screen(screen(key))
