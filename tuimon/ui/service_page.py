"""The page of one service: verdict and fix, evidence by layer, handshake, certificate, options, process."""

import time

from rich.text import Text

from tuimon.diagnose.finding import Light, State, clock
from tuimon.diagnose.in_use import disk_leaf
from tuimon.model.handshake import Depth, Handshake
from tuimon.store import LogLine, Past, Row
from tuimon.store.chronicle import Chronicle
from tuimon.text import counted
from tuimon.ui import certificate_page, clients_page, past_page, past_words
from tuimon.ui.change_page import difference, evidence
from tuimon.ui.document import Document
from tuimon.ui.filtering import Filter
from tuimon.ui.palette import LIGHTS
from tuimon.ui.past_words import millis
from tuimon.ui.pictures import waterfall
from tuimon.ui.render import bar, log_line, state

_MUCH = 0.8  # of a limit
_DEPTHS = {
    Depth.HANDSHAKE: "full handshake",
    Depth.CERTIFICATE: "handshake up to the server's flight (a full one would start something or be refused)",
    Depth.LISTEN: "sockets only (TLS needs a pre-shared key)",
    Depth.OFF: "never",
}


def _verdict(document: Document, row: Row, past: Past) -> None:
    palette, tunnel = document.palette, row.tunnel
    document.heading(tunnel.service.name)
    line = state(row.state, palette)
    if row.since is not None and row.state is not State.PENDING:
        line.append(f"  since {clock(row.since, document.now)}", palette.muted)
    if row.state is State.DOWN:
        often = past_words.often(past, document.now)
        line.append(f", {often}" if often else "", palette.muted)
    elif tunnel.probed_at is not None and tunnel.handshake is not None and tunnel.handshake.ok:
        at = time.strftime("%H:%M:%S", time.localtime(tunnel.probed_at))
        line.append(f"  proved by a handshake at {at}", palette.muted)
    document.line(line)
    for finding in row.findings:
        document.line(finding.text, palette.severity(finding.severity), indent=2)
        if finding.fix:
            document.line(palette.draw(f"→ {finding.fix}"), palette.strong, indent=4)
        for said in evidence(finding, row.tunnel.instance):
            document.line(said, palette.muted, indent=6)
        document.line(finding.code, palette.muted, indent=6)


def _light(document: Document, name: str, light: Light, words: str) -> None:
    palette = document.palette
    line = Text()
    line.append(palette.draw(f"{LIGHTS[light]} "), palette.light(light))
    line.append(palette.draw(words))
    document.fact(name, line)


def _layers(document: Document, row: Row, past: Past) -> None:
    tunnel = row.tunnel
    service, handshake = tunnel.service, tunnel.handshake
    listen, tls, target = row.lights
    door = (tunnel.primary or service).accept
    waiting = sum(each.queue for each in tunnel.listeners)
    sockets = (
        f"{len(tunnel.listeners)} listening, {waiting} waiting to be accepted" if tunnel.listeners else ""
    )
    where = ", ".join(each.text for each in door) or "no accept address"
    document.heading("Layers")
    _light(document, "listener", listen, f"{where}  {sockets}".rstrip())
    said = "not looked at"
    if handshake is not None:
        said = " ".join(each for each in (handshake.tls_version, handshake.cipher) if each and handshake.ok)
        said = said or handshake.detail or handshake.verdict.value
    elif service.psk:
        said = "pre-shared key: not probed"
    _light(document, "TLS", tls, said)
    goal = ", ".join(each.text for each in service.connect) or service.shown("exec") or "none"
    _light(document, "target", target, goal)
    for reach in tunnel.reaches:
        words = f"reached in {reach.connect_ms:.1f} ms" if reach.connect_ms is not None else reach.detail
        document.fact("", f"{reach.target}: {words or reach.verdict.value}")
    if tunnel.far is not None:
        config = tunnel.far.key.config.rsplit("/", 1)[-1]
        document.fact("far end", f"here: [{tunnel.far.name}] of {config}")
    past_page.sessions(document, row, past)


def _times(document: Document, handshake: Handshake) -> None:
    """The four times that are true on the wire, drawn to scale."""
    points = (
        ("connect", handshake.connect_ms),
        ("first byte", handshake.first_byte_ms),
        ("end of flight", handshake.flight_ms),
        ("finished", handshake.handshake_ms),
    )
    known = [(name, at) for name, at in points if at is not None]
    palette = document.palette
    bars = waterfall(
        [at for _, at in known], max(10, min(48, document.width - 30)), palette, style=palette.accent
    )
    for (name, at), drawn in zip(known, bars, strict=True):
        line = Text(f"{millis(at):>8}  ")
        line.append_text(drawn)
        document.fact(name, line)


def _carried(message: str, handshake: Handshake, server_name: str) -> str:
    """What a message brought, in a few words."""
    match message:
        case "> ClientHello" if server_name:
            return f"  server name {server_name}"
        case "< ServerHello":
            return "  " + ", ".join(filter(None, (handshake.tls_version, handshake.cipher, handshake.group)))
        case "< Certificate" if handshake.chain:
            return "  " + " · ".join(each.title for each in handshake.chain[:4])
        case "< CertificateRequest":
            count = len(handshake.client_ca_names)
            return f"  {counted(count, 'acceptable authority name')}" if count else "  any authority"
    return ""


