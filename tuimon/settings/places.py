"""Where things stand in a TOML text: the line of every key, which tomllib does not tell.

Rule: only a text that tomllib has accepted is asked for, so nothing is checked here a second time.
"""

import re
from typing import NamedTuple

Path = tuple[str | int, ...]
"""Keys and, in arrays, numbers from 0: `("services", 0, "depth")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2}(?!"))|'
    + r"'''.*?'''(?:'{0,2}(?!'))|"
    + r'"(?:\\.|[^"\\])*"|'
    + r"'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]*")  # numbers, dates, true and false


def lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every key, table and array element of a valid TOML document."""
    return _Reader(text).document()


class _Key(NamedTuple):
    parts: tuple[str, ...]
    at: int


class _Reader:
    """One pass over the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[Path, int] = {}
        self._last: dict[Path, int] = {}  # arrays of tables: the number of the newest element

    def document(self) -> dict[Path, int]:
        """Headers and pairs until the end."""
        table: Path = ()
        self._blank()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._blank()
        return self._found

    def _blank(self) -> None:
        found = _BLANK.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _note(self, path: Path, at: int) -> None:
        """Keep the first mention of a path, and of what leads to it."""
        line = self._text.count("\n", 0, at) + 1
        for length in range(1, len(path) + 1):
            self._found.setdefault(path[:length], line)

    def _header(self) -> Path:
        """`[a.b]`, or `[[a.b]]`: one more element of an array."""
        many = self._text.startswith("[[", self._at)
        self._at += 1 + many
        key = self._key()
        self._at += 1 + many
        path: Path = ()
        for part in key.parts:
            path += (part,)
            if many and len(key.parts) == sum(isinstance(each, str) for each in path):
                self._last[path] = self._last.get(path, -1) + 1
            if path in self._last:  # what stands under an array is in its newest element
                path += (self._last[path],)
        self._note(path, key.at)
        return path

    def _key(self) -> _Key:
        """`a."b c".d`, and the blanks around it."""
        self._blank()
        start, parts = self._at, []
        while True:
            self._blank()
            quoted = _STRING.match(self._text, self._at)
            found = quoted or _BARE.match(self._text, self._at)
            if found is None:
                raise ValueError(f"no key at {self._at}")
            parts.append(_unquoted(found[0]) if quoted else found[0])
            self._at = found.end()
            self._blank()
            if not self._text.startswith(".", self._at):
                return _Key(tuple(parts), start)
            self._at += 1

    def _pair(self, table: Path) -> None:
        key = self._key()
        self._at += 1  # =
        path = (*table, *key.parts)
        self._note(path, key.at)
        self._value(path)

    def _value(self, path: Path) -> None:
        """Go to the end of a value, noting what stands inside of it."""
        self._blank()
        opening = self._text[self._at]
        if opening in "[{":
            self._inside(path, "]" if opening == "[" else "}")
            return
        found = _STRING.match(self._text, self._at) or _PLAIN.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _inside(self, path: Path, closing: str) -> None:
        self._at += 1
        self._blank()
        number = 0
        while not self._text.startswith(closing, self._at):
            if closing == "}":
                self._pair(path)
            else:
                self._note((*path, number), self._at)
                self._value((*path, number))
                number += 1
            self._blank()
            if self._text.startswith(",", self._at):
                self._at += 1
                self._blank()
        self._at += 1


def _unquoted(word: str) -> str:
    if word.startswith("'"):
        return word[1:-1]
    return _ESCAPE.sub(
        lambda found: (
            chr(int(found[1] or found[2], 16)) if found[1] or found[2] else _ESCAPED.get(found[3], found[3])
        ),
        word[1:-1],
    )
