"""A picture of what runs out when: weeks across, one mark a certificate.

Rule: drawn from dates only; marks that fall on one cell are stacked and counted.
"""

from rich.text import Text

from tuimon.settings import Settings
from tuimon.store import CertificateUse
from tuimon.ui.palette import Palette
from tuimon.ui.render import left_style

WEEK = 7 * 86400
_STACK = 3  # marks above each other before a number stands for the rest


def timeline(
    uses: list[CertificateUse],
    width: int,
    chosen: str = "",
    *,
    now: float,
    settings: Settings,
    palette: Palette,
) -> list[Text]:
    """Lines of the picture: stacked marks, the axis with the thresholds, the scale in weeks.

    The mark of the `chosen` one (by SHA-256) stands out.
    """
    current = [use for use in uses if not use.stale]
    inner = max(20, width - 12)
    far = [use.certificate.seconds_left(now) / WEEK for use in current]
    weeks = next(
        (each for each in (13, 26, 52, 104) if sum(left <= each for left in far) >= 0.8 * len(far)), 104
    )
    cells: dict[int, list[CertificateUse]] = {}
    expired, later = [], 0
    for use, left in zip(current, far, strict=True):
        if left < 0:
            expired.append(use)
        elif left > weeks:
            later += 1
        else:
            stack = cells.setdefault(min(inner - 1, int(left / weeks * inner)), [])
            stack.insert(
                0 if use.certificate.sha256 == chosen else len(stack), use
            )  # it is always to be seen
    lines = []
    for level in range(_STACK - 1, -1, -1):
        line = Text()
        line.append(f"{_expired(expired, level, palette):>8} ", palette.critical)
        for cell in range(inner):
            stack = cells.get(cell, [])
            if level < len(stack):
                style = left_style(stack[level].certificate, now, settings, palette) or palette.ok
                more = level == _STACK - 1 and len(stack) > _STACK
                here = stack[level].certificate.sha256 == chosen
                sign = "▼" if here else str(min(9, len(stack))) if more else "◆"
                line.append(palette.draw(sign), f"{style} bold reverse" if here else style)
            else:
                line.append(
                    palette.draw("┊") if _threshold(cell, inner, weeks, settings) else " ", palette.muted
                )
        lines.append(line)
    lines.append(_axis(inner, weeks, later, palette))
    lines.append(_scale(inner, weeks, palette))
    return lines


def _expired(expired: list[CertificateUse], level: int, palette: Palette) -> str:
    if level == 0 and expired:
        return palette.draw(f"✖ {len(expired)}")
    return "expired" if level == 1 and expired else ""


def _threshold(cell: int, inner: int, weeks: int, settings: Settings) -> bool:
    limits = settings.thresholds
    marks = {int(days / 7 / weeks * inner) for days in (limits.critical_days, limits.warn_days)}
    return cell in marks


def _axis(inner: int, weeks: int, later: int, palette: Palette) -> Text:
    line = Text()
    line.append("   today ", palette.muted)
    line.append(palette.draw("─" * inner), palette.muted)
    if later:
        line.append(palette.draw(f" {later}→"), palette.muted)
    return line


def _scale(inner: int, weeks: int, palette: Palette) -> Text:
    step = {13: 1, 26: 2, 52: 4, 104: 8}[weeks]
    line = [" "] * (inner + 9)
    for week in range(step, weeks + 1, step):
        at = 9 + int(week / weeks * inner) - 1
        label = f"{week}w"
        if at + len(label) < len(line) and all(cell == " " for cell in line[at - 2 : at + len(label)]):
            line[at : at + len(label)] = label
    return Text("".join(line), palette.muted)
