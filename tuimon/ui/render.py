"""Facts to Rich text: cells of the tables, lines of the log, the summary.

Rule: pure functions that return `Text`, never a string with markup in it; what a stranger wrote is
appended as plain text.
"""

import time

from rich.text import Text

from tuimon.diagnose.certificate import critical_below, warn_below
from tuimon.diagnose.finding import State, label
from tuimon.model.certificate import Certificate
from tuimon.model.log import Event
from tuimon.model.service import Service
from tuimon.settings import Settings
from tuimon.store import CertificateUse, LogLine, Row, Summary
from tuimon.text import counted
from tuimon.ui.palette import LIGHTS, Palette

DAY = 86400
_CERT = 7  # cells of the CERT column
_LOUD = {0: "critical", 1: "critical", 2: "critical", 3: "critical", 4: "warning"}


def days(seconds: float) -> str:
    """Time left in days: `87d`, `−2d`; in hours on the last day: `5h`, `−3h`."""
    size, unit = (DAY, "d") if abs(seconds) >= DAY else (3600, "h")
    count = int(abs(seconds) / size)
    return f"{'−' if seconds < 0 else ''}{count}{unit}"


def left_style(certificate: Certificate, now: float, settings: Settings, palette: Palette) -> str:
    """The colour of the time a certificate has left."""
    left = certificate.seconds_left(now)
    if left < critical_below(certificate, settings.thresholds):
        return palette.critical
    return palette.warning if left < warn_below(certificate, settings.thresholds) else ""


def state(each: State, palette: Palette) -> Text:
    """Sign and word of a state."""
    text = Text()
    text.append(palette.draw(label(each)), palette.states.get(each, ""))
    return text


def role(service: Service) -> str:
    """What kind of row it is."""
    if service.sni_of is not None:
        return "sni"
    if service.exec and not service.client:
        return "exec"
    return service.role.value


def accept(row: Row) -> str:
    """Where clients come in."""
    service, primary = row.tunnel.service, row.tunnel.primary
    if primary is not None:
        return f"({primary.name})"
    return service.accept[0].text if service.accept else ("per connection" if service.inetd else "")


def connect(service: Service) -> str:
    """Where they are led."""
    if service.connect:
        more = f" +{len(service.connect) - 1}" if len(service.connect) > 1 else ""
        return service.connect[0].text + more
    return service.exec.rsplit("/", 1)[-1] if service.exec else ""


def certificate_cell(row: Row, now: float, settings: Settings, palette: Palette) -> Text:
    """Days left of the service's certificate; `9→89d` where the disk holds a newer one."""
    certificate, renewed = row.certificate, row.renewed
    if certificate is None:
        return Text("psk" if row.tunnel.service.psk else "", palette.muted)
    left = days(certificate.seconds_left(now))
    style = left_style(certificate, now, settings, palette)
    if renewed is not None:
        both = f"{left[:-1]}→{days(renewed.seconds_left(now))}"
        return Text(palette.draw(both if len(both) <= _CERT else both[:-1]), palette.warning)
    return Text(palette.draw(left), style)


def why(row: Row, palette: Palette) -> Text:
    """The cause in words; for a healthy SNI row its pattern; what somebody is doing to it meanwhile."""
    if row.acting:
        return Text(palette.draw(row.acting), palette.accent)
    if not row.why:
        service = row.tunnel.service
        return Text(f"sni {service.sni}" if service.sni_of is not None else "", palette.muted)
    return Text(row.why)


def lights(row: Row, palette: Palette) -> Text:
    """Listener, TLS, connect target."""
    text = Text()
    for index, light in enumerate(row.lights):
        text.append(palette.draw((" " if index else "") + LIGHTS[light]), palette.light(light))
    return text


def service_cells(row: Row, now: float, settings: Settings, palette: Palette) -> dict[str, Text]:
    """The cells of one row of the services table by column id."""
    service = row.tunnel.service
    sessions = row.tunnel.sessions
    name = Text()
    name.append(palette.draw("↳ ") if row.tunnel.primary else "", palette.muted)
    name.append(service.name, palette.strong if row.state in (State.DOWN, State.CRITICAL) else "")
    return {
        "state": state(row.state, palette),
        "service": name,
        "why": why(row, palette),
        "cert": certificate_cell(row, now, settings, palette),
        "sess": Text("" if sessions is None else str(sessions), "" if sessions else palette.muted),
        "ltc": lights(row, palette),
        "role": Text(role(service), palette.muted),
        "accept": Text(accept(row)),
        "connect": Text(connect(service)),
    }


def matches(text: str, needle: str) -> bool:
    """Whether a row passes the filter: substring, case does not matter, `!` in front inverts."""
    invert = needle.startswith("!")
    wanted = needle[1:] if invert else needle
    return not wanted or (wanted.lower() in text.lower()) != invert


def highlight(text: Text, needle: str, palette: Palette) -> Text:
    """Mark every place where the filter matches."""
    if needle and not needle.startswith("!"):
        text = text.copy()
        text.highlight_words([needle], palette.match, case_sensitive=False)
    return text


def _short(line: LogLine) -> str:
    """The message without what the line already says beside it."""
    record = line.record
    prefix = f"Service [{record.service}] "
    message = record.message.removeprefix(prefix) if record.service else record.message
    if record.event is Event.ACCEPTED and record.peer:
        return f"accepted {record.peer}"
    return message.removeprefix("s_connect: ") if record.event is not Event.NONE else message


