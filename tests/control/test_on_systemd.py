"""Actions on a booted systemd host, as a user gives them: `tuimon reload …` run inside.

Units of every make, Debian's init script with several instances, users without rights, and units that
take their time.
"""

import json
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.systemd_host import PROJECT, SystemdHost, systemd_host
from tests.hosts.yard import FOLDER, Yard, prepare

pytestmark = [pytest.mark.host, pytest.mark.timeout(120)]
INIT = "/etc/init.d/stunnel4"


@pytest.fixture(scope="module")
def gateway() -> Iterator[SystemdHost]:
    """A host with a back end and a certificate."""
    with systemd_host("gw-act") as host:
        prepare(host)
        host.run("systemctl", "daemon-reload")
        host.run("systemctl", "start", "echo.socket")
        yield host


@pytest.fixture
def yard(gateway: SystemdHost, request: pytest.FixtureRequest) -> Iterator[Yard]:
    """One instance's part of the host, named after the test; whatever runs at its end is stopped."""
    name = "stunnel-" + re.sub("[^a-z]+", "-", request.node.name.removeprefix("test_"))[:40]
    port = 8001 + [each.name for each in request.session.items].index(request.node.name) % 900
    yard = Yard(gateway, name, port)
    yield yard
    gateway.run("systemctl", "stop", yard.unit_name, check=False)
    for pid in pids(yard):
        gateway.run("kill", "-TERM", str(pid), check=False)


def act(yard: Yard, action: str, *more: str, target: str = "", user: str = "") -> dict[str, Any]:
    """Give one command; what it says of the instance, and its exit status."""
    words = ("--yes", "--json", *more)
    done = yard.host.python("-m", "tuimon", action, target or yard.config_path, *words, user=user)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)["actions"][0]
    notes = (*told["refusals"], *told["warnings"])
    told["said"] = " | ".join((told["verdict"], *(f"{each['code']}: {each['text']}" for each in notes)))
    return told | {"status": done.returncode}


def pids(yard: Yard) -> list[int]:
    """Processes that run the configuration, by their command line."""
    done = yard.host.run("pgrep", "--full", "--exact", f"/usr/bin/stunnel4 {yard.config_path}", check=False)
    return list(map(int, done.stdout.split()))


def main_pid(yard: Yard) -> int:
    """What systemd says."""
    return int(yard.host.run("systemctl", "show", "--property=MainPID", "--value", yard.unit_name).stdout)


def serve(yard: Yard, *service: str, **config: Any) -> int:
    """Start its unit and wait until it listens; returns its main pid."""
    yard.config(**config)
    if service:
        yard.unit(*service)
    yard.host.run("systemctl", "daemon-reload")
    yard.start()
    yard.serves()
    return main_pid(yard)


def test_reload_of_debians_unit_reaches_the_main_process_only(yard: Yard) -> None:
    """It has no ExecReload, and a signal to the whole group would end programs that serve clients."""
    section = "[shell]\naccept = 127.0.0.1:7100\nexec = /bin/sleep\nexecArgs = sleep 1000\n"
    section += f"cert = {FOLDER}/cert.pem\nkey = {FOLDER}/key.pem\n"
    yard.config()
    with open(f"/proc/{yard.host.pid}/root{yard.config_path}", "a", encoding="utf-8") as file:
        file.write(section)
    yard.start()
    yard.serves()
    client = "sleep 1000 | openssl s_client -connect 127.0.0.1:7100"
    yard.host.run("systemd-run", "--quiet", "--unit=client", "sh", "-c", client)
    before, ours = main_pid(yard), ("pgrep", "--parent", str(main_pid(yard)))
    yard.host.wait_for("\n", *ours)
    child = yard.host.run(*ours).stdout
    told = act(yard, "reload")
    assert (told["status"], told["result"], told["door"]) == (0, "verified", "unit"), told["said"]
    assert told["argv"] == ["systemctl", "kill", "--kill-who=main", "--signal=HUP", yard.unit_name]
    assert main_pid(yard) == before
    assert yard.host.run(*ours).stdout == child
    stop = act(yard, "stop", "--dry-run")
    yard.host.run("systemctl", "stop", "client.service")
    assert "children-ended: programs that it runs for clients end: sleep" in stop["said"]


def test_reload_by_the_unit_where_it_knows_how(yard: Yard) -> None:
    """An ExecReload is what its author wants to be done."""
    before = serve(yard, "ExecReload=/bin/kill -HUP $MAINPID")
    told = act(yard, "reload", target=yard.unit_name)
    assert (told["status"], told["argv"]) == (0, ["systemctl", "reload", yard.unit_name]), told["said"]
    assert main_pid(yard) == before