def _handshake(document: Document, row: Row, past: Past) -> None:
    tunnel = row.tunnel
    handshake, palette = tunnel.handshake, document.palette
    if handshake is None and not tunnel.instance.running:
        return
    document.heading("Handshake")
    document.fact("probe", _DEPTHS[tunnel.plan.depth])
    if handshake is None:
        return
    document.fact("target", handshake.target, note=f"at {clock(tunnel.probed_at, document.now)}")
    verdict = f"{handshake.verdict.value}{': ' + handshake.detail if handshake.detail else ''}"
    refused = handshake.ok and row.lights[1] is Light.FAILED
    if refused:
        verdict = "the handshake completes; the certificate is refused"
    document.fact("verdict", verdict, palette.critical if refused or not handshake.ok else "")
    document.fact("server name", tunnel.plan.server_name)
    document.fact("version", handshake.tls_version)
    document.fact("cipher", handshake.cipher)
    document.fact("group", handshake.group)
    document.fact("alert", handshake.alert, palette.critical)
    if handshake.client_certificate_requested:
        document.fact("client cert", "asked for", note="; ".join(handshake.client_ca_names[:3]))
    _times(document, handshake)
    past_page.handshakes(document, past)
    for message in handshake.messages:
        sent = message.startswith("> ")
        line = Text()
        line.append(palette.draw(f"{'→' if sent else '←'} {message[2:]}"), palette.muted if sent else "")
        line.append(palette.draw(_carried(message, handshake, tunnel.plan.server_name)), palette.muted)
        document.line(line, indent=16)
    if handshake.closed_early:
        document.line(palette.draw("← closed right after the handshake"), palette.critical, indent=16)
    if handshake.chain:
        document.heading("Chain as sent")
        certificate_page.chain(document, handshake)


def _certificate(document: Document, row: Row) -> None:
    certificate = row.certificate
    if certificate is None:
        return
    served = row.tunnel.handshake.served if row.tunnel.handshake else None
    disk = disk_leaf(row.tunnel)
    document.heading("Certificate")
    document.fact("subject", certificate.subject)
    document.fact("issuer", certificate.issuer)
    document.fact("SAN", ", ".join(certificate.san))
    certificate_page.validity(document, certificate)
    document.fact("file", row.tunnel.own.path if row.tunnel.own else "")
    if served is not None and disk is not None and not row.tunnel.service.client:
        same = served.sha256 == disk.sha256
        words = "the same" if same else f"differ: disk until {disk.not_after:%Y-%m-%d}"
        document.fact("disk and served", words, "" if same else document.palette.warning)
    document.fact("SHA-256", certificate.sha256)


def _options(document: Document, row: Row) -> None:
    service, palette = row.tunnel.service, document.palette
    document.heading("Effective options")
    for name in sorted(service.options, key=str.lower):
        for value in service.options[name]:
            line = Text(f"{value.shown}  ")
            line.append(f"{value.file.rsplit('/', 1)[-1]}:{value.line}", palette.muted)
            document.fact(name, line, label=20)


def _share(document: Document, name: str, count: int | None, limit: int | None) -> None:
    """How many of how many, with a bar."""
    if count is None:
        return
    line = Text(str(count))
    if limit:
        line.append(f" of {limit}")
        line.pad_right(max(0, 14 - line.cell_len))
        share, palette = count / limit, document.palette
        line.append_text(bar(share, 20, palette.warning if share > _MUCH else palette.accent, palette))
    document.fact(name, line)


def _process(document: Document, row: Row) -> None:
    instance = row.tunnel.instance
    process, unit = instance.process, instance.unit
    document.heading("Instance")
    document.fact("configuration", instance.key.config)
    if unit is not None:
        document.fact("unit", unit.name, note=f"{unit.active_state} ({unit.sub_state}), {unit.enabled}")
    if process is None:
        document.fact("process", "none", document.palette.critical)
        return
    document.fact("process", f"pid {process.pid} as {process.user or '?'}", note=process.id.exe)
    document.fact("started", clock(process.id.started, document.now))
    source = "log" if instance.loaded_from_log else "start of the process"
    document.fact("loaded", clock(instance.loaded_at, document.now), note=f"from the {source}")
    document.fact("version", f"stunnel {instance.version}" if instance.version else "")
    _share(document, "clients", instance.clients, instance.client_limit)
    _share(document, "descriptors", process.fds, process.fd_limit)
    document.fact("memory", f"{process.memory / 1048576:.1f} MiB, {process.threads} threads")
    document.fact("log", instance.log)
    document.fact("not visible", ", ".join(process.hidden), document.palette.warning)


def page(document: Document, row: Row, log: list[LogLine], past: Past, chronicle: Chronicle) -> Document:
    """Everything about one service; `log` are its last lines, `past` is what was seen of it, and
    `chronicle` what its log tells of the time before."""
    _verdict(document, row, past)
    _layers(document, row, past)
    past_page.happened(document, row, past, chronicle)
    difference(document, row.tunnel.instance)
    _handshake(document, row, past)
    _certificate(document, row)
    clients_page.clients(document, row.tunnel)
    _options(document, row)
    _process(document, row)
    if log:
        document.heading("Log")
        for line in log:
            text = log_line(line, document.palette, Filter(""), width=0)
            text.truncate(document.width, overflow="ellipsis")
            document.lines.append(text)
    document.lines.append(Text())
    document.fact(
        "seen", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(document.now)), document.palette.muted
    )
    return document