def log_line(line: LogLine, palette: Palette, needle: str = "", width: int = 10) -> Text:
    """`03:12:37 3 pgsql-eu   #87 message`; `width` is that of the service column."""
    record = line.record
    at = time.strftime("%H:%M:%S", time.localtime(record.time)) if record.time is not None else " " * 8
    loud = getattr(palette, _LOUD.get(record.level or 9, ""), "") if record.level is not None else ""
    quiet = palette.muted if line.own or (record.level or 0) >= 6 else ""
    name = record.service or line.source.rsplit("/", 1)[-1].removesuffix(".log")
    text = Text(no_wrap=True, end="")
    text.append(at, palette.muted)
    text.append(f" {' ' if record.level is None else record.level} ", loud or palette.muted)
    text.append(
        f"{name[:width]:{width}} ", palette.accent if record.service and not line.own else palette.muted
    )
    if record.id and record.id not in {"ui", "main", "cron"}:
        text.append(f"#{record.id} ", palette.muted)
    text.append(_short(line), loud or quiet)
    return highlight(text, needle, palette)


_SHORT = {"critical": "crit", "expired": "exp"}


def _counts(total: Summary, palette: Palette) -> list[tuple[int, str, str, str]]:
    """Count, sign, word and style of every state that occurs, worst first."""
    wanted = (
        (total.down, "✖", "down", palette.states.get(State.DOWN, "")),
        (total.critical, "✖", "critical", palette.states.get(State.CRITICAL, "")),
        (total.warning, "▲", "warn", palette.states.get(State.WARNING, "")),
        (total.unknown, "?", "unseen", palette.warning),
        (total.pending, "…", "looking", palette.muted),
        (total.ok, "●", "ok", palette.ok),
        (total.off, "○", "off", palette.muted),
        (total.not_probed, "–", "not probed", palette.muted),
    )
    return [each for each in wanted if each[0]]


def _summary(total: Summary, host: str, palette: Palette, *, words: int) -> Text:
    """The header's left side; `words` 2 spells everything out, 1 shortens, 0 leaves only signs."""
    gap = "  " if words == 2 else " "
    text = Text(" ")
    text.append("tuimon", f"bold {palette.accent}".strip())
    text.append(f" {host}  {counted(total.services, 'service')}" if words == 2 else f" {host}")
    for count, sign, word, style in _counts(total, palette):
        said = (
            f"{sign}{count}"
            if words == 0
            else f"{sign} {count} {word if words == 2 else _SHORT.get(word, word)}"
        )
        text.append(gap)
        text.append(palette.draw(said), style)
    due = (
        (total.expired, "expired", palette.critical),
        (total.expiring_critical, "critical", palette.critical),
        (total.expiring, "soon", palette.warning),
    )
    if any(count for count, _, _ in due):
        text.append(f"{gap}certs", palette.muted)
    for count, word, style in due:
        if count:
            text.append(f" {count} {word if words == 2 else _SHORT.get(word, word)}", style)
    return text


def summary(
    total: Summary, host: str, now: float, width: int, palette: Palette, *, read_only: bool = False
) -> Text:
    """The header: what the fleet is like, in as many words as fit."""
    clock = time.strftime("%H:%M:%S", time.localtime(now)) if now else ""
    text = Text()
    for words in (2, 1, 0):
        text = _summary(total, f"{host} read-only" if read_only else host, palette, words=words)
        if text.cell_len + len(clock) + 2 <= width:
            break
    text.truncate(max(0, width - len(clock) - 2), overflow="ellipsis")
    text.append(" " * max(1, width - text.cell_len - len(clock) - 1))
    text.append(clock, palette.muted)
    return text


def bar(share: float, width: int, style: str, palette: Palette) -> Text:
    """How much of a lifetime is left, as a bar `width` cells wide."""
    filled = max(0, min(width, round(share * width)))
    if share > 0 and not filled:
        filled = 1
    text = Text()
    text.append(palette.draw("━" * filled), style)
    text.append(palette.draw("─" * (width - filled)), palette.muted)
    return text


def certificate_row(use: CertificateUse, now: float, settings: Settings, palette: Palette) -> dict[str, Text]:
    """The cells of one row of the certificates table by column id."""
    certificate = use.certificate
    left = certificate.seconds_left(now)
    style = left_style(certificate, now, settings, palette)
    share = left / certificate.lifetime if certificate.lifetime > 0 else 0.0
    return {
        "left": Text(palette.draw(days(left)), style),
        "life": bar(share, 10, style or palette.ok, palette),
        "name": Text(certificate.title),
        "kind": Text(kind(use), palette.muted),
        "do": Text(advice(use, now, settings), palette.warning if use.stale or style else palette.muted),
        "used": Text(", ".join(use.used_by)),
        "ends": Text(f"{certificate.not_after:%Y-%m-%d}", style),
        "issuer": Text(certificate.issuer, palette.muted),
    }


def kind(use: CertificateUse) -> str:
    """What it is for, in one word."""
    if use.certificate.ca or "ca" in use.roles:
        return "ca"
    if "client" in use.roles:
        return "client"
    return "own" if "own" in use.roles else ("served" if "served" in use.roles else "chain")


def advice(use: CertificateUse, now: float, settings: Settings) -> str:
    """Renew, reload, look, or nothing."""
    if use.stale:
        return "reload"
    left = use.certificate.seconds_left(now)
    if left < warn_below(use.certificate, settings.thresholds):
        return "renew" if use.roles & {"own", "client"} else "look"
    return ""
