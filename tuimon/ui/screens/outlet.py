"""What goes out of a screen: to the clipboard, into files, and words in passing.

Rule: everything that is written says where it is; what cannot be written says why.
"""

from collections.abc import Iterable
from typing import ClassVar

from textual.screen import Screen

from tuimon.model.failure import Failure
from tuimon.model.service import ServiceKey
from tuimon.store import Store
from tuimon.ui.clipboard import copy, fits
from tuimon.ui.desk import Desk, desk
from tuimon.ui.keys import Key
from tuimon.ui.saving import place, save


class Outlet(Screen[None]):
    """A screen of which something can be copied and saved."""

    KEYS: ClassVar[tuple[Key, ...]] = ()

    @property
    def desk(self) -> Desk:
        """What the app offers its screens."""
        return desk(self)

    @property
    def store(self) -> Store:
        """What there is to show."""
        return self.desk.store

    def clip(self) -> tuple[str, str] | None:
        """What `y` copies and `S` saves: what it is called, and the text."""
        return None

    def clip_pem(self) -> tuple[str, str] | None:
        """What `Y` copies: what it is called, and the PEM."""
        return None

    async def _copy(self, found: tuple[str, str] | None) -> None:
        if found is None:
            self.say("nothing to copy here")
            return
        await copy(self.app, found[1])
        save = self.desk.keymap.first(next(key for key in self.KEYS if key.action == "save"))
        too_long = "" if fits(found[1]) else f"; terminals may drop so much: {save} saves it"
        self.say(f"{found[0]} copied{too_long}")

    async def action_copy(self) -> None:
        """Copy the row, or the page."""
        await self._copy(self.clip())

    async def action_copy_pem(self) -> None:
        """Copy the certificate as PEM."""
        await self._copy(self.clip_pem())

    def action_save(self) -> None:
        """Save to a file what `y` copies."""
        found = self.clip()
        if found is None:
            self.say("nothing to save here")
        else:
            self.write(found[0].replace(" ", "-"), found[1], "txt")

    def chosen(self) -> Iterable[ServiceKey]:
        """The services that a key is meant for."""
        return ()

    async def action_bundle(self) -> None:
        """Save all that a ticket about these services' instances needs in one file."""
        keys = list(dict.fromkeys(key.instance for key in self.chosen()))
        if keys:
            from tuimon.bundle import bundle  # noqa: PLC0415

            text = bundle(self.store, keys, await self.desk.action_log())
            name = keys[0].config.rpartition("/")[2].removesuffix(".conf") if len(keys) == 1 else "incident"
            self.write(name, text, "md")

    def write(self, name: str, text: str, suffix: str) -> None:
        """Write a file that somebody asked for, and say where it is."""
        file = place(name, self.store.host, self.store.now, suffix)
        done = save(file, text, self.store.settings.state_file("saved"))
        if isinstance(done, Failure):
            self.notify(str(done), severity="error", markup=False, timeout=6)
        else:
            self.notify(f"saved as {done}", markup=False, timeout=6)

    def say(self, words: str) -> None:
        """Tell something in passing."""
        self.notify(words, markup=False, timeout=3)
