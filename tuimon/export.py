"""The public JSON of contract.md: facts and judgements as plain data.

Rule: this surface changes only by addition.  Times are RFC 3339 with zone; durations in seconds, or
in milliseconds where the name ends in `_ms`; what is not known is null.
"""

from datetime import UTC, datetime
from math import floor
from typing import Any

from tuimon.diagnose.certificate import problems
from tuimon.diagnose.finding import Finding, State
from tuimon.diagnose.handshake import judge
from tuimon.model.certificate import Certificate
from tuimon.model.clients import Peer
from tuimon.model.handshake import Handshake
from tuimon.model.tunnel import Tunnel
from tuimon.settings import Settings
from tuimon.store import CertificateUse, InstanceRow, Row, Store

_DAY = 86400
_HEALTH = {
    State.DOWN: "critical",
    State.CRITICAL: "critical",
    State.WARNING: "warning",
    State.OK: "ok",
    State.OFF: "ok",
}
_EXIT = {State.DOWN: 2, State.CRITICAL: 2, State.WARNING: 1}

Json = dict[str, Any]


def stamp(at: float | None) -> str | None:
    """Seconds since the epoch as RFC 3339 in local time with its zone."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).astimezone().isoformat(timespec="seconds")


def _days(seconds: float) -> float:
    """Days to two places, never more than are left: what says 99 days on the screen is not 100 here."""
    return floor(seconds / _DAY * 100) / 100


def finding(each: Finding) -> Json:
    """One finding."""
    return {
        "code": each.code,
        "severity": each.severity.value,
        "text": each.text,
        "fix": each.fix or None,
        "evidence": list(each.evidence),
    }


def certificate(
    each: Certificate, now: float, settings: Settings, *, position: int = 0, path: str = ""
) -> Json:
    """One certificate with its problems."""
    key = each.public_key
    return {
        "path": path or None,
        "position": position,
        "version": each.version,
        "serial": each.serial,
        "signature_algorithm": each.signature_algorithm,
        "signature_hash": each.signature_hash,
        "issuer": each.issuer,
        "subject": each.subject,
        "not_before": each.not_before.isoformat(),
        "not_after": each.not_after.isoformat(),
        "days_left": _days(each.seconds_left(now)),
        "public_key": {
            "type": key.type,
            "bits": key.bits,
            "curve": key.curve or None,
            "exponent": key.exponent,
        },
        "san": list(each.san),
        "key_usage": list(each.key_usage),
        "extended_key_usage": list(each.extended_key_usage),
        "basic_constraints": None if each.ca is None else {"ca": each.ca, "path_length": each.path_length},
        "ski": each.ski,
        "aki": each.aki,
        "aia": {"ocsp": list(each.ocsp), "ca_issuers": list(each.ca_issuers)},
        "crl_distribution_points": list(each.crl_distribution_points),
        "policies": list(each.policies),
        "scts": [{"log_id": sct.log_id, "timestamp": sct.timestamp.isoformat()} for sct in each.scts],
        "sha256": each.sha256,
        "sha1": each.sha1,
        "spki_sha256": each.spki_sha256,
        "self_signed": each.self_signed,
        "problems": [problem._asdict() for problem in problems(each, now, settings)],
    }


def handshake(each: Handshake, now: float, settings: Settings, *, name: str = "") -> Json:
    """One probe; `name` is what the certificate should be good for, empty where any will do."""
    return {
        "target": each.target,
        "address": each.address or None,
        "verdict": each.verdict.value,
        "detail": each.detail or None,
        "depth": each.depth.value,
        "connect_ms": _ms(each.connect_ms),
        "first_byte_ms": _ms(each.first_byte_ms),
        "flight_ms": _ms(each.flight_ms),
        "handshake_ms": _ms(each.handshake_ms),
        "messages": list(each.messages),
        "tls_version": each.tls_version or None,
        "cipher": each.cipher or None,
        "group": each.group or None,
        "alpn": each.alpn or None,
        "client_certificate_requested": each.client_certificate_requested,
        "client_ca_names": list(each.client_ca_names),
        "chain": [certificate(c, now, settings, position=index) for index, c in enumerate(each.chain)],
        "trusted": each.trusted,
        "problems": [problem._asdict() for problem in judge(each, now, settings, name)],
    }


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def client(each: Peer) -> Json:
    """One peer of a service, by its address."""
    return {
        "peer": each.address,
        "connections": each.connections,
        "failed": each.failed,
        "last_seen": stamp(each.last_seen),
        "last_reason": each.last_reason or None,
    }


def service(row: Row, now: float, settings: Settings) -> Json:
    """One service."""
    tunnel: Tunnel = row.tunnel
    own, shown = tunnel.service, row.certificate
    listen, tls, target = row.lights
    return {
        "id": str(tunnel.key),
        "instance": tunnel.key.config,
        "name": own.name,
        "config": own.file,
        "line": own.line,
        "role": own.role.value,
        "accept": [each.text for each in own.accept],
        "connect": [each.text for each in own.connect],
        "protocol": own.protocol or None,
        "sni": own.sni or None,
        "exec": own.shown("exec") or None,
        "health": _HEALTH.get(row.state, "unknown"),
        "state": "unknown" if row.state is State.PENDING else row.state.value,
        "since": stamp(row.since),
        "listen": listen.value,
        "tls": tls.value,
        "target": target.value,
        "probe": tunnel.plan.depth.value,
        "checked_at": stamp(tunnel.probed_at),
        "sessions": tunnel.sessions,
        "clients": [client(each) for each in tunnel.clients.peers],
        "far_end": str(tunnel.far.key) if tunnel.far else None,
        "handshake": handshake(tunnel.handshake, now, settings) if tunnel.handshake else None,
        "certificate": certificate(shown, now, settings) if shown else None,
        "days_left": _days(shown.seconds_left(now)) if shown else None,
        "findings": [finding(each) for each in row.findings],
    }


def instance(row: InstanceRow) -> Json:
    """One instance."""
    each = row.instance
    process = each.process
    return {
        "config": each.key.config,
        "pid": process.pid if process else None,
        "running": each.running,
        "version": each.version or None,
        "unit": each.unit.name if each.unit else None,
        "started_at": stamp(process.id.started) if process else None,
        "loaded_at": stamp(each.loaded_at),
        "clients": {"now": each.clients, "limit": each.client_limit},
        "diff": list(each.change.diff) if each.change else None,
        "findings": [finding(found) for found in row.findings],
    }


def inventory(use: CertificateUse, now: float, settings: Settings) -> Json:
    """One certificate of the fleet."""
    path = use.paths[0] if use.paths else ""
    seen = {"used_by": list(use.used_by), "served": "served" in use.roles}
    return certificate(use.certificate, now, settings, path=path) | seen


def status(store: Store) -> Json:
    """The whole document of `tuimon status --json`."""
    rows, now, settings = store.rows(), store.now, store.settings
    health = [_HEALTH.get(row.state, "unknown") for row in rows]
    counts = {name: health.count(name) for name in ("ok", "warning", "critical", "unknown")}
    return {
        "taken_at": stamp(now),
        "host": store.host,
        "summary": {"services": len(rows), **counts},
        "instances": [instance(row) for row in store.instances()],
        "services": [service(row, now, settings) for row in rows],
        "certificates": [inventory(use, now, settings) for use in store.certificates()],
    }


def exit_status(store: Store) -> int:
    """0 all ok, 1 warnings, 2 critical, 3 could not look."""
    rows = store.rows()
    found = max((_EXIT.get(row.state, 0) for row in rows), default=0)
    if found:
        return found
    unseen = not rows or any(_HEALTH.get(row.state, "unknown") == "unknown" for row in rows)
    return 3 if unseen else 0
