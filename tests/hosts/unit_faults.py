"""Faults of units on a booted host: what systemd saw, and why."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hosts.yard import Turn, Yard
from tests.lab.authority import Authorities
from tests.lab.row import Shelf

shelf = Shelf()
fault = shelf.fault
LOG = "/var/log/stunnel.log"
SEALED = "ProtectSystem=strict"
"""Only stunnel itself can know that its log is on a read-only file system there."""


@fault("unit-type", "`foreground = yes`", "ends at once")
def daemonises_under_simple(yard: Yard) -> Turn:
    yard.config(foreground="")
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.until("ActiveState", "inactive")


@fault("unit-type", "Type=forking", "foreground = yes")
def forking_in_the_foreground(yard: Yard) -> Turn:
    yard.config()
    yard.unit("Type=forking", "TimeoutStartSec=1")
    yield
    yard.start("--no-block")
    yield
    yard.until("Result", "timeout")


@fault("unit-type", "Type=notify")
def notify_never_comes(yard: Yard) -> Turn:
    yard.config()
    yard.unit("Type=notify", "TimeoutStartSec=1", "Restart=on-failure", "RestartSec=1h")
    yield
    yard.start("--no-block")
    yield
    yard.until("SubState", "auto-restart")


@fault("unit-type", "PIDFile=/run/one.pid", "pid = /run/other.pid")
def another_pid_file(yard: Yard) -> Turn:
    yard.config("pid = /run/other.pid", foreground="")
    yard.unit("Type=forking", "PIDFile=/run/one.pid", "TimeoutStartSec=1")
    yield
    yard.start("--no-block")
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "cannot open log file", LOG)
def log_cannot_be_opened(yard: Yard) -> Turn:
    yard.config(f"output = {LOG}")
    yard.unit(SEALED)
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "cannot execute /opt/stunnel/bin/stunnel", "no such file")
def program_missing(yard: Yard) -> Turn:
    yard.config()
    yard.unit(start=f"/opt/stunnel/bin/stunnel {yard.config_path}")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "no user nosuch", "217/USER")
def user_missing(yard: Yard) -> Turn:
    yard.config()
    yard.unit("User=nosuch")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "/nonexistent/place", "226/NAMESPACE")
def path_of_the_sandbox_missing(yard: Yard) -> Turn:
    yard.config()
    yard.unit("ProtectSystem=strict", "ReadWritePaths=/nonexistent/place")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "WorkingDirectory=/nonexistent", "no such file")
def working_folder_missing(yard: Yard) -> Turn:
    yard.config()
    yard.unit("WorkingDirectory=/nonexistent")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "ExecStartPre")
def command_before_the_start_fails(yard: Yard) -> Turn:
    yard.config()
    yard.unit("ExecStartPre=/bin/false")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "EnvironmentFile=/etc/nonexistent.env", "no such file")
def environment_file_missing(yard: Yard) -> Turn:
    yard.config()
    yard.unit("EnvironmentFile=/etc/nonexistent.env")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "killed by SIGKILL")
def killed(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.start()
    yard.serves()
    yard.systemctl("kill", "--signal=KILL")
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "watchdog")
def watchdog_that_nobody_answers(yard: Yard) -> Turn:
    yard.config()
    yard.unit("WatchdogSec=1")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "crashed (SIGSEGV)")
def crashed(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.start()
    yard.serves()
    yard.systemctl("kill", "--signal=SEGV")
    yield
    yard.until("ActiveState", "failed")


@fault("unit-failed", "gave up after ", " restarts: cannot open log file")
def start_limit_hit(yard: Yard) -> Turn:
    yard.config(f"output = {LOG}")
    limit = "StartLimitBurst=3\nStartLimitIntervalSec=1h"
    yard.unit(SEALED, "Restart=always", "RestartSec=1ms", unit=limit)
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-restarting", "restarted", "times since", "cannot open log file")
def restarts_for_ever(yard: Yard) -> Turn:
    yard.config(f"output = {LOG}")
    yard.unit(SEALED, "Restart=always", "RestartSec=700ms", unit="StartLimitIntervalSec=0")
    yield
    yard.start()
    yield
    yard.host.wait_for("restart counter is at 3", "journalctl", "--no-pager", "--unit", yard.unit_name)


@fault("unit-restarting", "restarted 3 times since")
def crashes_again_and_again(yard: Yard) -> Turn:
    yard.config()
    yard.unit("Restart=always", "RestartSec=1ms", unit="StartLimitIntervalSec=0")
    yield
    yard.start()
    for number in range(1, 4):
        yard.serves()
        yard.systemctl("kill", "--signal=KILL")
        yard.until("NRestarts", str(number))
    yield
    yard.serves()


@fault("unit-type", "Type=notify")
def waits_for_a_notification(yard: Yard) -> Turn:
    yard.config()
    yard.unit("Type=notify", "TimeoutStartSec=infinity")
    yield
    yard.start("--no-block")
    yield
    yard.serves()
    yard.older_than(3)


@fault("not-running", "no process, though", "active (exited)")
def daemon_of_a_oneshot_ended(yard: Yard) -> Turn:
    yard.config("pid = /run/oneshot.pid", foreground="")
    yard.unit("Type=oneshot", "RemainAfterExit=yes")
    yield
    yard.start()
    yard.serves()
    yard.host.wait_for("oneshot.pid", "ls", "/run")
    yard.hand("sh", "-c", "kill -KILL $(cat /run/oneshot.pid)")
    yield


@fault("not-running", "ended by itself")
def ended_by_itself(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    yard.systemctl("kill", "--signal=TERM")
    yield
    yard.until("ActiveState", "inactive")


@fault("not-running", "enabled, but nothing started it")
def enabled_and_never_started(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.systemctl("enable")
    yield


@fault("not-running", "requires failed")
def what_it_requires_failed(yard: Yard) -> Turn:
    yard.config()
    yard.unit(
        unit="Requires=network-nowhere.service\nAfter=network-nowhere.service",
        install="WantedBy=basic.target",
    )
    yard.host.write(
        "/etc/systemd/system/network-nowhere.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n"
    )
    yield
    yard.systemctl("enable")
    yard.start()
    yield


@fault("unit-no-config", "no such file: /etc/stunnel/configuration-missing.conf")
def configuration_missing(yard: Yard) -> Turn:
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("unit-no-config", "no such file")
def configuration_of_an_enabled_unit_missing(yard: Yard) -> Turn:
    yield
    yard.systemctl("enable")
    yield


@fault("unit-disabled", "not come back after a reboot")
def not_enabled(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.start()
    yield
    yard.serves()


@fault("unit-stale", "changed on disk")
def daemon_reload_missing(yard: Yard) -> Turn:
    yard.config()
    yard.unit()
    yield
    yard.start()
    yield
    yard.serves()
    yard.unit("LimitNOFILE=4096")  # the last of all: `systemctl enable` of another row would load it


@fault("runtime-dir-missing", "/run/nowhere is missing")
def folder_of_the_pid_file_missing(yard: Yard) -> Turn:
    yard.config("pid = /run/nowhere/stunnel.pid")
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("runtime-dir-missing", "/var/run/lost is missing")
def folder_of_the_log_missing(yard: Yard) -> Turn:
    yard.config("output = /var/run/lost/stunnel.log")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("runtime-dir-missing", "/run/gone is missing")
def folder_of_the_accept_socket_missing(yard: Yard) -> Turn:
    yard.config(accept="/run/gone/stunnel.sock")
    yield
    yard.start()
    yield
    yard.until("ActiveState", "failed")


@fault("supervised-elsewhere", "started by hand", "is enabled")
def started_by_hand(yard: Yard) -> Turn:
    yard.config(foreground="")
    yield
    yard.systemctl("enable")
    yard.hand("/usr/bin/stunnel4", yard.config_path)
    yield
    yard.serves()


@fault("supervised-elsewhere", "another.service runs it", "is enabled")
def in_another_unit(yard: Yard) -> Turn:
    yard.config()
    yield
    yard.systemctl("enable")
    yard.hand("systemd-run", "--unit=another", "sh", "-c", f"stunnel4 {yard.config_path}; exit")
    yield
    yard.serves()


@fault("pidfile-stale", "/run/shared.pid names pid ", "stunnel of /etc/stunnel/second.conf")
def pid_file_taken_over(yard: Yard) -> Turn:
    yard.config("pid = /run/shared.pid")
    yield
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    yard.port += 1000
    yard.config("pid = /run/shared.pid", path="/etc/stunnel/second.conf")
    yard.hand("systemctl", "enable", "--now", "stunnel@second")
    yield
    yard.serves()


@fault("pidfile-stale", "/run/rewritten.pid names pid 1")
def pid_file_rewritten(yard: Yard) -> Turn:
    yard.config("pid = /run/rewritten.pid")
    yield
    yard.systemctl("enable")
    yard.start()
    yard.serves()
    yard.host.wait_for("rewritten.pid", "ls", "/run")
    yield
    yard.host.write("/run/rewritten.pid", "1\n")


@fault("cert-not-yet-valid", "not valid for another")
def certificate_of_tomorrow(yard: Yard) -> Turn:
    with TemporaryDirectory() as folder:
        Authorities(Path(folder)).leaf("tomorrow", days=(1, 90))
        for end in ("pem", "key"):
            yard.host.write(f"/etc/stunnel/tomorrow.{end}", Path(folder, f"tomorrow.{end}").read_text())
    yard.config(cert="tomorrow")
    yield
    yard.systemctl("enable")
    yard.start()
    yield
    yard.serves()
