"""The only door by which outside text becomes a string fit for a screen.

Rule: whatever a stranger wrote (log lines, configuration values, certificate fields, file and unit
names, stderr, OpenSSL reasons) passes `printable` exactly once, where it is parsed.  Behind the door
a string holds no control character, no bidirectional override and no lone surrogate, and is bounded.
"""

import re
from collections.abc import Sequence
from functools import cache

MAX_TEXT = 4096
"""Longest text, in characters, that `printable` lets through unless told otherwise."""

_PLAIN = bytes(range(0x20, 0x7F))


def printable(text: str | bytes, limit: int = MAX_TEXT) -> str:
    """Return `text` with every unfit character shown as U+FFFD, a tab as a space, cut to `limit`.

    Bytes are decoded as UTF-8; what does not decode becomes U+FFFD as well.  A cut text ends in an
    ellipsis.
    """
    if isinstance(text, bytes):
        text = text[: limit * 4 + 4].decode("utf-8", "replace")
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():  # nothing unfit is that, and nearly every text is
        return text
    if "\t" in text:
        text = text.replace("\t", " ")
    return _unfit().sub("\ufffd", text)


@cache
def _unfit() -> re.Pattern[str]:
    """What is unfit; made when some is met: it takes half a millisecond, and the first screen has none."""
    # C0 (tab is handled apart), DEL, C1, Arabic letter mark, LRM/RLM, line and paragraph separators,
    # bidirectional embeddings, overrides and isolates, BOM, lone surrogates.
    return re.compile(
        "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
    )


def printable_lines(lines: Sequence[bytes]) -> str:
    """`printable` of each line without its line end, one below the other.

    What is nothing but ASCII is fit as it is, and to see that of many lines at once costs next to nothing.
    """
    if not b"".join(lines).translate(None, _PLAIN) and max(map(len, lines), default=0) <= MAX_TEXT:
        return b"\n".join(lines).decode("ascii")
    return "\n".join(printable(line.rstrip(b"\r\n")) for line in lines)


def counted(count: int, noun: str) -> str:
    """`1 service`, `2 services`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
