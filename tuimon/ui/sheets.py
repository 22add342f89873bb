"""A table as a file for other programs: CSV for a spreadsheet, JSON for a script.

Rule: JSON is the public JSON of the commands.  In CSV a cell that a spreadsheet would take for a formula
has an apostrophe in front: names are written by strangers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Sheet(Struct, frozen=True):
    """Rows of a table: `whole` as the commands print them, `lead` what CSV has before their plain fields."""

    name: str
    lead: Sequence[Mapping[str, Any]]
    whole: Sequence[Mapping[str, Any]]

    def json(self) -> str:
        """One JSON array."""
        return msgspec.json.format(msgspec.json.encode(self.whole), indent=2).decode() + "\n"

    def csv(self) -> str:
        """RFC 4180, names first; lists are joined by blanks, what has parts of its own is left out."""
        import csv  # noqa: PLC0415 - few ask for a file, and all wait for the first screen
        import io  # noqa: PLC0415

        lines = [{**lead, **_plain(whole)} for lead, whole in zip(self.lead, self.whole, strict=True)]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for line in lines for name in line)))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
        return text.getvalue()


def _plain(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that fit a cell."""
    fit: dict[str, Any] = {}
    for name, value in whole.items():
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            fit[name] = " ".join(value)
        elif not isinstance(value, list | dict):
            fit[name] = value
    return fit


def _cell(value: object) -> object:
    """A cell that is no formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
