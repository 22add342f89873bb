"""A folder under /run that is missing: it was there before the last boot.

Rule: pure; whoever has found out that a folder is missing asks here how it should come back, and whether
its unit makes it.
"""

from tuimon.diagnose.finding import Finding
from tuimon.model.instance import Instance
from tuimon.model.remark import Remark

CODES = frozenset({"pid-unwritable", "log-unwritable", "accept-folder-missing"})
"""What is said of a path in a folder that is not there."""

_MISSING = ("is no folder", "there is no folder")


def missing_folder(instance: Instance, remark: Remark) -> str:
    """The folder that a remark finds missing, as seen from outside a jail; empty if it says another thing."""
    config = instance.config
    if config is None or remark.code not in CODES or not any(each in remark.text for each in _MISSING):
        return ""
    if remark.code == "accept-folder-missing":
        accepts = (each for service in config.services for each in service.options.get("accept", ()))
        path = next(
            (each.text for each in accepts if (each.file, each.line) == (remark.path, remark.line)), ""
        )
    else:
        jail = config.text("chroot").rstrip("/")
        path = jail + config.text("pid" if remark.code == "pid-unwritable" else "output")
    return path.rpartition("/")[0]


def made_by_unit(folder: str, instance: Instance) -> bool:
    """Whether the unit makes the folder itself when it starts, so that it may be missing until then."""
    unit, place = instance.unit, _real(folder)
    if unit is None or not place:
        return False
    return unit.prepares or any(f"{place}/".startswith(f"{_real(each)}/") for each in unit.makes)


def runtime_folder(finding: Finding, folder: str, instance: Instance) -> Finding | None:
    """A finding about a missing folder said again where that lies under /run; None elsewhere."""
    place = _real(folder)
    if not place.startswith("/run/"):
        return None
    unit = instance.unit
    user = instance.config.text("setuid") if instance.config else ""
    if unit is not None and user in {"", unit.user or "root"}:
        name = place.removeprefix("/run/")
        fix = f"systemctl edit {unit.name}: [Service] RuntimeDirectory={name}; then start it"
    else:
        line = f"d {place} 0755 {user or 'root'} {user or 'root'} -"
        fix = f"write `{line}` to /etc/tmpfiles.d/stunnel.conf; systemd-tmpfiles --create; then start it"
    text = f"{folder} is missing (reboots empty /run)"
    text = f"a restart would fail: {text}" if instance.running else text
    return Finding("runtime-dir-missing", finding.severity, text, fix, finding.evidence, down=finding.down)


def _real(path: str) -> str:
    return path.removeprefix("/var") if f"{path}/".startswith("/var/run/") else path
