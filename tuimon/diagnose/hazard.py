"""What is known to go wrong with a reload of one instance, before anybody tries: each was seen on 5.68.

Rule: only what follows from facts.  A process that has given up root reads and binds again as the user
that it has become; what it cannot bind again takes all of its services down for good.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from tuimon.diagnose.access import NET_BIND_SERVICE, closed_at, may_write, missing
from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.policy import absolute
from tuimon.diagnose.verification import base, judges
from tuimon.model.access import Credentials
from tuimon.model.instance import Instance
from tuimon.model.process import Process
from tuimon.model.service import Config

_PRIVILEGED = 1024  # net.ipv4.ip_unprivileged_port_start unless somebody set it
_FAILS, _TAKES_DOWN = "a reload fails", "a reload takes all down"
_WOULD_NOT_DO = (_FAILS, _TAKES_DOWN)
_READ_AGAIN = ("cert", "key", "CAfile", "CRLfile", "PSKsecrets")


class Outcome(StrEnum):
    """What a reload would come to: all services down until a restart, refused while the old configuration
    serves on, or done with something lost on the way."""

    OUTAGE = "outage"
    REFUSED = "refused"
    LOSS = "loss"


class Hazard(Struct, frozen=True, gc=False):
    """One thing that goes wrong with a reload, in words; what to do about it; where it comes from."""

    outcome: Outcome
    text: str
    fix: str
    evidence: str


class _File(NamedTuple):
    """Something that a reload reads: by which option and where that stands, as written, and absolute."""

    option: str
    place: str
    written: str
    path: str


def hazards(instance: Instance) -> tuple[Hazard, ...]:
    """All that is known to go wrong with a reload, the worst first; empty where it works."""
    process, config = instance.process, instance.config
    if process is None:
        return ()
    found = [*_descriptor(process)]
    if config is not None and config.failure is None:
        found += [*_jail(instance, config), *_relative(instance, process, config), *_log(config)]
        found += denials(instance)
    order = list(Outcome)
    return tuple(sorted(found, key=lambda each: order.index(each.outcome)))


def denials(instance: Instance) -> tuple[Hazard, ...]:
    """What the user that the process runs as may not do, and has to on the next reading of its file."""
    process, config = instance.process, instance.config
    if process is None or config is None or config.failure is not None:
        return ()
    who, user = process.credentials, process.user
    if who is None or not who.uid:
        return ()
    return (
        *_ports(instance, config, who, user),
        *_sockets(instance, config, who, user),
        *_closed(instance, process, config, who, user),
    )


def reload_works(instance: Instance) -> bool:
    """Whether nothing is known against a reload but what is lost on the way."""
    return all(each.outcome is Outcome.LOSS for each in hazards(instance))


def wanted_ways(instance: Instance) -> frozenset[str]:
    """The paths of which a judgement depends on who may reach them."""
    process, config = instance.process, instance.config
    if process is None or process.net or config is None or config.failure is not None:
        return frozenset()  # what a container's paths lead to cannot be seen from here
    given_up = process.credentials is not None and process.credentials.uid != 0
    wanted = {each.path for each in _files(process, config, all_=given_up)} | set(config.files)
    if config.text("chroot"):
        wanted.add(config.text("chroot").rstrip("/") + config.path)
    if given_up:
        wanted |= {_folder(path) for path in _unix(config)}
    return frozenset(wanted)


def _files(process: Process, config: Config, *, all_: bool) -> Iterator[_File]:
    """What is read again, or as much of it as is written relative to a folder."""
    yield from (_File("", path, path, path) for path in config.files if all_ or not path.startswith("/"))
    yield from (
        _File(name, service.place(name), written, absolute(written, process.cwd))
        for service in config.services
        for name in _READ_AGAIN
        if name in service.options  # to ask each service for each text took most of the time
        and (written := service.text(name))
        and (all_ or not written.startswith("/"))
        and (name != "CAfile" or judges(service))
    )


def _unix(config: Config) -> Iterator[str]:
    return (each.path for service in config.services for each in service.accept if each.path)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _descriptor(process: Process) -> Iterator[Hazard]:
    """Started with `-fd N`, as stunnel3 does: a reload takes N for the name of a file."""
    if process.argument.startswith("-fd"):
        text = f"{_FAILS}: started with `{process.argument}`, there is no file to read"
        yield Hazard(Outcome.REFUSED, text, "restart it the way it was started", f"pid {process.pid}")


def _jail(instance: Instance, config: Config) -> Iterator[Hazard]:
    """After chroot the configuration is looked for inside the jail."""
    jail = config.text("chroot")
    way = instance.ways.get(jail.rstrip("/") + config.path)
    if jail and (way is None or missing(way)):
        text = f"{_FAILS}: {base(config.path)} is not in the jail {jail}"
        place = config.globals["chroot"][-1]
        yield Hazard(Outcome.REFUSED, text, "restart instead", f"chroot, {place.file}:{place.line}")


def _relative(instance: Instance, process: Process, config: Config) -> Iterator[Hazard]:
    """A path that was good in the folder of the start, and is not where the daemon stands now."""
    gone = {path for path, way in instance.ways.items() if missing(way)}
    if not process.cwd or not gone:  # nearly always: nobody need go through all services at every look
        return
    for file in _files(process, config, all_=False):
        if file.path in gone:
            text = f"{_FAILS}: `{file.option} = {file.written}` is relative, it runs in {process.cwd}"
            yield Hazard(Outcome.REFUSED, text, "write the whole path, then restart", file.place)
            return


def _log(config: Config) -> Iterator[Hazard]:
    if config.text("log").lower() == "overwrite" and config.text("output"):
        place = config.globals["log"][-1]
        text = f"a reload empties the log {base(config.text('output'))}"
        yield Hazard(Outcome.LOSS, text, "save the log first", f"log, {place.file}:{place.line}")


def _instead(config: Config) -> str:
    """A restart helps where root starts it, which gives up root only later."""
    return "restart instead; or " if any(each.text("setuid") for each in config.services) else ""


def _ports(instance: Instance, config: Config, who: Credentials, user: str) -> Iterator[Hazard]:
    """Every listener is closed and bound again, and this user may not bind it."""
    first = instance.unprivileged_from if instance.unprivileged_from is not None else _PRIVILEGED
    if who.capabilities & NET_BIND_SERVICE:
        return
    for service in config.services:
        for each in service.accept:
            if each.number is not None and 0 < each.number < first:
                text = f"{_TAKES_DOWN}: {user} may not bind port {each.number}"
                fix = f"{_instead(config)}let systemd start it as that user, with CAP_NET_BIND_SERVICE"
                yield Hazard(Outcome.OUTAGE, text, fix, f"accept = {each.text}, {service.place('accept')}")
                return


def _sockets(instance: Instance, config: Config, who: Credentials, user: str) -> Iterator[Hazard]:
    """The file of a Unix socket stands in a folder that this user may not remove it from."""
    for path in _unix(config):
        if may_write(instance.ways.get(_folder(path)), who) is False:
            text = f"{_TAKES_DOWN}: {user} may not remove {base(path)}"
            fix = f"{_instead(config)}put the socket into a folder of {user}'s"
            yield Hazard(Outcome.OUTAGE, text, fix, f"accept = {path}")
            return


def _closed(
    instance: Instance, process: Process, config: Config, who: Credentials, user: str
) -> Iterator[Hazard]:
    """What root has read at the start, this user may not."""
    for file in _files(process, config, all_=True):
        place = closed_at(instance.ways.get(file.path), who)
        if place is not None:
            text = f"{_FAILS}: {user} may not read {base(file.path)}"
            if place.path != file.path:
                text += f" (closed: {place.path})"
            evidence = f"{place.path}: mode {place.mode:04o}, owner {place.uid}, group {place.gid}"
            yield Hazard(Outcome.REFUSED, text, f"{_instead(config)}let {user} read it", evidence)
            return


def finding(instance: Instance) -> Finding | None:
    """All of it in one finding; nothing is wrong until somebody reloads."""
    known = hazards(instance)
    if not known:
        return None
    evidence = tuple(line for each in known for line in (each.text, each.evidence))[1:]
    return Finding("reload-hazard", Severity.INFO, known[0].text, known[0].fix, evidence)


def restart_instead(found: Iterable[Finding], known: Finding | None) -> tuple[Finding, ...]:
    """The same findings; where a reload would not do, which `known` (`finding` of their instance) tells,
    what they advise is to restart."""
    if known is None or not known.text.startswith(_WOULD_NOT_DO):
        return tuple(found)
    return tuple(_restart(each, known) for each in found)


def _restart(finding: Finding, known: Finding) -> Finding:
    if finding.code == known.code or "reload" not in finding.fix:
        return finding
    text = re.sub(r": reload(?=$| \()", ": restart", finding.text)
    fix = finding.fix.replace("reload", "restart") + f" ({known.text})"
    return replace(finding, text=text, fix=fix)
