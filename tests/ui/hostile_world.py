"""A gateway full of hostile text, on the screen and on disk; a person who walks over it; what is harmless.

Rule: strangers' text goes in as bytes through the real parsers; what comes out is checked whole.
"""

import re
import time
import unicodedata
from pathlib import Path

from textual.pilot import Pilot

from tests.facts import CONFIG, HOST, LOG, PID
from tests.fixtures import free_port
from tests.ui import hostile
from tests.ui.fed import FedRuntime, FedWorld
from tests.ui.painted import painted
from tests.ui.terminal import PATIENCE
from tuimon import events
from tuimon.model.action import Action, Preflight
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Depth, Handshake, Verdict
from tuimon.model.service import Config, InstanceKey, Stamp
from tuimon.parse import systemctl
from tuimon.parse.stunnel_conf import run
from tuimon.parse.x509 import read_file
from tuimon.text import printable
from tuimon.tls.plaintext import describe
from tuimon.ui.app import TuimonApp

SIZES = [(120, 36), (80, 24), (60, 20)]
REFUSED = "/etc/stunnel/old.conf"
CERT = "/etc/stunnel/evil.pem"
UNIT = (
    f"Id=stunnel@{hostile.MARKUP}.service\nLoadState=loaded\nActiveState=active\nMainPID={PID}\n"
    f"Description={hostile.EVIL}\nExecStart={{ path=/usr/bin/stunnel4 ; argv[]=/usr/bin/stunnel4 {CONFIG}"
    " ; ignore_errors=no ; }\n"
)


class _Hasty(FedRuntime):
    """Does not wait for collectors that there are none of."""

    async def preflight(self, key: InstanceKey, action: Action) -> Preflight | Failure:
        return await self.control.preflight(key, action)


class HostileWorld(FedWorld):
    """One process and two configurations, with hostile text wherever a stranger can put it."""

    runs = _Hasty

    def config(self) -> Config:
        return self._parsed(CONFIG, hostile.config(log=LOG, cert=CERT, port=8443))

    def _parsed(self, path: str, text: bytes) -> Config:
        missing = Failure(Reason.MISSING, "no such file")
        return run(path, lambda _: text, lambda _: missing, host=HOST)

    def begin(self) -> "HostileWorld":
        self.tick()
        self.tell(events.ConfigsFound(HOST, (CONFIG, REFUSED)), events.ConfigRead(HOST, self.config()))
        self.tell(events.ConfigRead(HOST, self._parsed(REFUSED, hostile.REFUSED)))
        self.tell(events.UnitsSeen(HOST, systemctl.parse_units(UNIT.encode())))
        self.processes(self.process)
        self.sockets()
        self._certificates()
        stamp = time.strftime("%Y.%m.%d %H:%M:%S", time.localtime(self.now)).encode()
        self.log(*hostile.log(stamp))
        failed = Failure(Reason.OTHER, printable(f"ValueError: {hostile.EVIL}", 300))
        self.tell(events.CollectorFailed("logs", failed, 1.0))
        return self

    def _certificates(self) -> None:
        pem, key = hostile.certificate()
        file = read_file(CERT, pem + key, stamp=Stamp(1, 1, 1), mode=0o600, owner=hostile.EVIL)
        self.tell(events.CertificateRead(HOST, file))
        target = "127.0.0.1:8443"
        good = Handshake(
            target, Verdict.OK, handshake_ms=1.0, chain=file.certificates, messages=("> Finished",)
        )
        banner = describe(b"220 " + hostile.MARKUP.encode() + b"\r\n")
        bad = Handshake(target, Verdict.NOT_TLS, Depth.HANDSHAKE, banner, "tls")
        lost = Handshake(target, Verdict.UNRESOLVED, Depth.HANDSHAKE, printable(hostile.RAW), "resolve")
        for ordinal, handshake in enumerate((good, bad, lost)):
            self.probed(handshake, ordinal)


class Walk:
    """A person who presses keys and reads; every screen passed is checked."""

    def __init__(self, app: TuimonApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def press(self, *keys: str) -> str:
        """Press keys, and return what is painted then; `painted` fails for anything harmful."""
        await self.pilot.press(*keys)
        await self.pilot.pause()
        return "\n".join(painted(self.app))

    async def filtered(self, needle: str) -> str:
        """Type a filter and keep it."""
        await self.press("slash")
        text = await self.press(*needle)
        assert needle in text
        return await self.press("enter")

    async def until(self, *words: str) -> str:
        """Wait until these words are painted."""
        deadline = time.monotonic() + PATIENCE
        text = await self.press()
        while not all(each in text for each in words):
            assert time.monotonic() < deadline, text
            text = await self.press()
        return text

    async def take(self, word: str) -> None:
        """Move the brackets of a dialog to a word, and take it."""
        deadline = time.monotonic() + PATIENCE
        while f"[ {word} ]" not in (text := await self.press("right")):
            assert time.monotonic() < deadline, text
        await self.press("enter")

    async def page(self) -> str:
        """Read a page from its top to its bottom."""
        scroll = self.app.screen.query_one("#page")
        seen = []
        for top in range(0, scroll.max_scroll_y + 1, max(1, scroll.size.height)):
            scroll.scroll_to(y=top, animate=False, immediate=True)
            await self.pilot.pause()
            seen += painted(self.app)
        return "\n".join(seen)


def on_disk(place: Path) -> Path:
    """Hostile configurations in a new folder, with a log and a certificate."""
    place.mkdir()
    pem, key = hostile.certificate()
    (place / "evil.pem").write_bytes(pem + key)
    (place / "evil.pem").chmod(0o600)
    stamp = time.strftime("%Y.%m.%d %H:%M:%S").encode()
    (place / "evil.log").write_bytes(b"\n".join(hostile.log(stamp)) + b"\n")
    text = hostile.config(log=f"{place}/evil.log", cert=f"{place}/evil.pem", port=free_port())
    (place / "evil.conf").write_bytes(text)
    (place / "old.conf").write_bytes(hostile.REFUSED)
    return place


def assert_harmless(raw: bytes) -> None:
    """No OSC, no DCS, no C1, no bell, no override: of the program's own, only the pointer's shape."""
    raw = raw.replace(b"\x1b]22;default\x07", b"")
    assert re.findall(rb"\x1b[\]PX^_].{,40}", raw, re.DOTALL) == []
    allowed = {"\x1b", "\r", "\n"}
    harmful = {"Cc", "Cs", "Zl", "Zp"}
    text = raw.decode()
    assert {each for each in text if unicodedata.category(each) in harmful} <= allowed
    assert not set(text) & set(
        "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    )
    assert b"\x1b[2J\x1b[31m" not in raw
