"""An operator without rights on a real host: sudo, asked on the terminal of the screen itself, and polkit."""

import json
from collections.abc import Iterator

import pytest

from tests.hosts.systemd_host import SystemdHost, systemd_host
from tests.hosts.yard import FOLDER, ISSUE, prepare
from tests.ui.terminal import Terminal

pytestmark = [pytest.mark.host, pytest.mark.pty]

RIGHT = "\x1b[C"
PASSWORD = "correct horse"  # noqa: S105 - of a user who ends with the host
RULE = """
polkit.addRule(function(action, subject) {
    var units = action.id == "org.freedesktop.systemd1.manage-units";
    if (units && subject.user == "may") return polkit.Result.YES;
});
"""
SECTION = """foreground = yes
[web]
accept = 127.0.0.1:8001
connect = 127.0.0.1:7000
cert = {0}/cert.pem
key = {0}/key.pem
"""


@pytest.fixture(scope="module")
def host() -> Iterator[SystemdHost]:
    """One tunnel under its unit, renewed on disk; `op` may become root through sudo, with a password."""
    with systemd_host("gw-04") as booted:
        prepare(booted)
        booted.run("chmod", "644", f"{FOLDER}/key.pem")
        booted.run("systemctl", "start", "echo.socket")
        booted.write(f"{FOLDER}/web.conf", SECTION.format(FOLDER))
        booted.run("systemctl", "enable", "--now", "stunnel@web.service")
        booted.wait_for("127.0.0.1:8001 ", "ss", "--listening", "--tcp", "--numeric")
        booted.run(
            *ISSUE.replace("-days 90", "-days 200").split(),
            "-keyout",
            f"{FOLDER}/key.pem",
            "-out",
            f"{FOLDER}/cert.pem",
        )
        booted.run("chmod", "644", f"{FOLDER}/key.pem")
        booted.run("/usr/sbin/useradd", "--create-home", "op")
        booted.run("sh", "-c", f"echo 'op:{PASSWORD}' | /usr/sbin/chpasswd")
        booted.write("/etc/sudoers.d/op", "op ALL=(root) ALL\n", 0o440)
        booted.run("/usr/sbin/useradd", "may")
        booted.write("/etc/polkit-1/rules.d/50-may.rules", RULE)
        booted.run("systemctl", "start", "polkit.service")
        yield booted


@pytest.fixture
def window(host: SystemdHost) -> Iterator[Terminal]:
    """The screen as `op` sees it."""
    enter = ("nsenter", f"--target={host.pid}", "--all", "--root", "--wd")
    become = ("setpriv", "--reuid=op", "--regid=op", "--init-groups", "env", "HOME=/home/op")
    with Terminal(f"{FOLDER}/web.conf", size=(100, 30), by=(*enter, *become)) as terminal:
        terminal.sees(r"web +")
        yield terminal


def begin(terminal: Terminal, word: str) -> None:
    """Wait until the dialog offers `word`, move to it and take it."""

    def moved() -> bool:
        terminal.press(RIGHT)
        return bool(terminal.line(rf"\[ {word}"))

    terminal.until(moved)
    terminal.press("enter")


def test_sudo_is_asked_on_the_terminal_and_the_reload_is_proved(window: Terminal) -> None:
    """Refused first, with the command; then sudo asks for the password itself; a handshake proves it."""
    window.sees(r"WARN +web +renewed on disk")
    window.press("r")
    begin(window, "Reload")
    window.sees(r"this user may not", r"→ sudo systemctl", r"\[ Close \] +With sudo, on this terminal")
    begin(window, "With sudo")
    window.sees(r"password for op")
    window.press(f"{PASSWORD}\n")
    window.sees(r"reloaded in \d+\.\d s; serving the new certificate, \d+ days left; 1 of 1 service answers?")
    assert PASSWORD not in window.text


def test_a_sudo_that_refuses_leaves_everything_as_it_is(window: Terminal, host: SystemdHost) -> None:
    """A wrong password, three times: the dialog says so, and the tunnel runs on."""
    before = host.run("systemctl", "show", "--property=MainPID", "stunnel@web.service").stdout
    host.run("rm", "-rf", "/run/sudo/ts/op")
    window.press("R")
    begin(window, "Restart")
    window.sees(r"this user may not")
    begin(window, "With sudo")
    for count in range(3):
        window.until(lambda wanted=count + 1: window.raw.count(b"password for op") >= wanted)  # type: ignore[misc]
        window.press("wrong\n")
    window.sees(r"✖ .*sudo did not let you: 3 incorrect password attempts", r"\[ Close \]")
    assert host.run("systemctl", "show", "--property=MainPID", "stunnel@web.service").stdout == before


def test_what_polkit_allows_needs_no_password(host: SystemdHost) -> None:
    """systemd asks polkit: one user may, and the restart is proved; the other may not."""
    words = ("-m", "tuimon", "restart", f"{FOLDER}/web.conf", "--yes", "--json")
    before = host.run("systemctl", "show", "--property=MainPID", "stunnel@web.service").stdout
    refused = json.loads(host.python(*words, user="op").stdout)["actions"][0]
    assert (refused["result"], refused["fix"]) == ("refused", "sudo systemctl restart stunnel@web.service")
    assert host.run("systemctl", "show", "--property=MainPID", "stunnel@web.service").stdout == before
    done = json.loads(host.python(*words, user="may").stdout)["actions"][0]
    assert (done["result"], "1 of 1 service answers" in done["verdict"]) == ("verified", True), done
    assert host.run("systemctl", "show", "--property=MainPID", "stunnel@web.service").stdout != before


def test_a_terminal_that_closes_in_the_middle_leaves_no_half_done_restart(
    host: SystemdHost, window: Terminal
) -> None:
    """sudo runs, the window is shut: the unit was restarted whole, or not at all."""
    host.run("rm", "-rf", "/run/sudo/ts/op")
    window.press("R")
    begin(window, "Restart")
    window.sees(r"this user may not")
    begin(window, "With sudo")
    window.until(lambda: b"password for op" in window.raw)
    window.close()
    window.process.wait(20)
    state = host.run("systemctl", "show", "--property=ActiveState,SubState", "stunnel@web.service").stdout
    assert state == "ActiveState=active\nSubState=running\n"
