"""Whole journeys in a real terminal: the demo's fleet, every screen, every way out.

Rule: what is asserted is what a person sees on the terminal, or what is left on the machine afterwards.
"""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.ui.terminal import PATIENCE, Terminal
from tuimon.demo import lifeline
from tuimon.demo.fleet import Fleet, find_stunnel, start_fleet
from tuimon.demo.pki import Leaf, Pki

pytestmark = pytest.mark.pty

SIZES = [(120, 36), (80, 24)]
DOWN_WITHIN, UP_WITHIN, WARN_WITHIN = 2.0, 5.0, 2.0
"""Seconds that the requirements allow: a killed process, a started one, a replaced certificate."""

CAUSES = (
    r"DOWN backup +stunnel is not running",
    r"DOWN pgsql-eu +connect 127\.0\.0\.1:\d+ refused since \d\d:\d\d",
    r"DOWN erp +remote untrusted: issuer not in",
    r"DOWN testserver +legacy\.conf:8 refused: \[testserver",
    r"CRIT billing +certificate expired 2 days ago",
    r"CRIT ldap +certificate expires in 5 days",
    r"WARN edi-in +renewed on disk, old one .* 9→89d",
)
"""Every broken service of the demo, with its cause in words."""

FIELDS = (
    *("verdict", "used by", "file", "subject", "issuer", "SAN", "not before", "not after", "lifetime"),
    *("version", "serial", "signature", "public key", "key usage", "extended usage", "constraints"),
    *("SKI", "AKI", "OCSP", "CA issuers", "CRL", "policies", "SHA-256", "SHA-1", "SPKI pin"),
)
"""What the page of a certificate names at the left, all of it in the demo's certificates."""


class Window:
    """One terminal over the demo's fleet, kept from test to test as long as it finds its way home."""

    def __init__(self, folder: str, size: tuple[int, int]) -> None:
        self._folder, self._size = folder, size
        self._terminal: Terminal | None = None

    def open(self) -> Terminal:
        """The program, once everything was looked at."""
        if self._terminal is None:
            self._terminal = Terminal(self._folder, size=self._size)
            self._terminal.sees(*CAUSES)
        self._terminal.until(self._at_home)
        return self._terminal

    def tidy(self) -> None:
        """Back to all services; a terminal that is lost is given up."""
        terminal = self._terminal
        if terminal is None:
            return
        try:
            terminal.press("1")
            terminal.until(lambda: services(terminal), seconds=3)
            terminal.press("g")
            terminal.until(self._at_home, seconds=3)
        except AssertionError:
            self.close()

    def close(self) -> None:
        if self._terminal is not None:
            self._terminal.__exit__(None, None, None)
            self._terminal = None

    def _at_home(self) -> bool:
        terminal = self._terminal
        if terminal is None or "…" in terminal.lines[0] or terminal.line("filter; !"):
            return False
        return len(set(services(terminal))) >= min(20, self._size[1] - 13)


