"""The incident bundle: what a ticket needs is in it, what nobody may know is not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures import Pki, Stunnel
from tests.ui.fed import FedWorld
from tests.ui.terminal import ROOT, Terminal
from tuimon.bundle import bundle
from tuimon.diagnose.finding import label
from tuimon.model.action import Logged
from tuimon.model.service import MASK

SECRET = "canary-7c1e"  # noqa: S105 - what must never be seen
SECTIONS = f"""
[web]
accept = 127.0.0.1:8443
connect = 127.0.0.1:8080
cert = {{pki}}/server.pem
key = {{pki}}/server.key
ticketKeySecret = {SECRET}
; protocolPassword = {SECRET}
[out]
client = yes
accept = 127.0.0.1:6379
connect = 10.1.4.9:6380
protocol = connect
protocolHost = far.example:6380
protocolUsername = me
protocolPassword = {SECRET}
"""


def test_it_says_what_is_wrong_and_what_was_done_and_no_secret(pki: Pki) -> None:
    """Findings, handshake, chain, masked configuration, log, actions."""
    world = FedWorld(pki, SECTIONS)
    world.begin()
    world.probed(world.good("expired"), 0)
    world.log(world.line("Service [web] accepted connection from 10.0.0.9:51522", log_id="9"))
    done = Logged(world.now, "root", "reload", "/etc/stunnel/web.conf", "kill -HUP", "verified", "reloaded")
    store = world.store
    text = bundle(store, [row.instance.key for row in store.instances()], [done])
    for wanted in (
        "# tuimon on gw-01, ",
        "## web: ✖ CRIT",
        "`cert-not-loaded`",
        "to do: ",
        "-----BEGIN CERTIFICATE-----",
        "## /etc/stunnel/web.conf",
        "pid 4711 /usr/bin/stunnel4",
        "accept = 127.0.0.1:8443",
        "accepted connection from 10.0.0.9:51522",
        "root reload /etc/stunnel/web.conf: verified reloaded",
    ):
        assert wanted in text, wanted
    assert MASK in text
    assert SECRET not in text
    assert "PRIVATE KEY" not in text


def test_it_is_bounded(pki: Pki) -> None:
    """A log of a hundred thousand lines, of which the last count."""
    world = FedWorld(pki, SECTIONS)
    world.begin()
    world.log(*(world.line(f"line {number}") for number in range(30_000)))
    text = bundle(world.store, [row.instance.key for row in world.store.instances()], [])
    assert "line 29999" in text
    assert "line 20000" not in text
    assert text.count("\n") < 5000


def test_the_command_prints_it_of_a_real_stunnel(
    start_stunnel: Callable[..., Stunnel], tmp_path: Path
) -> None:
    """One instance by its path; another one is not in it."""
    server = start_stunnel("[web]\naccept = 127.0.0.1:0\nconnect = 127.0.0.1:9\nTIMEOUTclose = 0\n")
    done = subprocess.run(
        [sys.executable, "-m", "tuimon", "bundle", str(server.config)],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"## {server.config}" in done.stdout
    assert f"pid {server.pid} " in done.stdout
    assert "Configuration successful" in done.stdout


@pytest.mark.pty
def test_b_saves_it_and_says_where(tmp_path: Path) -> None:
    """In the current folder, readable by nobody else; a second one beside it."""
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    (tmp_path / "state" / "tuimon").mkdir(parents=True)
    place = tmp_path / "here"
    place.mkdir()
    with Terminal(module="tests.ui.gateway", size=(120, 36), environment=state, cwd=place) as terminal:
        terminal.sees(r"DOWN pgsql-eu")
        terminal.press("b")
        terminal.sees("saved as")
        terminal.press("b")
        terminal.until(lambda: len(list(place.iterdir())) == 2)
    for file in place.iterdir():
        assert file.name.startswith("tuimon-gw-01-web-20261126T")
        assert file.stat().st_mode & 0o777 == 0o600
        assert "## pgsql-eu: ✖ DOWN" in file.read_text()


def test_markup_of_a_stranger_stays_text_in_a_ticket(pki: Pki) -> None:
    """A name that is an image in Markdown, a log line and a comment that would end the fence around them."""
    image = "![x](http://far.example/seen.png)<b>"
    ticks = "`" * 5
    world = FedWorld(pki, f"; {ticks}\n" + SECTIONS.replace("[out]", f"[out{image.replace(']', '')}]"))
    world.begin()
    world.log(world.line(f"Service [web] {image}"), world.line(ticks))
    text = bundle(world.store, [row.instance.key for row in world.store.instances()], [])
    outside, fence = [], ""
    for line in text.splitlines():
        if not fence and line.startswith("```"):
            fence = line.rstrip("dif")
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence:
            outside.append(line)
    assert fence == ""
    assert image in text
    assert ticks in text
    assert [line for line in outside if "far.example" in line] == [
        r"## out\!\[x(http://far.example/seen.png)\<b\>: " + label(world.row(1).state)
    ]
    assert not [line for line in outside if ticks in line]
