"""Judgements about a start that has not been tried: what stunnel would stop at, or miss afterwards.

Rule: what the files of a certificate and its key lack is said where they are judged; here stands what
only a look at the machine tells.
"""

from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.runtime_dir import made_by_unit, missing_folder, runtime_folder
from tuimon.model.instance import Instance
from tuimon.model.remark import CLOSED, SILENT, Remark
from tuimon.model.service import Service

_TOLD = frozenset({"cert-missing", "cert-unreadable", "key-missing", "key-mismatch", "key-encrypted"})


def refused(instance: Instance) -> Finding | None:
    """A start would fail for what the configuration refers to: a file, a user, a folder, an address."""
    remark = next((each for each in instance.remarks if each.refuses and not _made(instance, each)), None)
    if remark is None or remark.code == "config-error":
        return None
    if remark.code in _TOLD and instance.change is None:  # else the files judged are those that are loaded
        return None
    said = remark.brief or remark.text
    text = f"a restart would fail: {said}" if instance.running else f"cannot start: {said}"
    evidence = (remark.place, remark.text)
    found = Finding(remark.code, Severity.CRITICAL, text, remark.fix, evidence, down=not instance.running)
    return runtime_folder(found, missing_folder(instance, remark), instance) or found


def stalled(instance: Instance) -> Finding | None:
    """A start, a reload or a connection would hang: a file gets no answer from its file system."""
    return _told(instance, SILENT, Severity.WARNING)


def closed(instance: Instance) -> Finding | None:
    """A file that stunnel may read and we may not: what is in it is not known."""
    return _told(instance, CLOSED, Severity.INFO)


def _told(instance: Instance, code: str, severity: Severity) -> Finding | None:
    """All remarks of one code as one finding, but for those on what is read and judged elsewhere."""
    named = [each for each in instance.remarks if each.code == code and not _read_elsewhere(instance, each)]
    if not named:
        return None
    more = f" (and {len(named) - 1} more)" if len(named) > 1 else ""
    evidence = tuple(f"{each.place}: {each.text}" for each in named)
    return Finding(code, severity, f"{named[0].text}{more}", named[0].fix, evidence)


def _read_elsewhere(instance: Instance, remark: Remark) -> bool:
    """Whether it is said where certificates, keys and logs are judged."""
    config = instance.config
    if config is None:
        return False
    place = (remark.path, remark.line)
    log = any((each.file, each.line) == place for each in config.globals.get("output", ()))
    return log or any(_of(each, remark, option) for each in config.services for option in ("cert", "key"))


def _made(instance: Instance, remark: Remark) -> bool:
    return made_by_unit(missing_folder(instance, remark), instance)


def _of(service: Service, remark: Remark, option: str) -> bool:
    """Whether a remark is about this service's own line of `option`."""
    return any(
        (each.file, each.line) == (remark.path, remark.line) for each in service.options.get(option, ())
    )


def program(instance: Instance, service: Service) -> Finding | None:
    """The program that a service should start for every connection is not there."""
    for remark in instance.remarks:
        if remark.code == "exec-missing" and _of(service, remark, "exec"):
            text = f"exec {service.shown('exec')} is not there or not executable"
            fix = "install the program, or correct the path"
            return Finding("exec-missing", Severity.CRITICAL, text, fix, (remark.place,), down=True)
    return None
