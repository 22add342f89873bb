"""No secret of a configuration is shown, printed, copied, saved or kept, wherever it stands."""

import base64
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lab.bench import Bench, Lab
from tests.robust.conftest import Note
from tests.robust.measure import Ran, run
from tests.robust.vault import Vault, engines, gate, junk
from tests.ui.terminal import Terminal
from tuimon.model.failure import bug

pytestmark = pytest.mark.timeout(120)

TUIMON = (sys.executable, "-m", "tuimon")
TITLE = "secrets"


class House(NamedTuple):
    """What is looked at: the folder of the configurations, their secrets, the log, and where tuimon
    keeps what it keeps."""

    conf: Path
    vault: Vault
    log: Path
    state: Path
    key: Path


@pytest.fixture(scope="module")
def house(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A running stunnel that has said all it says, was changed on disk, and refuses the change; and a
    configuration that was never loaded."""
    vault, bench = Vault(), Bench(lab, "gate")
    proxy = lab.backend()
    text = gate(bench, vault, proxy)
    running = bench.start(text, "debug = 7")
    _call(int(re.findall(r"accept = 127.0.0.1:(\d+)", text)[2]))
    running.wait_for("Proxy-Authorization")
    state = tmp_path_factory.mktemp("state")
    (state / "quick.toml").write_text("[probes]\ntimeout = 1\nrepeat_after = 0.1\n")
    house = House(lab.conf, vault, bench.log, state, lab.folder / "both.pem")
    seen = _tuimon(house, "status", str(lab.conf))  # what is loaded is remembered
    assert "OK" in seen.out
    refused = junk(vault)
    bench.write(text.replace("[web]", "[web]\nTIMEOUTidle = 60") + refused, "debug = 7")
    running.reload(answer="Failed to reload the configuration file")
    with bench.log.open("a") as log:  # stunnel quotes but the first line that it refuses
        for line in filter(None, refused.splitlines()):
            log.write(f"2026.11.26 03:12:37 LOG3[main]: {bench.config}:1: \"{line}\": No '=' found\n")
    (lab.conf / "card.conf").write_text(f"foreground = yes\n{engines(vault)}")
    return house


def _call(port: int) -> None:
    """Come to a client service, and go when it has begun to speak to its proxy."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.settimeout(0.2)
        try:
            client.recv(1)
        except TimeoutError:
            return


def _tuimon(house: House, *arguments: str) -> Ran:
    kept = ("env", f"XDG_STATE_HOME={house.state}")
    return run((*kept, *TUIMON, "--config", str(house.state / "quick.toml"), *arguments), house.state)


COMMANDS: dict[str, Callable[[House], tuple[str, ...]]] = {
    "status": lambda house: ("status", str(house.conf)),
    "status --json": lambda house: ("status", "--json", str(house.conf)),
    "lint": lambda house: ("lint", str(house.conf)),
    "lint --json": lambda house: ("lint", "--json", str(house.conf)),
    "logs": lambda house: ("logs", str(house.log)),
    "logs --json": lambda house: ("logs", "--json", str(house.log)),
    "logs --connections": lambda house: ("logs", "--connections", str(house.log)),
    "certs": lambda house: ("certs", "--json", str(house.key)),
    "certs of a file of keys": lambda house: ("certs", str(house.key.parent / "keys.txt")),
    "reload": lambda house: ("reload", "--yes", str(house.conf / "gate.conf")),
    "start": lambda house: ("start", "--yes", str(house.conf / "card.conf")),
    "restart": lambda house: ("restart", "--dry-run", "--json", str(house.conf / "gate.conf")),
    "bundle": lambda house: ("bundle", str(house.conf / "gate.conf")),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_prints_one(house: House, name: str) -> None:
    """Neither as a table nor as JSON, nor in what is said on stderr."""
    done = _tuimon(house, *COMMANDS[name](house))
    assert "Traceback" not in done.err
    assert done.out + done.err
    assert house.vault.given_away(done.out + done.err) == []


def test_no_error_of_our_own_quotes_one(house: House) -> None:
    """What a bug stumbled over may be in its words."""
    secret = house.vault.word("an exception")
    failure = bug(ExceptionGroup(secret, [ValueError(secret), KeyError(secret)]))
    assert house.vault.given_away(repr(failure)) == []


@pytest.mark.pty
def test_no_screen_shows_one_and_no_copy_and_no_file_keeps_one(
    house: House, note: Note, tmp_path: Path
) -> None:
    """All panes and the page of every service, with everything copied, saved and exported there."""
    environment = {"XDG_STATE_HOME": str(house.state)}
    arguments = ("--config", str(house.state / "quick.toml"), str(house.conf))
    (tmp_path / "here").mkdir()
    painted = []
    with Terminal(
        *arguments, size=(200, 50), environment=environment, cwd=tmp_path / "here", as_left=True
    ) as screen:

        def see(*patterns: str) -> None:
            screen.sees(*patterns)
            painted.append(screen.text)

        see(r"web", r"proxy", r"run", r"dump", r"backup", r"card")
        for name in ("web", "proxy", "run", "dump", "backup", "card"):
            screen.press("/", *name, "enter")
            screen.until(lambda name=name: screen.line(rf"\b{name}\b") and not screen.line(r"enter keep"))
            screen.press("enter")
            see("Layers")
            screen.press("y", "S")
            see("saved as|saved")
            for _ in range(4):
                screen.press("\x04")
                painted.append(screen.text)
            screen.press("G")
            see(r"^ *seen +20")
            screen.press("1")
            see("STATE")
            screen.until(lambda: not screen.line(r"\d hidden") or screen.press("esc"))
        screen.press("b")
        see("saved as")
        screen.press("y", "Y", "X")
        see("export . row")
        screen.until(
            lambda: screen.press("l") or screen.line(r"\[ json \]")
        )  # what comes too soon is dropped
        screen.press("enter")
        screen.until(lambda: list((tmp_path / "here").glob("*.json")))
        screen.press("2")
        screen.sees("log . all .* levels 0 to 5")
        screen.press("L", "L", "L")  # up to 4, up to 3, all of them
        screen.until(lambda: screen.line("log . all") and not screen.line("levels 0 to"))
        for words in ("authorization", "gate.conf:1:"):
            screen.press("/", *words, "enter")
            see("Proxy-Authorization" if words == "authorization" else "No '=' found")
            screen.press("y", "S", "esc")
            screen.until(lambda words=words: not screen.line(f"log . .*{words}"))
        screen.press("v")
        painted.append(screen.text)
        screen.press("3")
        see("CERTIFICATE")
        screen.press("y", "S", "Y", "O", "enter")
        see("Names")
        screen.press("1", "a")
        see("Actions")
        screen.press("1")
        see("STATE")
        screen.press("q")
        screen.ended()
        raw = screen.raw
    copied = [base64.b64decode(each) for each in re.findall(rb"\x1b]52;c;([A-Za-z0-9+/=]*)", raw)]
    kept = [each for top in (tmp_path / "here", house.state) for each in top.rglob("*") if each.is_file()]
    kept = [each for each in kept if each.name not in {"out", "err"}]
    assert copied
    assert {"view.json"} <= {each.name for each in kept}
    for text in (raw.decode(), *painted, *(each.decode() for each in copied), *map(Path.read_text, kept)):
        assert house.vault.given_away(text) == []
    files = f"{len(kept)} files kept or saved, {len(copied)} copies"
    note(TITLE, f"{len(house.vault)} secrets: {len(COMMANDS)} commands, {len(raw)} bytes painted, {files}")
