"""`tuimon drill` on a booted host: what would not come back after a reboot, and what would."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.systemd_host import SystemdHost, systemd_host
from tests.hosts.yard import FOLDER, ISSUE, Turn, Yard, build, prepare
from tests.lab.row import Fault, Shelf

pytestmark = pytest.mark.host

shelf = Shelf()
row = shelf.fault


def up(yard: Yard) -> Turn:
    """Enabled and running."""
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.serves()


@shelf.healthy
def sound(yard: Yard) -> Turn:
    yard.config()
    yield from up(yard)


@shelf.healthy
def pid_file_where_the_unit_makes_room(yard: Yard) -> Turn:
    yard.config("pid = /run/own-room/a.pid")
    yard.drop_in("RuntimeDirectory=own-room")
    yield from up(yard)


@shelf.healthy
def pid_file_where_tmpfiles_makes_room(yard: Yard) -> Turn:
    yard.config("pid = /run/tmpfiles-room/a.pid")
    yard.host.write("/etc/tmpfiles.d/room.conf", "d /run/tmpfiles-room 0755 root root -\n")
    yard.host.run("mkdir", "/run/tmpfiles-room")
    yield from up(yard)


@row("runtime-dir-missing", "/run/nobodys-room of `pid`")
def pid_file_where_nobody_makes_room(yard: Yard) -> Turn:
    yard.config("pid = /run/nobodys-room/a.pid")
    yard.host.run("mkdir", "/run/nobodys-room")
    yield from up(yard)


@row("unit-disabled", "nothing starts it")
def not_enabled(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.start()
    yield
    yard.serves()


@row("unit-disabled", "nothing starts it", "started by hand")
def by_hand(yard: Yard) -> Turn:
    yard.config(foreground="")
    yield
    yard.hand("/usr/bin/stunnel4", yard.config_path)
    yield
    yard.serves()


@row("unit-type", "would end at once")
def detaches(yard: Yard) -> Turn:
    yard.config(foreground="")
    yield
    yard.systemctl("enable")
    yard.hand("/usr/bin/stunnel4", yard.config_path)
    yield
    yard.serves()


@row("config-error", "stunnel would refuse it", "oops")
def broken_since(yard: Yard) -> Turn:
    yard.config()
    yield from up(yard)
    yard.config("oops = 1")


@row(
    "key-mismatch", "stunnel would refuse it: [key-replaced-since]", "key-replaced-since.key does not belong"
)
def key_replaced_since(yard: Yard) -> Turn:
    own = f"{FOLDER}/{yard.name}"
    yard.host.run(*ISSUE.split(), "-keyout", f"{own}.key", "-out", f"{own}.pem")
    yard.config(cert=yard.name)
    yield from up(yard)
    yard.host.run("cp", f"{FOLDER}/key.pem", f"{own}.key")


@row("ca-missing", "stunnel would refuse it", "CAfile")
def authority_gone(yard: Yard) -> Turn:
    authority = f"{FOLDER}/{yard.name}-ca.pem"
    yard.host.run("cp", f"{FOLDER}/cert.pem", authority)
    yard.config(f"CAfile = {authority}", "verifyChain = yes")
    yield from up(yard)
    yard.host.run("rm", authority)


@row("duplicate-accept", "is also asked for by [second-of-two]")
def first_of_two(yard: Yard) -> Turn:
    yard.port = 7999
    yard.config()
    yield from up(yard)


@row("duplicate-accept", "is also asked for by [first-of-two]")
def second_of_two(yard: Yard) -> Turn:
    yard.port = 7999
    yard.config()
    yield
    yard.systemctl("enable")
    yield


@row("boot-order", "network-online.target")
def address_of_one_interface(yard: Yard) -> Turn:
    yard.host.run("ip", "address", "add", "10.9.8.7/32", "dev", "lo")
    text = f"foreground = yes\n[{yard.name}]\naccept = 10.9.8.7:{yard.port}\nconnect = 127.0.0.1:7000\n"
    yard.host.write(yard.config_path, f"{text}cert = {FOLDER}/cert.pem\nkey = {FOLDER}/key.pem\n")
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.host.wait_for(f"10.9.8.7:{yard.port} ", "ss", "--listening", "--tcp", "--numeric")


@pytest.fixture(scope="module")
def drilled() -> Iterator[dict[str, dict[str, Any]]]:
    """One rehearsal on one host, by configuration."""
    with systemd_host("gw-03") as host:
        prepare(host)
        build(host, shelf.faults)
        yield {each["config"]: each for each in told(host)}


def told(host: SystemdHost) -> list[dict[str, Any]]:
    done = host.python("-m", "tuimon", "drill", "--json")
    assert (done.returncode, done.stderr) == (2, "")
    document: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return document["instances"]


@pytest.mark.parametrize("fault", shelf.faults, ids=[fault.name for fault in shelf.faults])
def test_what_stands_against_a_boot_is_named(drilled: dict[str, dict[str, Any]], fault: Fault) -> None:
    """The first finding is the reason; whatever would come back has none."""
    instance = drilled[f"{FOLDER}/{fault.name}.conf"]
    findings = instance["findings"]
    assert instance["expected"]
    if not fault.codes:
        assert (instance["survives"], findings) == (True, [])
        return
    assert findings, instance
    assert findings[0]["code"] in fault.codes
    assert all(word in findings[0]["text"] for word in fault.words), findings
    assert instance["survives"] is (findings[0]["severity"] != "critical")
