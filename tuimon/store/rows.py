"""What the store answers: judged services and instances, certificates in use, the summary."""

from collections import Counter, defaultdict
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct, field

from tuimon.diagnose import authority
from tuimon.diagnose.certificate import critical_below, warn_below
from tuimon.diagnose.finding import RANK, Finding, Light, Severity, State
from tuimon.diagnose.in_use import disk_leaf, served_leaf
from tuimon.model.certificate import Certificate
from tuimon.model.instance import Instance
from tuimon.model.service import ServiceKey
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings

EXPIRED, CRITICAL, SOON = 3, 2, 1
"""How urgent a certificate is; 0 is not at all."""


class Row(Struct, frozen=True, gc=False):
    """One service, judged.  `since` is when the state was first seen (seconds since the epoch),
    `acting` what somebody is doing to its instance, in words."""

    tunnel: Tunnel
    findings: tuple[Finding, ...] = ()
    state: State = State.PENDING
    lights: tuple[Light, Light, Light] = (Light.UNKNOWN, Light.UNKNOWN, Light.UNKNOWN)
    since: float | None = None
    acting: str = ""

    @property
    def key(self) -> ServiceKey:
        """The service's identity."""
        return self.tunnel.key

    @property
    def cause(self) -> Finding | None:
        """The first finding that is more than information, else the first."""
        return self.findings[0] if self.findings else None

    @property
    def why(self) -> str:
        """The cause in words; empty where nothing is wrong, whatever is worth knowing besides."""
        if self.acting:
            return self.acting
        cause = self.cause
        quiet = cause is None or (cause.severity is Severity.INFO and self.state is State.OK)
        if self.tunnel.service.inetd and quiet:
            return "per connection (inetd)"
        return "" if quiet or cause is None else cause.text

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the CERT column counts: the service's own as served or on disk; for a
        client service without one, the remote's."""
        if not self.tunnel.service.client:
            return served_leaf(self.tunnel) or disk_leaf(self.tunnel)
        return disk_leaf(self.tunnel) or served_leaf(self.tunnel)

    @property
    def renewed(self) -> Certificate | None:
        """The certificate on disk where another one is served."""
        disk, shown = disk_leaf(self.tunnel), served_leaf(self.tunnel)
        if self.tunnel.service.client or disk is None or shown is None or disk.sha256 == shown.sha256:
            return None
        return disk


class InstanceRow(Struct, frozen=True, gc=False):
    """One instance, judged."""

    instance: Instance
    findings: tuple[Finding, ...] = ()


class CertificateUse(Struct):
    """One certificate of the fleet: where it was seen.

    `roles` are `own`, `served`, `chain`, `ca` or `client`; `paths` the files that hold it; `used_by`
    service names, and `users` the keys of those services.  `stale` says that a newer one replaced it on
    disk, `spare` that it is trusted and nobody here needs it.
    """

    certificate: Certificate
    roles: set[str] = field(default_factory=set)
    paths: list[str] = field(default_factory=list)
    used_by: list[str] = field(default_factory=list)
    users: set[ServiceKey] = field(default_factory=set)
    stale: bool = False
    spare: bool = False


class Summary(NamedTuple):
    """Counts of the header; `certificates` are those of the fleet by urgency (CAs included)."""

    services: int = 0
    down: int = 0
    critical: int = 0
    warning: int = 0
    ok: int = 0
    unknown: int = 0
    pending: int = 0
    off: int = 0
    not_probed: int = 0
    expired: int = 0
    expiring_critical: int = 0
    expiring: int = 0


def worst_first(row: Row) -> tuple[object, ...]:
    """Sort key: state, then whether it is the one that keeps its whole instance down, then the soonest
    certificate, then the name."""
    certificate, name = row.certificate, row.tunnel.service.name
    ends = certificate.not_after.timestamp() if certificate else float("inf")
    brings_down = row.cause is not None and row.cause.section == name
    return (RANK[row.state], not brings_down, ends, name, row.key)


