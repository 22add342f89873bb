"""The manual that reload, restart, start and stop share: they differ in what they do, not in how."""

from tuimon.commands.manual import Manual

_HOW = (
    "TARGET is INSTANCE[/SERVICE]; INSTANCE is a configuration path, a unit or a pid.  The whole process is "
    "meant, and what that touches is said first.  What would not come back is refused.  --yes skips the "
    "question, never the look; --dry-run only looks.  Whether it worked is proved by the log, the listeners "
    "and a handshake with every service."
)
_EXIT = {0: "verified", 1: "done, but not verified", 2: "refused or failed"}


def manual(about: str, examples: tuple[tuple[str, str], ...]) -> Manual:
    """What an action does, with what is true of all four."""
    environment = ("XDG_CONFIG_HOME", "XDG_STATE_HOME")
    return Manual(f"{about}\n\n{_HOW}", _EXIT, examples, ("settings", "actions", "loaded"), environment)
