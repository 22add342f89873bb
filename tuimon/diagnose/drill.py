"""Judgements about a boot that has not happened: would this instance come back by itself?

Rule: pure, over facts of now and of the boot.  A critical finding means that it would not serve; what
somebody stopped on purpose and did not enable is not expected back.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from msgspec.structs import replace

from tuimon.diagnose import pair
from tuimon.diagnose.check import refused
from tuimon.diagnose.finding import Finding, Severity
from tuimon.diagnose.unit import daemonises, under
from tuimon.model.boot import Boot
from tuimon.model.endpoint import Endpoint
from tuimon.model.failure import remedy
from tuimon.model.instance import Instance
from tuimon.model.service import Service
from tuimon.model.tunnel import Tunnel

_DETACHES = frozenset({"simple", "exec", "idle", ""})
_NETWORK = "network-online.target"
_ANYWHERE = frozenset({"", "*"})


def expected(instance: Instance) -> bool:
    """Whether anybody counts on it after a boot: it runs now, or something would start it."""
    return instance.running or starts_at_boot(instance)


def starts_at_boot(instance: Instance) -> bool:
    """Whether a unit or the init script would start it."""
    unit, script = instance.unit, instance.supervision.init_script
    if unit is not None and unit.source == "":
        pulled = unit.enabled in {"enabled", "enabled-runtime"} or bool(unit.pulled_in) or unit.managed
        if pulled and unit.enabled != "masked":
            return True
    return script is not None and bool(script.pulled_in)


def drill(
    instance: Instance, tunnels: Sequence[Tunnel], others: Sequence[Tunnel], boot: Boot
) -> tuple[Finding, ...]:
    """What stands against a boot; `others` are the services of all other instances that would start."""
    found = [
        *_started(instance),
        *_configuration(instance),
        *_folders(instance, tunnels, boot),
        *_credentials(tunnels),
        *_materials(tunnels, boot),
        *_addresses(instance, tunnels, boot),
        *_ports(instance, tunnels, others, boot),
    ]
    order = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return tuple(sorted(found, key=lambda each: order[each.severity]))


def _started(instance: Instance) -> Iterator[Finding]:
    unit = instance.unit
    if unit is not None and unit.enabled == "masked":
        text = f"{unit.brief} is masked"
        yield Finding("unit-disabled", Severity.CRITICAL, text, f"systemctl unmask {unit.name}")
    elif not starts_at_boot(instance):
        fix = f"systemctl enable {unit.name}" if unit else "run it under a unit, and enable that"
        text = (
            f"nothing starts it: {unit.brief} is {unit.enabled or 'not enabled'}"
            if unit
            else "nothing starts it"
        )
        if unit is not None and instance.running and not under(unit, instance):
            text += "; what runs now was started by hand"
        yield Finding("unit-disabled", Severity.CRITICAL, text, fix)
    elif unit is not None and daemonises(instance.config) and unit.type in _DETACHES:
        text = f"no `foreground = yes`: {unit.brief} would end at once"
        yield Finding("unit-type", Severity.CRITICAL, text, "put `foreground = yes` before the first section")
    if unit is not None and unit.needs_reload:
        text = f"{unit.brief}: the unit on disk is another one than systemd has loaded"
        yield Finding("unit-stale", Severity.WARNING, text, "systemctl daemon-reload, and try it now")


def _configuration(instance: Instance) -> Iterator[Finding]:
    config = instance.config
    if config is None:
        yield Finding("config-unknown", Severity.WARNING, "its configuration cannot be told: not judged", "")
        return
    if config.failure is not None:
        yield Finding(
            "config-error", Severity.CRITICAL, str(config.failure), remedy(config.failure, config.path)
        )
    elif config.problems:
        first = config.problems[0]
        where = f"{first.file.rsplit('/', 1)[-1]}:{first.line}" if first.line else first.section or "the file"
        text = f"stunnel would refuse it: {where}: {first.text or first.reason}"
        yield Finding("config-error", Severity.CRITICAL, text, first.fix)
    else:
        found = refused(instance)
        if found is not None:
            text = found.text.removeprefix("a restart would fail: ").removeprefix("cannot start: ")
            yield Finding(
                found.code, Severity.CRITICAL, f"stunnel would refuse it: {text}", found.fix, found.evidence
            )
    loaded = instance.loaded_at
    if config.stamp is not None and loaded is not None and config.stamp.mtime > loaded + 1:
        text = "it would start with another configuration than it runs with now"
        yield Finding("config-changed", Severity.WARNING, text, "reload now, while somebody watches")


def _folders(instance: Instance, tunnels: Sequence[Tunnel], boot: Boot) -> Iterator[Finding]:
    """Folders in memory that something must make anew."""
    for path, option in needed_folders(instance, tunnels).items():
        if path not in boot.volatile or _is_made(path, boot.makes):
            continue
        name = path.rsplit("/", 1)[-1]
        text = f"{path} of `{option}` is gone after a boot, and nothing makes it"
        fix = f"RuntimeDirectory={name} in the unit, or a line `d {path}` in /etc/tmpfiles.d"
        yield Finding("runtime-dir-missing", Severity.CRITICAL, text, fix)


def _is_made(path: str, makes: frozenset[str]) -> bool:
    plain = path.removeprefix("/var") if path.startswith("/var/run/") else path
    return plain in {"/run", "/run/lock", "/tmp", "/dev/shm", "/dev"} or bool({plain, f"/var{plain}"} & makes)  # noqa: S108


def needed_folders(instance: Instance, tunnels: Sequence[Tunnel]) -> dict[str, str]:
    """Folders that stunnel writes to or changes into at its start, absolute, each with the option."""
    config = instance.config
    if config is None:
        return {}
    jail = config.text("chroot").rstrip("/")
    found: dict[str, str] = {jail: "chroot"} if jail else {}
    for option in ("pid", "output"):
        path = config.text(option)
        if path.startswith("/") and not path.startswith("/dev/"):
            found.setdefault((jail + path).rpartition("/")[0] or "/", option)
    for tunnel in tunnels:
        for endpoint in tunnel.service.accept:
            if endpoint.path:
                found.setdefault(endpoint.path.rpartition("/")[0] or "/", "accept")
    return found


def _credentials(tunnels: Sequence[Tunnel]) -> Iterator[Finding]:
    """Certificates and keys that stunnel would stop at; what runs has the former ones in memory."""
    said: set[str] = set()
    for tunnel in tunnels:
        for each in pair.refused(tunnel):
            if each.text not in said:
                said.add(each.text)
                text = f"stunnel would refuse it: [{tunnel.service.name}] {each.text}"
                yield replace(each, text=text)


def _materials(tunnels: Sequence[Tunnel], boot: Boot) -> Iterator[Finding]:
    said: set[str] = set()
    for tunnel in tunnels:
        for file, noun in (
            (tunnel.own, "certificate"),
            (tunnel.key_file, "private key"),
            (tunnel.ca, "CAfile"),
        ):
            if file is None or file.path in said:
                continue
            said.add(file.path)
            if file.path in boot.volatile:
                text = f"the {noun} {file.path} is in memory: whoever puts it there must come first"
                yield Finding("file-volatile", Severity.WARNING, text, "order the unit after it")
            if file.key is not None and file.key.encrypted:
                text = f"the private key in {file.path} needs a password that nobody types at a boot"
                yield Finding("key-unreadable", Severity.CRITICAL, text, "store the key without a password")


def _addresses(instance: Instance, tunnels: Sequence[Tunnel], boot: Boot) -> Iterator[Finding]:
    """Accept addresses that are there only once the network is up."""
    unit = instance.unit
    waits = _NETWORK in boot.after
    for tunnel in tunnels:
        for endpoint in tunnel.service.accept:
            kind = _kind(endpoint)
            if not kind or waits or (kind == "address" and _binds_early(tunnel.service, boot)):
                continue
            name = f"[{tunnel.service.name}] accept = {endpoint.text}"
            what = "needs a name server" if kind == "name" else "is bound before the address is there"
            text = f"{name} {what}: {unit.brief if unit else 'nothing'} does not wait for {_NETWORK}"
            fix = f"systemctl edit {unit.name}: After= and Wants={_NETWORK}" if unit else ""
            if kind == "address":
                fix += ", or `socket = a:IP_FREEBIND=yes`"
            yield Finding("boot-order", Severity.WARNING, text, fix.lstrip(", "))


def _kind(endpoint: Endpoint) -> str:
    """`name`, `address` (of one interface), or empty for what is there from the start."""
    if endpoint.path or endpoint.host in _ANYWHERE or endpoint.host.lower() == "localhost":
        return ""
    try:
        address = ip_address(endpoint.host)
    except ValueError:
        return "name"
    return "" if address.is_loopback or address.is_unspecified else "address"


def _binds_early(service: Service, boot: Boot) -> bool:
    options = {each.lower().replace(" ", "") for each in service.texts("socket")}
    return boot.nonlocal_bind or bool(options & {"a:ip_freebind=yes", "a:ip_freebind=1"})


def _ports(
    instance: Instance, tunnels: Sequence[Tunnel], others: Sequence[Tunnel], boot: Boot
) -> Iterator[Finding]:
    rivals = {
        (endpoint.path, endpoint.number): (other, endpoint)
        for other in others
        for endpoint in other.service.accept
        if endpoint.path or endpoint.number
    }
    user = instance.unit.user if instance.unit else ""
    bound = user in {"", "root"} or "cap_net_bind_service" in boot.capabilities
    for tunnel in tunnels:
        for endpoint in tunnel.service.accept:
            rival = rivals.get((endpoint.path, endpoint.number))
            if rival is not None and _same_place(endpoint, rival[1]):
                other = rival[0]
                text = f"{endpoint.text} is also asked for by [{other.service.name}] of {other.key.config}"
                fix = "who starts first wins: give each an address of its own"
                yield Finding("duplicate-accept", Severity.CRITICAL, text, fix)
            if not bound and endpoint.number and endpoint.number < boot.lowest_port:
                text = f"port {endpoint.number} is not for the user {user}"
                fix = "AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit"
                yield Finding("port-privileged", Severity.CRITICAL, text, fix)


def _same_place(one: Endpoint, other: Endpoint) -> bool:
    every = {"", "*", "0.0.0.0", "::"}  # noqa: S104 - recognised, not bound
    return one.path != "" or one.host == other.host or bool({one.host, other.host} & every)
