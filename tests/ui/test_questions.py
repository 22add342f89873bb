"""The five questions that tuimon is for, each answered on a real fleet within three keys of the start.

Rule: a key counts when it is pressed by somebody who has read the screen; the answer is what stands there.
The table of question and keys is printed at the end of the run.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tables import Line, leave
from tests.ui.terminal import Terminal
from tuimon.demo.fleet import Fleet, start_fleet

pytestmark = pytest.mark.pty

MOST = 3
RIGHT = "\x1b[C"
SIZES = [(120, 36), (80, 24)]


class Person:
    """Somebody who starts the program, reads, and presses keys that are counted."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.keys: list[str] = []

    def press(self, key: str) -> None:
        """One key."""
        self.terminal.press(key)
        self.keys.append("→" if key == RIGHT else key)

    def take(self, word: str) -> None:
        """Move the brackets of a dialog to its other word; the key counts once, when it is taken."""
        self.terminal.sees(r"\[ Cancel \] +" + word)

        def moved() -> bool:
            self.terminal.press(RIGHT)
            return bool(self.terminal.line(rf"\[ {word} \]"))

        self.terminal.until(moved)
        self.keys.append("→")


class Asking:
    """Counts who asks what, and leaves the table."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def answered(self, question: str, person: Person) -> None:
        """Within three keys."""
        spent = len(person.keys)
        text = f"{question:66} {spent}  {' '.join(person.keys)}"
        leave(self._config, "keys from the start to the answer", [Line(text, "questions", spent <= MOST)])
        assert spent <= MOST, text


@pytest.fixture
def asking(pytestconfig: pytest.Config) -> Asking:
    return Asking(pytestconfig)


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """A state folder of its own, not the first visit to it."""
    (tmp_path / "tuimon").mkdir()
    return {"XDG_STATE_HOME": str(tmp_path)}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """The demo's fleet, of which the last question reloads one instance."""
    with start_fleet() as running:
        yield running


def port(fleet: Fleet, service: str) -> int:
    """Where a service of the fleet accepts."""
    text = "\n".join(path.read_text() for path in Path(fleet.folder).glob("*.conf"))
    found = re.search(rf"^\[{service}\].*\naccept = 127\.0\.0\.1:(\d+)$", text, re.MULTILINE)
    assert found
    return int(found[1])


@pytest.fixture
def session(fleet: Fleet) -> Iterator[int]:
    """Somebody's TLS session with `edi-in`, open as long as the test; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port(fleet, "edi-in"))) as link,
        context.wrap_socket(link) as inside,
    ):
        yield inside.getsockname()[1]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_what_is_broken_and_why(
    fleet: Fleet, asking: Asking, state: dict[str, str], size: tuple[int, int]
) -> None:
    """On the first screen, worst first: in words, with what to do about the worst."""
    with Terminal(fleet.folder, size=size, environment=state) as terminal:
        person = Person(terminal)
        terminal.sees(
            r"^ ✖ DOWN backup +stunnel is not running",
            r"^ ✖ DOWN pgsql-eu +connect 127\.0\.0\.1:\d+ refused since \d\d:\d\d",
            r"^ ✖ DOWN erp +remote untrusted: issuer not in",
            r"^ ✖ CRIT billing +certificate expired 2 days ago",
            r"^ backup +stunnel is not running",
            r"→ .*stunnel.*/night\.conf|→ .*start",
        )
        asking.answered(f"what is broken, and why? ({size[0]} columns)", person)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_which_certificate_runs_out_next_and_did_the_renewal_arrive(
    fleet: Fleet, asking: Asking, state: dict[str, str], size: tuple[int, int]
) -> None:
    """The certificates, soonest first; what is renewed on disk and still not served is told apart."""
    with Terminal(fleet.folder, size=size, environment=state) as terminal:
        person = Person(terminal)
        terminal.sees(r"WARN edi-in +renewed on disk, old one .* 9→89d")
        person.press("3")
        terminal.sees(r"^ renew +−2d .*billing", r"^ renew +5d .*ldap", r"^ reload +9d .*edi\.corp\.example")
        asking.answered(f"which certificate is next, did it arrive? ({size[0]} columns)", person)


def test_what_happened_just_now(fleet: Fleet, asking: Asking, state: dict[str, str]) -> None:
    """A client that is turned away this moment, and none of our own probes between."""
    with Terminal(fleet.folder, environment=state) as terminal:
        person = Person(terminal)
        terminal.sees(r"DOWN pgsql-eu +connect")
        person.press("2")
        terminal.sees(r"─ log ─ all ─ following.* lines? of our own probes folded")
        with socket.create_connection(("127.0.0.1", port(fleet, "pgsql-eu"))) as link:
            mine = link.getsockname()[1]
            terminal.sees(rf"pgsql-eu +#\d+ accepted 127\.0\.0\.1:{mine}$")
        asking.answered("what happened just now?", person)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(("key", "says"), [("r", r"sessions?: "), ("R", r"sessions? cut off: ")])
def test_whom_do_i_touch(fleet: Fleet, asking: Asking, state: dict[str, str], key: str, says: str) -> None:
    """The dialog counts the open session among those that are touched, or that go."""
    with Terminal(f"{fleet.folder}/edi.conf", environment=state) as terminal:
        person = Person(terminal)
        terminal.sees("WARN edi-in +renewed on disk", "OK +as2")
        terminal.until(lambda: re.search(r"▲ WARN edi-in .*9→89d +[1-9]", terminal.text))
        person.press(key)
        terminal.sees(
            rf"touches +2 services, [1-9]\d* {says}.*edi-in \([1-9]\d*\)",
            r"certificate of \[edi-in\].*9 days left",
            # The fleet's starter owns its processes: what it would have to start again is left to it.
            r"\[ Cancel \] +Reload" if key == "r" else r"REFUSED +Its parent",
        )
        asking.answered(f"if I {'reload' if key == 'r' else 'restart'} this, whom do I touch?", person)


def test_will_it_come_back(fleet: Fleet, asking: Asking, state: dict[str, str]) -> None:
    """What stunnel would refuse is not begun: the dialog says why, and offers nothing but to close it."""
    with Terminal(f"{fleet.folder}/legacy.conf", environment=state) as terminal:
        person = Person(terminal)
        terminal.sees(r"DOWN testserver +legacy\.conf:8 refused")
        person.press("s")
        terminal.sees(r"REFUSED +.*legacy\.conf.*8", r"\[ Close \]$|\[ Close \] +│")
        asking.answered("will it come back?", person)


@pytest.mark.usefixtures("session")
def test_did_it_come_back(fleet: Fleet, asking: Asking, state: dict[str, str]) -> None:
    """Reloaded, and proved by handshakes: which certificate is served now, and how many services answer."""
    with Terminal(f"{fleet.folder}/edi.conf", environment=state) as terminal:
        person = Person(terminal)
        terminal.sees(r"WARN edi-in +renewed on disk", "OK +as2")
        person.press("r")
        person.take("Reload")
        person.press("enter")
        terminal.sees(
            r"reloaded in \d+\.\d s; serving the new certificate, 89 days left; 2 of 2 services answer"
        )
        asking.answered("did it come back?", person)