def test_restart_stop_and_start_of_a_template_instance(yard: Yard) -> None:
    """Each is proved: another pid, no process, a process that serves."""
    before = serve(yard)
    told = act(yard, "restart")
    assert (told["status"], told["argv"]) == (0, ["systemctl", "restart", yard.unit_name]), told["said"]
    assert main_pid(yard) not in {0, before}
    told = act(yard, "stop", target=yard.unit_name.removesuffix(".service"))
    assert (told["status"], pids(yard)) == (0, []), told["said"]
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]
    assert told["verdict"].endswith("1 of 1 service answers")


def test_a_target_by_pid(yard: Yard) -> None:
    """What `ps` showed is enough."""
    before = serve(yard)
    told = act(yard, "reload", target=str(before))
    assert (told["status"], told["instance"]) == (0, yard.config_path), told["said"]


@pytest.mark.parametrize(
    ("kind", "foreground", "words"),
    [
        ("Type=simple", "", "no `foreground = yes`"),
        ("Type=forking", "yes", "would wait for it in vain"),
        ("Type=notify", "yes", "stunnel never tells systemd"),
    ],
)
def test_start_of_a_unit_that_cannot_hold_it(yard: Yard, kind: str, foreground: str, words: str) -> None:
    """systemd would end it at once, or wait for it until its timeout."""
    yard.config(foreground=foreground)
    yard.unit(kind)
    yard.host.run("systemctl", "daemon-reload")
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert words in told["said"]


def test_restart_of_what_lost_its_foreground(yard: Yard) -> None:
    """It serves; after the restart systemd would end it at once, without an error anywhere."""
    before = serve(yard)
    yard.config(foreground="")
    told = act(yard, "restart")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert "no `foreground = yes`" in told["said"]
    assert main_pid(yard) == before


def test_masked_unit(yard: Yard) -> None:
    """Somebody wants it never to start."""
    yard.config()
    yard.host.run("systemctl", "mask", yard.unit_name)
    told = act(yard, "start")
    yard.host.run("systemctl", "unmask", yard.unit_name)
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]


def test_unit_that_refuses_to_be_stopped_by_hand(yard: Yard) -> None:
    """RefuseManualStop is seen before anything is tried."""
    yard.config()
    yard.unit()
    path = f"/etc/systemd/system/{yard.unit_name}"
    yard.host.run("sed", "--in-place", "s/\\[Unit\\]/[Unit]\\nRefuseManualStop=yes/", path)
    yard.host.run("systemctl", "daemon-reload")
    yard.start()
    yard.serves()
    before = main_pid(yard)
    for action in ("restart", "stop"):
        told = act(yard, action)
        assert (told["status"], told["result"]) == (2, "refused"), told["said"]
        assert "RefuseManualStop" in told["said"]
    assert main_pid(yard) == before
    yard.host.run("kill", "-TERM", str(before))


def test_start_that_fails_says_what_stunnel_said(yard: Yard) -> None:
    """Only the unit's own mount namespace is read-only: nobody can know before."""
    yard.config("output = /var/log/sealed.log")
    yard.unit("ProtectSystem=strict")
    yard.host.run("systemctl", "daemon-reload")
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (2, "failed"), told["said"]
    assert "annot open log file" in told["verdict"], told["said"]


def test_unit_that_takes_its_time(yard: Yard) -> None:
    """It is waited for, with a word now and then, and proved all the same."""
    serve(yard, "ExecStop=/bin/sleep 7", "TimeoutStopSec=90")
    told = act(yard, "restart")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]
    assert told["seconds"] > 7


def test_units_that_go_down_with_it_are_named(yard: Yard) -> None:
    """Whoever requires it is stopped with it."""
    serve(yard)
    needs = (
        f"[Unit]\nRequires={yard.unit_name}\nAfter={yard.unit_name}\n[Service]\nExecStart=/bin/sleep 1000\n"
    )
    yard.host.write("/etc/systemd/system/billing.service", needs)
    yard.host.run("systemctl", "daemon-reload")
    yard.host.run("systemctl", "start", "billing.service")
    told = act(yard, "stop", "--dry-run")
    assert "billing.service" in told["touches"]["units"], told["said"]
    assert "units-follow" in told["said"]


