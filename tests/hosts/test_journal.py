"""The journal of stunnel's units on a real systemd host: history, what follows, and who may read it."""

import json
from collections.abc import Iterator

import pytest

from tests.hosts.systemd_host import SystemdHost, systemd_host

pytestmark = pytest.mark.host

CONFIG = """foreground = yes
[echo]
accept = 127.0.0.1:8001
connect = 127.0.0.1:7000
cert = /etc/stunnel/cert.pem
key = /etc/stunnel/key.pem
"""
ISSUE = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=tunnel"
UNIT = "stunnel@echo.service"
FOLLOW = """
import asyncio, json, sys
from tuimon.collect.journal import Journal
from tuimon.host.local import LocalHost
from tuimon.model.tunnel import Interest

async def main():
    host, said, reloaded = LocalHost(), [], asyncio.Event()
    def publish(event):
        first = not said
        said.append((event.first, [(record.event, record.message) for record in event.records]))
        if first:
            hangup = ("systemctl", "kill", "-s", "HUP", sys.argv[1])
            asyncio.get_running_loop().create_task(host.run(hangup, 9))
        if not event.first and any(record.event == "config-ok" for record in event.records):
            reloaded.set()
    journal = Journal(host)
    journal.want(Interest(logs=frozenset(("journal:" + sys.argv[1],))))
    collecting = asyncio.create_task(journal.run(publish))
    async with asyncio.timeout(20):
        await reloaded.wait()
    collecting.cancel()
    await asyncio.gather(collecting, return_exceptions=True)
    await host.close()
    print(json.dumps(said))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def host() -> Iterator[SystemdHost]:
    """One instance of Debian's `stunnel@.service` with all defaults: it logs to the journal."""
    with systemd_host("journal") as host:
        host.run(*ISSUE.split(), "-keyout", "/etc/stunnel/key.pem", "-out", "/etc/stunnel/cert.pem")
        host.write("/etc/stunnel/echo.conf", CONFIG)
        host.run("systemctl", "start", UNIT)
        host.wait_for("Configuration successful", "journalctl", "--no-pager", "--unit", UNIT)
        yield host


def test_history_comes_first_and_a_reload_follows(host: SystemdHost) -> None:
    """Every line once, although `foreground = yes` sends it to syslog and to stderr."""
    said = json.loads(host.python("-c", FOLLOW, UNIT).stdout)
    history = [event for first, records in said if first for event, _ in records]
    followed = [event for first, records in said if not first for event, _ in records]
    assert history.count("started") == 1
    assert history.count("config-ok") == 1
    assert followed.count("config-ok") == 1


def test_the_journal_tells_when_the_configuration_was_loaded(host: SystemdHost) -> None:
    """Status knows the version and the load from the journal alone: there is no log file."""
    found = json.loads(host.python("-m", "tuimon", "status", "--json").stdout)
    (instance,) = (each for each in found["instances"] if each["config"] == "/etc/stunnel/echo.conf")
    assert instance["unit"] == UNIT
    assert instance["version"].startswith("5.")
    assert instance["loaded_at"] is not None


def test_a_user_without_the_group_is_told(host: SystemdHost) -> None:
    """What may not be seen is said, with what would help."""
    done = host.run(
        *("setpriv", "--reuid", "65534", "--clear-groups", "journalctl", "--no-pager", "--unit", UNIT),
        check=False,
    )
    assert "insufficient permissions" in done.stderr or "not seeing messages" in done.stderr
    table = host.python("-m", "tuimon", "status", user="nobody").stdout
    assert "needs group systemd-journal" in table
