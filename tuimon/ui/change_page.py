"""What the disk holds and the process has not loaded, as a diff: part of a service's page.

Rule: `+` and `−` stand at the start of a line whatever its colour.
"""

from rich.text import Text

from tuimon.diagnose.finding import Finding, clock
from tuimon.diagnose.loaded import CODE
from tuimon.model.instance import Instance
from tuimon.text import counted
from tuimon.ui.document import Document


def evidence(finding: Finding, instance: Instance) -> tuple[str, ...]:
    """A finding's evidence without what the section says in full."""
    shown = finding.code == CODE and instance.change is not None
    return finding.evidence[:1] if shown else finding.evidence


def difference(document: Document, instance: Instance) -> None:
    """The section, where the text on disk is known to differ from the loaded one."""
    change = instance.change
    if change is None:
        return
    palette = document.palette
    styles = {"+": palette.ok, "-": palette.critical, "@": palette.accent}
    document.heading("Changed on disk")
    document.fact("changed", clock(change.at, document.now))
    document.fact("loaded", clock(instance.loaded_at, document.now), note="secrets are masked")
    for text in change.diff:
        head = text.startswith(("--- ", "+++ "))
        style = palette.strong if head else styles.get(text[:1], palette.muted)
        line = Text(palette.draw(text), style)
        document.line(line, indent=2)
    if change.more:
        document.line(f"and {counted(change.more, 'more line')}", palette.muted, indent=2)