def test_program_of_a_unit_that_a_user_could_replace(yard: Yard) -> None:
    """systemd would run it as root."""
    yard.host.run("mkdir", "-p", "/opt/bert")
    yard.host.run("cp", "/usr/bin/stunnel4", "/opt/bert/stunnel4")
    yard.host.run("chown", "nobody", "/opt/bert")
    yard.config()
    yard.unit(start=f"/opt/bert/stunnel4 {yard.config_path}")
    yard.host.run("systemctl", "daemon-reload")
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert "/opt/bert belongs to user 65534" in told["said"]
    yard.unit("User=nobody", start=f"/opt/bert/stunnel4 {yard.config_path}")
    yard.host.run("chown", "nobody", f"{FOLDER}/key.pem")
    yard.host.run("systemctl", "daemon-reload")
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]
    yard.systemctl("stop")
    yard.host.run("chown", "root", f"{FOLDER}/key.pem")


def test_sockets_that_systemd_holds(yard: Yard) -> None:
    """After a reload they are the same sockets: the log alone proves it."""
    yard.config()
    yard.unit()
    socket = f"[Socket]\nListenStream=127.0.0.1:{yard.port}\n"
    yard.host.write(f"/etc/systemd/system/{yard.name}.socket", socket)
    yard.host.run("systemctl", "daemon-reload")
    yard.host.run("systemctl", "start", f"{yard.name}.socket")
    yard.start()
    told = act(yard, "reload")
    yard.host.run("systemctl", "stop", f"{yard.name}.socket")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]
    assert "were handed to it" in told["said"]


def test_user_without_the_right(yard: Yard) -> None:
    """Nothing happens, and the exact command is there to copy."""
    before = serve(yard)
    told = act(yard, "restart", user="nobody")
    assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    assert told["fix"] == f"sudo systemctl restart {yard.unit_name}"
    assert main_pid(yard) == before


def test_read_only(yard: Yard) -> None:
    """Whoever may only look acts on nothing, whatever else is said."""
    before = serve(yard)
    done = yard.host.python("-m", "tuimon", "restart", yard.config_path, "--yes", "--read-only")
    assert done.returncode == 2
    assert "read-only" in done.stdout
    assert main_pid(yard) == before


def test_one_instance_of_the_init_script_and_no_other(yard: Yard) -> None:
    """Without its name, and through systemd's redirection, the script would act on all of them."""
    other = Yard(yard.host, f"{yard.name}-b", yard.port + 1000)
    for each in (yard, other):
        each.config(f"pid = /run/{each.name}.pid", foreground="")
    yard.host.write("/etc/default/stunnel4", f'FILES="{yard.config_path} {other.config_path}"\n')
    yard.host.run("systemctl", "start", "stunnel4.service")
    for each in (yard, other):
        each.serves()
    mine, theirs = pids(yard), pids(other)
    told = act(yard, "reload")
    assert (told["status"], told["door"]) == (0, "init-script"), told["said"]
    assert told["argv"] == ["env", "SYSTEMCTL_SKIP_REDIRECT=1", INIT, "reload", yard.name]
    assert (pids(yard), pids(other)) == (mine, theirs)
    told = act(yard, "restart")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]
    assert pids(yard) != mine
    assert pids(other) == theirs
    told = act(yard, "stop")
    assert (told["status"], pids(yard), pids(other)) == (0, [], theirs), told["said"]
    yard.host.run("systemctl", "stop", "stunnel4.service")


def test_instance_that_the_init_script_cannot_tell(yard: Yard) -> None:
    """It has no pid file: a signal to the process itself is what is left, and reaches nobody else."""
    yard.config(foreground="")
    yard.host.write("/etc/default/stunnel4", f'FILES="{yard.config_path}"\n')
    yard.host.run("systemctl", "start", "stunnel4.service", check=False)
    yard.serves()
    told = act(yard, "reload")
    assert (told["status"], told["door"]) == (0, "direct"), told["said"]
    told = act(yard, "restart")
    assert (told["status"], told["door"], len(pids(yard))) == (0, "direct", 1), told["said"]
    group = yard.host.run("cat", f"/proc/{pids(yard)[0]}/cgroup").stdout
    assert "stunnel4.service" in group
    yard.host.run("systemctl", "stop", "stunnel4.service")


def test_one_of_many_that_a_unit_started(yard: Yard) -> None:
    """The unit owns it, together with others: its restart is not ours to decide."""
    yard.config(foreground="")
    script = f"#!/bin/sh\n/usr/bin/stunnel4 {yard.config_path}\nexec sleep 1000\n"
    yard.host.write("/usr/local/bin/farm", script, 0o755)
    yard.unit(start="/usr/local/bin/farm")
    yard.host.run("systemctl", "daemon-reload")
    yard.start()
    yard.serves()
    before = pids(yard)
    told = act(yard, "restart")
    assert (told["status"], told["door"]) == (2, "none"), told["said"]
    assert f"unit {yard.unit_name}" in told["said"].lower()
    assert told["argv"] == ["systemctl", "restart", yard.unit_name]
    told = act(yard, "reload")
    assert (told["status"], told["door"], pids(yard)) == (0, "direct", before), told["said"]


