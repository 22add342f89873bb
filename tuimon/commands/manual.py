"""What `--help` says besides the options: exit statuses, examples, files, environment.

Rule: 80 columns, whatever the terminal; a command's manual stands in its own module, what several share
stands here.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import NamedTuple

WIDTH = 78

FILES = {
    "settings": (
        "~/.config/tuimon/settings.toml",
        "settings ($XDG_CONFIG_HOME); tuimon settings prints all of them",
    ),
    "actions": (
        "~/.local/state/tuimon/actions.jsonl",
        "what was done to which instance, and how it ended ($XDG_STATE_HOME)",
    ),
    "loaded": (
        "~/.local/state/tuimon/loaded/",
        "the configurations that processes have loaded, with every secret masked",
    ),
    "stunnel": ("/etc/stunnel/*.conf", "looked at besides what runs (config_folder in the settings)"),
}
ENVIRONMENT = {
    "XDG_CONFIG_HOME": "where the settings are, instead of ~/.config",
    "XDG_STATE_HOME": "where state is kept, instead of ~/.local/state",
    "NO_COLOR": "if set, no colours: only signs, words, bold and reverse",
    "COLORFGBG": 'the terminal\'s colours ("0;15"): with theme = "auto", whether it is light',
    "TERM": "the terminal; the screen cannot be shown on a dumb one",
}
_ALL = ("XDG_CONFIG_HOME",)


class Manual(NamedTuple):
    """What a command's help says: what it does, its exit statuses, examples (command, what it is for), and
    which of `FILES` and `ENVIRONMENT` matter to it."""

    about: str
    exit: Mapping[int, str]
    examples: tuple[tuple[str, str], ...]
    files: tuple[str, ...] = ("settings",)
    environment: tuple[str, ...] = _ALL

    def description(self) -> str:
        """What it does, in paragraphs."""
        return "\n\n".join(textwrap.fill(each, WIDTH) for each in self.about.split("\n\n"))

    def epilog(self) -> str:
        """Everything that follows the options."""
        statuses = {**self.exit, 3: f"{self.exit[3]}, or wrong use" if 3 in self.exit else _WRONG}
        blocks = (
            _listed("exit status", {str(status): words for status, words in statuses.items()}),
            _examples(self.examples),
            _listed("files", dict(FILES[each] for each in self.files), apart=True),
            _listed("environment", {each: ENVIRONMENT[each] for each in self.environment}),
        )
        return "\n\n".join(filter(None, ("\n".join(each) for each in blocks)))


_WRONG = "wrong use, or settings that cannot be used; one line on stderr"


def _listed(title: str, rows: Mapping[str, str], *, apart: bool = False) -> Iterator[str]:
    """A heading and its rows; `apart`: what is said stands on a line of its own."""
    if not rows:
        return
    yield f"{title}:"
    first = max(map(len, rows)) + 4
    for name, words in rows.items():
        if apart:
            yield f"  {name}"
            yield from textwrap.wrap(words, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
            continue
        head = f"  {name}".ljust(first)
        yield from textwrap.wrap(words, WIDTH, initial_indent=head, subsequent_indent=" " * first)


def _examples(examples: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield "examples:"
    for command, words in examples:
        yield f"  {command}"
        yield f"      {words}"
