"""What strangers wrote is shown and does nothing: every pane and page, and the bytes on a real terminal."""

import re
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.facts import CONFIG, HOST, LOG, PID
from tests.fixtures import Pki, free_port
from tests.ui import hostile
from tests.ui.fed import FedWorld
from tests.ui.painted import painted
from tests.ui.terminal import Terminal
from tuimon import events
from tuimon.model.failure import Failure, Reason
from tuimon.model.handshake import Depth, Handshake, Verdict
from tuimon.model.service import Config, Stamp
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


class HostileWorld(FedWorld):
    """One process and two configurations, with hostile text wherever a stranger can put it."""

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


@pytest.fixture
def world(pki: Pki) -> HostileWorld:
    return HostileWorld(pki).begin()


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

    async def page(self) -> str:
        """Read a page from its top to its bottom."""
        scroll = self.app.screen.query_one("#page")
        seen = []
        for top in range(0, scroll.max_scroll_y + 1, max(1, scroll.size.height)):
            scroll.scroll_to(y=top, animate=False, immediate=True)
            await self.pilot.pause()
            seen += painted(self.app)
        return "\n".join(seen)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_panes_show_hostile_text_and_nothing_harmful(
    world: HostileWorld, size: tuple[int, int]
) -> None:
    """Services with each row's reason, the log in all its ways, certificates; filters made of markup."""
    app = world.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot)
        services = await walk.press("g")
        for name in ("web", "api", "out"):
            assert f"{name}{hostile.MARKUP}\ufffd" in services
        assert "old[/foo" in services
        for _ in world.store.rows():
            reason = (await walk.press("j")).splitlines()[size[1] // 2 :]
            assert any(hostile.MARKUP in line for line in reason)
        await walk.press("greater_than_sign", "I", "space", "p", "y", "plus")
        assert f"web{hostile.MARKUP}" in await walk.filtered("[/foo]")
        assert hostile.MARKUP in await walk.press("escape", "z")
        log = await walk.press("2")
        assert hostile.MARKUP in log
        for keys in ("w", "e", "E", "F", "o", "z", "l", "g"):
            await walk.press(keys)
        assert "[red]" in await walk.filtered("[red]")
        certificates = await walk.press("3")
        assert hostile.MARKUP in certificates
        assert hostile.MARKUP in await walk.filtered("[/foo]")
        await walk.press("question_mark")
        await walk.press("escape", "ctrl+p")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_pages_show_hostile_text_and_nothing_harmful(
    world: HostileWorld, size: tuple[int, int]
) -> None:
    """The details of every service and certificate, read to the end."""
    app = world.app()
    async with app.run_test(size=size, notifications=True) as pilot:
        walk = Walk(app, pilot)
        await walk.press("g")
        for row in world.store.rows():
            page = await walk.press("enter") + await walk.page()
            assert hostile.MARKUP in page, row.tunnel.service.name
            if row.certificate is not None:
                page = await walk.press("enter") + await walk.page()
                assert hostile.SHOWN in page.replace("\n", "")
                await walk.press("y", "Y", "escape")
            await walk.press("escape", "j")
        await walk.press("3", "enter")
        assert "http://" in await walk.page()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Hostile configurations on disk, with a log and a certificate."""
    place = tmp_path / "etc"
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


@pytest.mark.pty
@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_real_terminal_gets_no_sequence_of_a_stranger(folder: Path, size: tuple[int, int]) -> None:
    """The real program over hostile files: rows, details, certificate, log, certificates."""
    mark = re.escape(hostile.MARKUP)
    with Terminal(str(folder), size=size) as terminal:
        terminal.sees(rf"web{mark}", rf"out{mark}", rf"api{mark}", "DOWN")
        terminal.press("/", *"api", "enter")
        terminal.until(lambda: not terminal.line(f"DOWN out{mark}"))
        terminal.press("enter")
        terminal.sees("Layers", mark)
        terminal.press("enter")
        terminal.sees("Names", rf"subject +CN={re.escape(hostile.MARKUP)}|subject .*\\")
        terminal.press("2")
        terminal.sees(rf"{mark}.*cHduZWQ")
        terminal.press("3")
        terminal.sees("CERTIFICATE", mark)
        terminal.press("q")
        assert terminal.ended() == 0
        assert_harmless(terminal.raw)


@pytest.mark.pty
def test_a_hostile_file_name_is_said_and_does_nothing(folder: Path) -> None:
    """A configuration whose name cannot be shown is not read, and not passed over in silence."""
    (folder / "evil.conf").rename(folder / "[red]\x1b]52;c;cHduZWQ=\x07\udcff.conf")
    with Terminal(str(folder), size=(200, 36)) as terminal:
        terminal.sees(r"not read, this name cannot be shown: .*etc/\[red\]", r"DOWN old\[/foo")
        terminal.press("enter")
        terminal.sees("Layers")
        terminal.press("q")
        assert terminal.ended() == 0
        assert_harmless(terminal.raw)