def test_the_default_file(yard: Yard) -> None:
    """`stunnel` without an argument reads /etc/stunnel/stunnel.conf."""
    yard.config_path = f"{FOLDER}/stunnel.conf"
    yard.config(foreground="")
    yard.host.run("/usr/bin/stunnel4")
    yard.serves()
    for action in ("reload", "restart", "stop"):
        told = act(yard, action)
        assert (told["status"], told["result"]) == (0, "verified"), told["said"]


def test_a_configuration_from_a_descriptor(yard: Yard) -> None:
    """A reload would take the number for a file's name, and nobody could give it to another process."""
    yard.config(foreground="")
    yard.host.run("sh", "-c", f"exec /usr/bin/stunnel4 -fd 3 3<{yard.config_path}")
    yard.serves()
    found = yard.host.run("pgrep", "--full", "stunnel4 -fd 3").stdout.split()[0]
    for action in ("reload", "restart"):
        told = act(yard, action, target=found)
        assert (told["status"], told["result"]) == (2, "refused"), told["said"]
    told = act(yard, "stop", target=found)
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]


def test_a_unit_that_systemd_would_not_start_so_often(yard: Yard) -> None:
    """Its start limit is hit: said with what resets it."""
    yard.config()
    yard.unit(install="WantedBy=multi-user.target")
    path = f"/etc/systemd/system/{yard.unit_name}"
    yard.host.run(
        "sed", "--in-place", "s/\\[Unit\\]/[Unit]\\nStartLimitBurst=1\\nStartLimitIntervalSec=1h/", path
    )
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    yard.systemctl("stop")
    told = act(yard, "start")
    assert (told["status"], told["result"]) == (2, "failed"), told["said"]
    assert "repeated too quickly" in told["verdict"], told["said"]
    assert told["fix"].startswith(f"systemctl reset-failed {yard.unit_name}"), told["said"]


def test_tuimon_killed_while_a_unit_takes_its_time(yard: Yard) -> None:
    """systemd has the job: it is done without us."""
    before = serve(yard, "ExecStop=/bin/sleep 3")
    command = (sys.executable, "-m", "tuimon", "restart", yard.config_path, "--yes")
    yard.host.run("systemd-run", "--quiet", "--unit=act", f"--setenv=PYTHONPATH={PROJECT}", *command)
    yard.until("ActiveState", "deactivating")
    yard.host.run("systemctl", "kill", "--signal=KILL", "act.service")
    yard.until("ActiveState", "active")
    yard.serves()
    assert main_pid(yard) not in {0, before}


def test_tuimon_killed_while_the_init_script_restarts(yard: Yard) -> None:
    """The script has a session and files of its own: neither the end of ours nor a pipe ends it half-way."""
    yard.config(f"pid = /run/{yard.name}.pid", foreground="")
    yard.host.write("/etc/default/stunnel4", f'FILES="{yard.config_path}"\nsleep 2\n')
    yard.host.run("systemctl", "start", "stunnel4.service")
    yard.serves()
    before = pids(yard)
    command = (sys.executable, "-m", "tuimon", "restart", yard.config_path, "--yes")
    yard.host.run(
        "systemd-run",
        "--quiet",
        "--unit=act-script",
        "--property=KillMode=process",
        f"--setenv=PYTHONPATH={PROJECT}",
        *command,
    )
    yard.host.wait_for(INIT, "pgrep", "--list-full", "--full", f"{INIT} restart")
    yard.host.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", "act-script.service")
    assert pids(yard) == before
    yard.host.wait_for(f"127.0.0.1:{yard.port} ", "ss", "--listening", "--tcp", "--numeric")
    deadline = time.monotonic() + 20
    while pids(yard) in ([], before):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yard.serves()
    yard.host.run("systemctl", "stop", "stunnel4.service")


def test_own_process_of_a_plain_user(yard: Yard) -> None:
    """What is one's own needs nobody's leave, and no home for the action log."""
    yard.config(f"output = /tmp/{yard.name}.log", foreground="")
    yard.host.run("chmod", "a+r", f"{FOLDER}/key.pem")
    yard.host.run("/usr/bin/stunnel4", yard.config_path, user="nobody")
    yard.serves()
    before = pids(yard)
    told = act(yard, "reload", user="nobody")
    assert (told["status"], told["door"], pids(yard)) == (0, "direct", before), told["said"]
    told = act(yard, "restart", user="nobody")
    assert (told["status"], told["result"]) == (0, "verified"), told["said"]
    assert pids(yard) not in ([], before)
    yard.host.run("chmod", "600", f"{FOLDER}/key.pem")
