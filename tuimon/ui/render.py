"""Facts to Rich text, as several screens say them: states, times left, lines of the log, the summary.

Rule: pure functions that return `Text`, never a string with markup in it; what a stranger wrote is
appended as plain text.
"""

import time
from collections.abc import Sequence

from rich.text import Text

from tuimon.diagnose.certificate import critical_below, warn_below
from tuimon.diagnose.finding import State, label
from tuimon.model.certificate import Certificate
from tuimon.model.log import Event
from tuimon.settings import Settings
from tuimon.store import LogLine, Past, Row, Summary
from tuimon.text import counted
from tuimon.ui import past_words
from tuimon.ui.filtering import Filter
from tuimon.ui.palette import Palette

DAY = 86400
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


def in_full(row: Row, past: Past, palette: Palette, *, now: float, width: int) -> Text:
    """What is wrong with a service, since when, and what to do; where nothing is, what proves it."""
    text = Text()
    text.append(row.tunnel.service.name, palette.strong)
    if row.cause is None or not row.why:
        return text.append_text(_proof(row, past, palette, now))
    text.append(f"  {row.cause.text}", palette.severity(row.cause.severity))
    often = past_words.often(past, now)
    text.append(past_words.since(row, now), palette.muted)
    text.append(f", {often}" if often else "", palette.muted)
    if row.cause.fix:  # on a line of its own, where the reason leaves one
        apart = "\n" if text.cell_len <= width else "  "
        text.append(palette.draw(f"{apart}→ {row.cause.fix}"))
    return text


def _proof(row: Row, past: Past, palette: Palette, now: float) -> Text:
    """Whether anything was wrong, where it is defined, and the handshake that proves it."""
    text, tunnel = Text(), row.tunnel
    back = past_words.back_of(row, past, now)
    text.append(f"  {back}\n" if back else "  ", palette.muted)
    text.append(f"{tunnel.service.file}:{tunnel.service.line}", palette.muted)
    if tunnel.probed_at is not None and tunnel.handshake is not None:
        at = time.strftime("%H:%M:%S", time.localtime(tunnel.probed_at))
        text.append(f"  proved by a handshake at {at}", palette.muted)
    if row.cause is not None and not back:  # worth knowing, and nothing to do about
        text.append(f"\n{row.cause.text}", palette.muted)
    return text


def _short(line: LogLine) -> str:
    """The message without what the line already says beside it."""
    record = line.record
    prefix = f"Service [{record.service}] "
    message = record.message.removeprefix(prefix) if record.service else record.message
    if record.event is Event.ACCEPTED and record.peer:
        return f"accepted {record.peer}"
    return message.removeprefix("s_connect: ") if record.event is not Event.NONE else message


def log_line(line: LogLine, palette: Palette, sought: Filter, width: int = 10) -> Text:
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
    return sought.highlight(text, palette)


def log_plain(line: LogLine) -> str:
    """A line as it is copied: its time whole, and where it comes from."""
    record = line.record
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.time)) if record.time is not None else "-"
    level = "-" if record.level is None else record.level
    return f"{at} {line.source} {level} [{record.id}] {record.message}"


def rule(parts: Sequence[str | Text], width: int, palette: Palette) -> Text:
    """A line across with words in it: `─ log ─ all ─ following ────`."""
    line = Text()
    line.append(palette.draw("─ "), palette.muted)
    for part in parts:
        line.append(part)
        line.append(palette.draw(" ─ " if part is not parts[-1] else " "), palette.muted)
    line.append(palette.draw("─" * max(0, width - line.cell_len)), palette.muted)
    line.truncate(width, overflow="ellipsis")
    return line


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
    """The header's left side; `words` 3 spells everything out, 2 shortens, 1 names only what is broken, 0
    leaves only signs."""
    gap = "  " if words == 3 else " "
    text = Text(" ")
    text.append("tuimon", f"bold {palette.accent}".strip())
    text.append(f" {host}  {counted(total.services, 'service')}" if words == 3 else f" {host}")
    for count, sign, word, style in _counts(total, palette):
        spelt = word if words == 3 else _SHORT.get(word, word)
        said = f"{sign} {count} {spelt}" if words > 1 else f"{sign}{count}"
        if words == 1 and sign == "✖":  # one sign for two states
            said += f" {spelt}"
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
            text.append(f" {count} {word if words == 3 else _SHORT.get(word, word)}", style)
    return text


def summary(total: Summary, host: str, width: int, palette: Palette, *, read_only: bool = False) -> Text:
    """The header: what the fleet is like, in as many words as fit."""
    text = Text()
    for words in (3, 2, 1, 0):
        text = _summary(total, f"{host} read-only" if read_only else host, palette, words=words)
        if text.cell_len <= width:
            break
    text.truncate(max(0, width), overflow="ellipsis")
    return text


def clock(now: float, palette: Palette) -> Text:
    """The time in the header's corner."""
    return Text(time.strftime("%H:%M:%S", time.localtime(now)) if now else "", palette.muted)


def bar(share: float, width: int, style: str, palette: Palette) -> Text:
    """How much of a lifetime is left, as a bar `width` cells wide."""
    filled = max(0, min(width, round(share * width)))
    if share > 0 and not filled:
        filled = 1
    text = Text()
    text.append(palette.draw("━" * filled), style)
    text.append(palette.draw("─" * (width - filled)), palette.muted)
    return text


def pairs(digits: str) -> str:
    """Hex in pairs, as openssl prints it."""
    sign = "-" if digits.startswith("-") else ""
    bare = digits.removeprefix("-")
    return sign + ":".join(bare[index : index + 2] for index in range(0, len(bare), 2))
