"""Healthy oddities of units on a booted host: strange to look at, and nobody is to be disturbed."""

from tests.hosts.yard import Turn, Yard
from tests.lab.row import Shelf

shelf = Shelf()
healthy, off = shelf.healthy, shelf.off


@off
def stopped_on_purpose(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    yard.systemctl("stop")
    yield


@off
def never_meant_to_start(yard: Yard) -> Turn:
    yard.config()
    yield
    yield


@off
def condition_not_met(yard: Yard) -> Turn:
    yard.config()
    yard.unit(unit="ConditionPathExists=/nonexistent/active-node", install="WantedBy=basic.target")
    yield
    yard.systemctl("enable")
    yard.start()
    yield


@healthy
def enabled_and_running(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.serves()


@healthy
def static_and_wanted_by_another(yard: Yard) -> Turn:
    yard.config()
    yard.unit()
    yard.host.write("/etc/systemd/system/payments.target", f"[Unit]\nWants={yard.unit_name}\n")
    yield
    yard.host.run("systemctl", "start", "payments.target")
    yield
    yard.serves()


@healthy
def forking_with_its_pid_file(yard: Yard) -> Turn:
    yard.config("pid = /var/run/forking.pid", foreground="")
    yard.unit("Type=forking", "PIDFile=/run/forking.pid")
    yield
    yard.start()
    yield
    yard.serves()


@healthy
def transient_unit(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.unit_name = f"{yard.name}.service"
    yard.hand("systemd-run", f"--unit={yard.name}", "/usr/bin/stunnel4", yard.config_path)
    yield
    yard.serves()


@healthy
def private_tmp_and_log_there(yard: Yard) -> Turn:
    yard.config("output = /tmp/stunnel.log", "pid = /tmp/stunnel.pid")
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.serves()


@healthy
def restarted_once_long_ago(yard: Yard) -> Turn:
    yard.config()
    yard.unit("Restart=always", "RestartSec=1ms")
    yield
    yard.start()
    yard.serves()
    yard.systemctl("kill", "--signal=KILL")
    yield
    yard.until("NRestarts", "1")
    yard.serves()


@off
def left_a_pid_file(yard: Yard) -> Turn:
    yard.config("pid = /run/left.pid")
    yard.host.write("/run/left.pid", "4194303\n")
    yield
    yield


@off
def folder_that_its_unit_makes(yard: Yard) -> Turn:
    yard.config("pid = /run/made/stunnel.pid")
    yard.unit("RuntimeDirectory=made")
    yield
    yard.start()
    yard.serves()
    yard.systemctl("stop")
    yield


@healthy
def generated_unit(yard: Yard) -> Turn:
    yard.config()
    yard.unit_name = f"{yard.name}.service"
    text = f"[Service]\\nExecStart=/usr/bin/stunnel4 {yard.config_path}\\n"
    script = f"#!/bin/sh\nprintf '{text}' > $1/{yard.unit_name}\nmkdir -p $1/basic.target.wants\n"
    script += f"ln -s ../{yard.unit_name} $1/basic.target.wants/\n"
    yard.hand("mkdir", "-p", "/etc/systemd/system-generators")
    yard.host.write("/etc/systemd/system-generators/tunnels", script, 0o755)
    yield
    yard.start()
    yield
    yard.serves()


@healthy
def socket_activated(yard: Yard) -> Turn:
    yard.config()
    yard.unit()
    socket = f"[Socket]\nListenStream=127.0.0.1:{yard.port}\n"
    yard.host.write(f"/etc/systemd/system/{yard.name}.socket", socket)
    yield
    yard.hand("systemctl", "start", f"{yard.name}.socket")
    yard.start()
    yield
    yard.until("ActiveState", "active")


@healthy
def user_unit(yard: Yard) -> Turn:
    yard.config()
    folder = "/root/.config/systemd/user"
    yard.hand("mkdir", "-p", folder)
    yard.host.write(f"{folder}/mine.service", f"[Service]\nExecStart=/usr/bin/stunnel4 {yard.config_path}\n")
    yield
    yard.hand("mkdir", "-p", "/var/lib/systemd/linger")
    yard.host.write("/var/lib/systemd/linger/root", "")  # else its manager ends with the next command
    yard.hand("systemctl", "start", "user@0.service")
    yard.hand("systemctl", "--user", "--machine=0@.host", "start", "mine")
    yield
    yard.serves()


@healthy
def started_by_hand_without_any_need(yard: Yard) -> Turn:
    yard.config(foreground="")
    yield
    yard.hand("/usr/bin/stunnel4", yard.config_path)
    yield
    yard.serves()


@healthy
def stopped_by_its_pid_file_and_started_again(yard: Yard) -> Turn:
    yard.config("pid = /run/again.pid")
    yield
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    yard.systemctl("restart")
    yield
    yard.serves()
