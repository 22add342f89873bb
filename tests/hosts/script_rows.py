"""Rows of a host where Debian's init script starts stunnel, or is believed to: no unit is used at all."""

from tests.hosts.yard import Turn, Yard
from tests.lab.row import Shelf

DEFAULTS = "/etc/default/stunnel4"
believed, scripted = Shelf(), Shelf()
"""What stands before the script was enabled, and after it was started."""


@believed.fault("enabled-ignored", "ENABLED=1 starts nothing")
def enabled_in_the_defaults_only(yard: Yard) -> Turn:
    yard.config(foreground="")
    yard.host.write(DEFAULTS, 'ENABLED=1\nFILES="/etc/stunnel/*.conf"\n')
    yield


@scripted.fault("pidfile-missing", "no `pid =`")
def started_by_the_script_without_a_pid_file(yard: Yard) -> Turn:
    yard.config(foreground="")
    yield
    yard.serves()


@scripted.healthy
def started_by_the_script(yard: Yard) -> Turn:
    yard.config("pid = /run/stunnel4/by-the-script.pid", foreground="")
    yield
    yard.serves()


@scripted.fault("pidfile-missing", "/run/stunnel4/removed.pid is gone")
def pid_file_of_the_script_removed(yard: Yard) -> Turn:
    yard.config("pid = /run/stunnel4/removed.pid", foreground="")
    yield
    yard.serves()
    yard.host.wait_for("removed.pid", "ls", "/run/stunnel4")
    yard.hand("rm", "/run/stunnel4/removed.pid")
    yard.older_than(5)


@scripted.fault("not-running", "ended at")
def started_by_the_script_and_ended(yard: Yard) -> Turn:
    pid = "/run/stunnel4/ended.pid"
    yard.config(f"pid = {pid}", "output = /var/log/stunnel4/ended.log", "debug = 5", foreground="")
    yield
    yard.serves()
    yard.hand("sh", "-c", f"kill $(cat {pid})")
    yard.host.wait_for("Terminated", "cat", "/var/log/stunnel4/ended.log")


@scripted.fault("runtime-dir-missing", "/run/elsewhere is missing")
def folder_that_the_script_does_not_make(yard: Yard) -> Turn:
    yard.config("pid = /run/elsewhere/stunnel.pid", foreground="")
    yield
