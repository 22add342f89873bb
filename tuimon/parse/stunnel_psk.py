"""The file of pre-shared keys that `PSKsecrets` names: `identity:key` a line.

Rule: read as stunnel reads it, which knows no comments and trims nothing; of the keys nothing leaves
this file but that they are good.
"""

from tuimon.parse.stunnel_lines import MAX_LINE
from tuimon.text import printable

MAX_IDENTITY = 256
MIN_KEY, MAX_KEY = 16, 512
"""Bytes, of OpenSSL 3; the identity counts with its final NUL."""

_HEX = frozenset(b"0123456789abcdefABCDEF")


def read(data: bytes) -> tuple[str, ...] | str:
    """The identities of a file in order, or stunnel's reason against it, with the line."""
    identities = []
    for number, line in enumerate(_lines(data), 1):
        if not line:
            continue
        identity, colon, key = line.partition(b":")
        if not colon:
            return f"PSKsecrets line {number}: Not in identity:key format"
        if len(identity) + 1 > MAX_IDENTITY:
            return f"PSKsecrets line {number}: Identity longer than {MAX_IDENTITY} characters"
        length = _key_length(key)
        if length > MAX_KEY:
            return f"PSKsecrets line {number}: Key longer than {MAX_KEY} bytes"
        if length < MIN_KEY:
            return f"PSKsecrets line {number}: Key shorter than {MIN_KEY} bytes"
        identities.append(printable(identity))
    return tuple(identities)


def _key_length(key: bytes) -> int:
    """Bytes of the key: those of a hexadecimal one if it is that, with colons between bytes allowed."""
    digits, position = 0, 0
    while position < len(key):
        if key[position : position + 1] == b":":
            position += 1
        elif key[position] in _HEX and key[position + 1 : position + 2] and key[position + 1] in _HEX:
            digits, position = digits + 1, position + 2
        else:
            return len(key)
    return digits


def _lines(data: bytes) -> list[bytes]:
    """Lines without CR, each cut at a NUL; what exceeds stunnel's buffer is a line of its own."""
    lines = []
    for whole in data.replace(b"\r", b"").split(b"\n"):
        cuts = range(0, len(whole) or 1, MAX_LINE)
        lines += [whole[cut : cut + MAX_LINE].partition(b"\0")[0] for cut in cuts]
    return lines
