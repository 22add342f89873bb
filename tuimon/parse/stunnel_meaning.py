"""What a line of a configuration says by itself: its option, its value, and what stunnel has against it.

Rule: below the first header a line means the same wherever it stands, and the same few stand in every
section: what one says is worked out once.  Above it the global options are known as well, and defaults
are judged by kinds of their own.
"""

import os
import re

from msgspec import Struct

from tuimon.parse.stunnel_checks import Refusal
from tuimon.parse.stunnel_lines import MAX_LINE
from tuimon.parse.stunnel_options import Option, Scope, Version, find, is_secret
from tuimon.parse.stunnel_secrets import masked_value, plain
from tuimon.parse.stunnel_section import Values
from tuimon.text import printable

_NEEDS_ENGINE = {
    "engineCtrl": "No engine was defined",
    "engineDefault": "No engine was defined",
    "engineId": "Engine ID not found",
    "engineNum": "Illegal engine number",
}
_COMMENT_TAIL = re.compile(r"\s(?:#|;|//)")


class Meaning(Struct, frozen=True, gc=False):
    """What a line says: its option, the value's text with `raw` and `cover` (`Value`), `clear` where it needs
    no cover, and what the text says against it; without an option its `name`, and whether it has a `=`."""

    option: Option | None
    name: bytes
    equals: bool
    shown: str = ""
    raw: str = ""
    cover: str = ""
    refusal: Refusal | None = None
    clear: bool = False


class Meanings:
    """What lines mean to stunnel `version`; `globals_` are the global options as far as they were read."""

    def __init__(self, version: Version, globals_: Values) -> None:
        self._version = version
        self._globals = globals_
        self._options: dict[bytes, Option] = {}  # by the spellings met
        self._below: dict[bytes, Meaning] = {}  # by the lines met below the first header

    def of(self, text: bytes, *, above: bool) -> Meaning:
        """What a line says that is no comment and no header; `above` tells that no section has begun."""
        found = None if above else self._below.get(text)
        if found is None:
            found = self._meaning(text, above)
            if found.option is not None and not above:
                self._below[text] = found
        return found

    def _meaning(self, text: bytes, above: bool) -> Meaning:
        head, equals, tail = text.partition(b"=")
        name, value = head.strip(), tail.strip()
        option = self._find(name) if equals else None
        if option is None or (option.scope is Scope.GLOBAL and not above):
            return Meaning(None, name, bool(equals))
        shown, raw = printable(value, MAX_LINE), os.fsdecode(value)
        clear = plain(option.name, shown)
        cover = shown if clear else masked_value(option.name, shown)
        refusal = None if option.name == "include" else self._refusal(option, shown, above)
        return Meaning(option, name, True, shown, "" if raw == shown else raw, cover, refusal, clear)

    def _find(self, name: bytes) -> Option | None:
        option = self._options.get(name)
        if option is None:
            option = find(printable(name), self._version)
            if option is not None:
                self._options[name] = option
        return option

    def _refusal(self, option: Option, value: str, above: bool) -> Refusal | None:
        """What the text says against this value of a known option."""
        kind = (above and option.default_kind) or option.kind
        reason = kind.refuse(value)
        if not reason and "engine" not in self._globals:  # only behind that line can one be referred to
            reason = _NEEDS_ENGINE.get(option.name, "")
        return Refusal(reason, _wanted(option, kind.wants, value)) if reason else None


def _wanted(option: Option, wants: str, value: str) -> str:
    """What to write instead of a refused value."""
    if option.name in _NEEDS_ENGINE:
        return f"`{option.name}` needs a global `engine` line before it"
    if not is_secret(option.name) and _COMMENT_TAIL.search(value):
        return f"a comment cannot follow a value, move it to its own line; `{option.name}` takes {wants}"
    return f"`{option.name}` takes {wants}"
