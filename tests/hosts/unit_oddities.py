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
