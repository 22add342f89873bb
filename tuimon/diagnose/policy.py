"""How deep to look at a service: its probe plan.

Rule: gentle by default.  A full handshake where it costs one back-end connection and no error line;
only up to the server's flight where a handshake would start a program, open a proxy or be refused;
sockets only where TLS needs a secret we do not have.  A client service's accept port is never dialled.
"""

import os

from tuimon.model.endpoint import Endpoint
from tuimon.model.handshake import Depth
from tuimon.model.service import Service
from tuimon.model.tunnel import Plan
from tuimon.settings import Settings

_ANY = {"", "*", "0.0.0.0"}  # noqa: S104 - recognised, not bound
_ANY6 = {"::", "[::]"}
_TLS_FIRST = {"", "proxy", "socks"}  # protocols that say nothing before TLS
# A proxy looks the name up before TLS, so it must be an address; nothing is connected to it.
_NOBODY = "127.0.0.1:1"


def absolute(path: str, cwd: str) -> str:
    """`path` as the process sees it: relative ones start at its working directory."""
    return path if not path or path.startswith("/") else os.path.normpath(os.path.join(cwd or "/", path))


def _in_jail(jail: str, path: str, cwd: str) -> str:
    return jail.rstrip("/") + absolute(path, cwd) if path else ""


def dialled(endpoint: Endpoint) -> Endpoint:
    """The address to dial for an accept address: loopback where it binds all addresses."""
    if endpoint.path:
        return endpoint
    number = endpoint.number
    port = endpoint.port if number is None else str(number)
    host = endpoint.host
    if host in _ANY:
        host = "127.0.0.1"
    elif host in _ANY6:
        host = "::1"
    return Endpoint(text=f"{host}:{port}", host=host, port=port)


def _depth(service: Service) -> Depth:
    if service.inetd:
        return Depth.OFF
    if service.client:
        if service.text("PSKsecrets") or not service.connect or service.protocol == "capwinctrl":
            return Depth.LISTEN
        return Depth.HANDSHAKE
    if service.psk_only:
        return Depth.LISTEN
    if (
        service.exec
        or service.texts("redirect")
        or service.requires_certificate
        or service.proxies
        or not service.connect
    ):
        return Depth.CERTIFICATE
    return Depth.HANDSHAKE


def client_name(service: Service) -> str:
    """The server name that a client service sends, as stunnel chooses it; empty for none."""
    if "sni" in service.options:
        return service.text("sni")
    if service.text("protocolHost"):
        return service.text("protocolHost").rpartition(":")[0] or service.text("protocolHost")
    first = service.connect[0] if service.connect else None
    return (first.host if first else "") or "localhost"


def _pattern_name(pattern: str) -> str:
    """A name that matches the pattern of an SNI service."""
    return pattern.replace("*", "tuimon", 1)


def _version(service: Service, option: str) -> str:
    """The limit that a client service sets to the versions it speaks; empty for none."""
    named = {name.lower(): name for name in ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")}
    return named.get((service.text(option) or service.text("sslVersion")).lower(), "")


def plan(service: Service, primary: Service | None, cwd: str, settings: Settings, jail: str = "") -> Plan:
    """The probe plan of one service; `primary` is where an SNI service is reached, `jail` its chroot,
    in which OpenSSL looks for hashed names."""
    rule = settings.rule(service.name)
    depth = rule.depth or _depth(service)
    interval = rule.interval or settings.intervals.handshake
    protocol = "" if service.protocol in _TLS_FIRST else service.protocol
    several = len(service.connect) > 1
    if not service.client:
        door = primary or service
        return Plan(
            depth=depth,
            targets=tuple(dialled(each) for each in door.accept[:1]),
            # Where the client names the target, `connect =` is there for the parser alone.
            reach=() if depth in (Depth.OFF, Depth.LISTEN) or service.proxies else service.connect,
            reach_always=several and depth is not Depth.LISTEN,
            server_name=_pattern_name(service.sni) if primary else "",
            protocol=protocol,
            protocol_host=_NOBODY if protocol == "connect" else "",
            interval=interval,
        )
    return Plan(
        depth=depth,
        targets=service.connect,
        reach=service.connect if several else (),
        reach_always=several,
        server_name=client_name(service),
        protocol=protocol,
        protocol_host=service.text("protocolHost"),
        ca_file=absolute(service.text("CAfile"), cwd) if service.verifies else "",
        ca_path=_in_jail(jail, service.text("CApath"), cwd) if service.verifies else "",
        cert=absolute(service.cert, cwd),
        key=absolute(service.key_file, cwd),
        crl_file=absolute(service.text("CRLfile"), cwd) if service.verifies else "",
        crl_path=_in_jail(jail, service.text("CRLpath"), cwd) if service.verifies else "",
        local=service.text("local"),
        minimum=_version(service, "sslVersionMin"),
        maximum=_version(service, "sslVersionMax"),
        # stunnel itself reaches the old versions only with its security level lowered.
        legacy=service.text("securityLevel") == "0" or "SECLEVEL=0" in service.text("ciphers"),
        interval=interval,
        remote=True,
    )