@pytest.fixture(scope="module", params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def window(demo_fleet: Fleet, request: pytest.FixtureRequest) -> Iterator[Window]:
    kept = Window(demo_fleet.folder, request.param)
    yield kept
    kept.close()


@pytest.fixture
def shown(window: Window) -> Iterator[Terminal]:
    """The program at its first screen."""
    yield window.open()
    window.tidy()


def folder_of(terminal: Terminal) -> str:
    """The demo's folder, as the line of the selected row names it."""
    pattern = r"/\S*/tuimon-demo-\w+"
    found = terminal.until(lambda: re.search(pattern + r"/night\.conf", terminal.text))
    folder = re.match(pattern, found[0])
    assert folder
    return folder[0]


def eventually(fact: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Ended, even if nobody has collected it yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def assert_nothing_is_left(folder: str, pids: list[int]) -> None:
    assert len(pids) == 5, "four of stunnel, and the back ends"
    eventually(lambda: all(gone(pid) for pid in pids))
    eventually(lambda: not os.path.exists(folder))


def accept_port(folder: str, service: str) -> int:
    text = "\n".join(path.read_text() for path in Path(folder).glob("*.conf"))
    found = re.search(rf"^\[{service}\].*\naccept = 127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    assert found
    return int(found[1])


def services(terminal: Terminal) -> list[str]:
    """The names in the table, from the top."""
    row = re.compile(r"^ (?:✖ DOWN|✖ CRIT|▲ WARN|● OK  |○ OFF |–     |…     |\?     ) (?:↳ )?(\S+)")
    return [found[1] for line in terminal.lines if (found := row.match(line))]


def choose(terminal: Terminal, name: str) -> None:
    """Filter for a service and open its details."""
    terminal.press("/", *name, "enter")
    terminal.until(lambda: services(terminal)[:1] == [name])
    terminal.press("enter")
    terminal.sees(rf"^ +{name} ─+", "^ +Layers ─+")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_demo_tells_every_cause_in_words_and_leaves_nothing(size: tuple[int, int]) -> None:
    """The first screen says why, `q` ends with 0 and a restored terminal, and nothing stays behind."""
    with Terminal("demo", size=size) as terminal:
        before = terminal.modes
        terminal.sees(*CAUSES)
        assert services(terminal)[:4] == ["backup", "pgsql-eu", "erp", "testserver"]
        folder = folder_of(terminal)
        pids = lifeline.members(folder)
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.terminal_modes() == before
        assert_restored(terminal.raw)
    assert_nothing_is_left(folder, pids)


def assert_restored(raw: bytes) -> None:
    """The alternate screen, the mouse and the pasting mode are off again, the cursor is shown."""
    for mode, last in ((b"1049", b"l"), (b"1000", b"l"), (b"1003", b"l"), (b"2004", b"l"), (b"25", b"h")):
        switched = re.findall(rb"\x1b\[\?" + mode + rb"([hl])", raw)
        assert switched, f"mode {mode!r} was never switched"
        assert switched[-1] == last, f"mode {mode!r} was left switched"


def test_ctrl_c_quits(demo_fleet: Fleet) -> None:
    """As `q` does."""
    with Terminal(demo_fleet.folder) as terminal:
        terminal.sees(CAUSES[0])
        terminal.press("\x03")
        assert terminal.ended() == 0
        assert_restored(terminal.raw)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "SIGKILL", "closed terminal"])
def test_demo_ends_with_the_program_however_it_ends(how: str) -> None:
    """No stunnel, no back end and no folder stays behind."""
    with Terminal("demo") as terminal:
        folder = folder_of(terminal)
        pids = lifeline.members(folder)
        if how == "closed terminal":
            terminal.press(*"jk" * 40)  # much to paint for nobody
            terminal.close()
        else:
            terminal.process.send_signal(signal.Signals[how])
        status = terminal.ended()
        if how == "SIGTERM":
            assert status == 128 + signal.SIGTERM
            assert_restored(terminal.raw)
    assert_nothing_is_left(folder, pids)


def test_the_selected_rows_whole_reason_and_its_fix_are_shown(shown: Terminal) -> None:
    """What the column cuts off is on the status line."""
    shown.press("j", "j", "j")
    shown.sees(r"^ testserver +legacy\.conf:8 refused: \[testserver\] // the example")
    shown.until(lambda: "blog, port changed → a section" in re.sub(r"\s+", " ", shown.text))


def test_details_lead_to_the_certificate_with_all_its_fields(shown: Terminal) -> None:
    """enter, enter, down to the PEM, and esc twice back."""
    choose(shown, "web")
    shown.sees("TLS +● TLSv1.3", "listener +● ")
    shown.press("enter")
    shown.sees(r"^ +www\.corp\.example ─+")
    seen: set[str] = set()

    def labels() -> bool:
        seen.update(field for field in FIELDS if shown.line(rf"^ +{re.escape(field)}  +\S"))
        if not shown.line("BEGIN CERTIFICATE"):
            shown.press("j")
        return seen == set(FIELDS) and bool(shown.line("BEGIN CERTIFICATE"))

    shown.until(labels)
    shown.press("g")
    shown.sees(r"verdict +valid, 212d left", r"used by +.*web", r"subject +CN=www\.corp\.example")
    shown.press("esc")
    shown.sees(r"^ +web ─+")
    shown.press("esc")
    shown.until(lambda: services(shown) == ["web"])
    shown.press("esc")
    shown.until(lambda: len(services(shown)) > 1)


def test_log_is_live_and_folds_our_own_probes(shown: Terminal) -> None:
    """A real connection shows at once; a probe only adds to the count of what is folded."""
    shown.press("2")
    shown.until(lambda: "─ log ─ all ─" in shown.text and "SERVICE" not in shown.text)
    shown.press("G")  # the `g` of whoever tidied up may have been overtaken by the 2
    shown.until(lambda: "─ log ─ all ─ following" in shown.text)

    def folded() -> int:
        found = re.search(r"(\d+) lines? of our own probes folded", shown.text)
        return int(found[1]) if found else 0

    before = shown.until(folded)
    port = accept_port(str(Path(folder_in(shown))), "pgsql-eu")
    shown.press("/", *"pgsql-eu")  # or the traffic of the others may push the line out of sight
    shown.press("enter")
    shown.sees(r"\d+ lines? hidden ─")
    with socket.create_connection(("127.0.0.1", port)) as link:
        mine = link.getsockname()[1]
        shown.sees(rf"pgsql-eu +#\d+ accepted 127\.0\.0\.1:{mine}$")
    shown.press("esc")
    shown.until(lambda: not shown.line(r"\d+ lines? hidden ─"))
    shown.press("1", "/", *"edi-in", "enter")  # a service that answers: a probe of it leaves lines
    shown.until(lambda: services(shown) == ["edi-in"])
    shown.press("p")
    shown.sees("probing 1 service")
    shown.press("2")
    shown.until(lambda: folded() > before and "SERVICE" not in shown.text)


def folder_in(terminal: Terminal) -> str:
    """The folder that the program was asked to look at."""
    return str(terminal.process.args[-1])  # type: ignore[index]


def test_filter_keeps_what_matches_and_turns_round_with_an_exclamation_mark(shown: Terminal) -> None:
    """Filtered as typed, however fast; esc shows everything again."""
    everything = len(services(shown))
    shown.press("/", *"edi-in")
    shown.until(lambda: services(shown) == ["edi-in"])
    shown.press("esc")
    shown.until(lambda: len(services(shown)) >= everything and not shown.line("filter; !"))
    shown.press("/", *"!edi-in")
    shown.until(lambda: "edi-in" not in services(shown) and len(services(shown)) > 5)
    shown.press("enter")
    shown.press("esc")
    shown.until(lambda: len(services(shown)) >= everything and "edi-in" in services(shown))


def test_what_is_typed_right_behind_a_filter_is_for_its_rows(shown: Terminal) -> None:
    """In one burst, as from a hasty hand or a slow line: filter, keep it, details."""
    for name in ("edi-in", "billing"):
        shown.press("/", *name, "enter", "enter")
        shown.sees(rf"^ +{name} ─+", "Layers")
        shown.press("esc")
        shown.until(lambda name=name: services(shown) == [name])  # type: ignore[misc]
        shown.press("esc")
        shown.until(lambda: len(services(shown)) > 1)


def test_z_shows_faults_only(shown: Terminal) -> None:
    """The seven broken ones, and how many rows are hidden."""
    shown.press("z")
    shown.until(lambda: len(services(shown)) == len(CAUSES))
    shown.sees("13 hidden")
    shown.press("z")
    shown.until(lambda: len(services(shown)) > len(CAUSES))


def test_certificates_come_soonest_first(shown: Terminal) -> None:
    """The expired one at the top, then by what is left; with a picture of when."""
    shown.press("3")
    shown.sees("LEFT.*CERTIFICATE", "billing.corp.example", "today ─+")

    def left() -> list[int]:
        found = (re.match(r"^ +(?:renew|reload|look)? +(−?)(\d+)d ", line) for line in shown.lines)
        return [int(f"{'-' if each[1] else ''}{each[2]}") for each in found if each]

    # What is to be renewed, what is renewed already and not loaded, and what is fine.
    shown.sees(r"─ 2 renew ─ 1 reload ─ \d+ fine")
    shown.until(lambda: left()[:3] == [-2, 5, 9] and left()[3:] == sorted(left()[3:]))
    shown.sees(r"^ reload +9d .*edi\.corp\.example")
    shown.press("i")  # by time alone
    shown.until(lambda: left() == sorted(left()))
    shown.press("i")
    shown.sees(r"─ 2 renew ─ 1 reload ─ \d+ fine")


def test_help_names_the_keys(shown: Terminal) -> None:
    """`?` opens it from anywhere, esc closes it."""
    for screen in "12":
        shown.press(screen, "?")
        shown.sees("keys and signs", "services, worst first", "faults only|command palette")
        shown.press("esc")
        shown.until(lambda: not shown.line("keys and signs"))


def row_is(terminal: Terminal, state: str, service: str) -> bool:
    return bool(terminal.line(rf"{state} +{service} "))


def test_a_killed_stunnel_is_told_within_seconds_and_so_is_its_return() -> None:
    """DOWN within 2 s of the kill; OK within 5 s of the start by hand."""
    with start_fleet() as fleet, Terminal(fleet.folder) as terminal:
        terminal.until(lambda: row_is(terminal, "OK", "as2") and row_is(terminal, "OK", "cache"))
        path, pid = next(entry for entry in fleet.processes if entry[0].endswith("edi.conf"))
        os.kill(pid, signal.SIGKILL)
        terminal.until(
            lambda: row_is(terminal, "DOWN", "as2") and row_is(terminal, "DOWN", "edi-in"), DOWN_WITHIN
        )
        terminal.sees(r"DOWN as2 +stunnel is not running")
        with subprocess.Popen([find_stunnel(), path], cwd="/") as again:
            terminal.until(
                lambda: row_is(terminal, "OK", "as2") and row_is(terminal, "OK", "edi-in"), UP_WITHIN
            )
            again.terminate()


def test_a_replaced_certificate_is_told_within_seconds() -> None:
    """WARN within 2 s: the disk holds a newer one than the process serves."""
    with start_fleet() as fleet, Terminal(fleet.folder) as terminal:
        terminal.until(lambda: row_is(terminal, "OK", "cache"))
        Pki(Path(fleet.folder, "pki")).issue(Leaf("cache", ("cache.corp.example",), 90, 88))
        terminal.sees(r"WARN cache +renewed on disk, old one .* 66→88d", seconds=WARN_WITHIN)