def families(rows: dict[ServiceKey, Row], order: dict[ServiceKey, tuple[object, ...]]) -> list[Row]:
    """By `order` (`worst_first` of each row); an SNI service follows its primary, and a family stands where
    its worst member does."""
    members: dict[ServiceKey, list[Row]] = {}
    for key in sorted(rows, key=order.__getitem__):
        row = rows[key]
        primary = row.tunnel.primary
        head = primary.key if primary is not None and primary.key in rows else key
        members.setdefault(head, []).append(row)
    ordered = []
    for head, family in members.items():  # in the order of their worst members
        ordered.append(rows[head])
        ordered += [row for row in family if row.key != head] if len(family) > 1 else []
    return ordered


class Todo(IntEnum):
    """What a certificate calls for, the most pressing first."""

    RENEW = 0
    RELOAD = 1
    LOOK = 2
    NOTHING = 3

    @property
    def word(self) -> str:
        """As a person says it; nothing for nothing."""
        return "" if self is Todo.NOTHING else self.name.lower()


def todo(use: CertificateUse, now: float, settings: Settings) -> Todo:
    """Renew what is ours and runs out, reload what is replaced on disk already, look at what others renew."""
    if use.stale:
        return Todo.RELOAD
    if use.spare or not urgency(use, now, settings):
        return Todo.NOTHING
    return Todo.RENEW if use.roles & {"own", "client"} else Todo.LOOK


def urgency(use: CertificateUse, now: float, settings: Settings) -> int:
    """How soon it ends, by the thresholds of whichever service cares most."""
    certificate, left = use.certificate, use.certificate.seconds_left(now)
    limits = [settings.of(name).thresholds for name in use.used_by] if settings.services else []
    limits = limits or [settings.thresholds]
    if left <= 0:
        return EXPIRED
    if any(left < critical_below(certificate, each) for each in limits):
        return CRITICAL
    return SOON if any(left < warn_below(certificate, each) for each in limits) else 0


def summary(rows: list[Row], certificates: list[CertificateUse], now: float, settings: Settings) -> Summary:
    """Count states and certificates."""
    states = [row.state for row in rows]
    urgent = Counter(urgency(use, now, settings) for use in certificates if not use.stale and not use.spare)
    return Summary(
        services=len(rows),
        down=states.count(State.DOWN),
        critical=states.count(State.CRITICAL),
        warning=states.count(State.WARNING),
        ok=states.count(State.OK),
        unknown=states.count(State.UNKNOWN),
        not_probed=states.count(State.NOT_PROBED),
        pending=states.count(State.PENDING),
        off=states.count(State.OFF),
        expired=urgent[EXPIRED],
        expiring_critical=urgent[CRITICAL],
        expiring=urgent[SOON],
    )


def inventory(rows: list[Row]) -> list[CertificateUse]:
    """Every certificate of the fleet, soonest first: own, served with its chain, CA, client."""
    uses: dict[str, CertificateUse] = {}
    names: defaultdict[str, set[str]] = defaultdict(set)  # of services: thousands may share a certificate

    def note(certificate: Certificate, role: str, row: Row, path: str = "") -> None:
        use = uses.setdefault(certificate.sha256, CertificateUse(certificate))
        use.roles.add(role)
        use.users.add(row.key)
        names[certificate.sha256].add(row.tunnel.service.name)
        if path and path not in use.paths:
            use.paths.append(path)

    needed: set[str] = set()
    for row in rows:
        tunnel = row.tunnel
        if tunnel.own is not None:
            role = "client" if tunnel.service.client else "own"
            for index, each in enumerate(tunnel.own.certificates):
                note(each, role if index == 0 else "chain", row, tunnel.own.path)
        for each in authority.chosen(tunnel):
            note(each, "ca", row, authority.file_of(tunnel, each))
        needed |= {each.sha256 for each in authority.needed(tunnel)}
        if tunnel.handshake is not None:
            for index, each in enumerate(tunnel.handshake.chain):
                note(each, "served" if index == 0 else "chain", row)
        if row.renewed is not None and row.certificate is not None:
            uses[row.certificate.sha256].stale = True
    for use in uses.values():
        use.used_by = sorted(names[use.certificate.sha256])
        use.spare = use.roles == {"ca"} and use.certificate.sha256 not in needed
    return sorted(uses.values(), key=lambda use: (use.certificate.not_after, use.certificate.subject))
