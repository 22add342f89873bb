"""PEM (RFC 7468, and the headers of RFC 1421): the blocks of a text, and a block as text.

Rule: one pass over the lines, whatever stands between the blocks is ignored, and a damaged block is
reported in its place instead of ending the file.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import NamedTuple

_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"


class Block(NamedTuple):
    """One block: `data` is None where it is cut off or not base64, `encrypted` as its header says."""

    label: str
    data: bytes | None
    encrypted: bool = False


def holds(data: bytes) -> bool:
    """Whether `data` looks like PEM at all."""
    return _BEGIN in data


def blocks(data: bytes) -> Iterator[Block]:
    """Every block of `data` in order.

    As in OpenSSL, a boundary starts in the first column and may be followed by blanks.
    """
    label: bytes | None = None
    lines: list[bytes] = []
    for raw in data.splitlines():
        line = raw.rstrip()
        if line.startswith(_BEGIN) and line.endswith(_DASHES):
            if label is not None:
                yield _damaged(label)
            label, lines = line[len(_BEGIN) : -len(_DASHES)], []
        elif label is None:
            continue
        elif line.startswith(_END):
            complete = line == _END + label + _DASHES
            yield _block(label, lines) if complete else _damaged(label)
            label = None
        else:
            lines.append(line)
    if label is not None:
        yield _damaged(label)


def text(label: str, data: bytes) -> str:
    """`data` as one block in lines of 64 characters, ending in a newline."""
    body = base64.b64encode(data).decode("ascii")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))


def _block(label: bytes, lines: list[bytes]) -> Block:
    encrypted = False
    if lines and b":" in lines[0]:
        ends = lines.index(b"") if b"" in lines else len(lines)
        encrypted = any(line.startswith(b"Proc-Type:") and b"ENCRYPTED" in line for line in lines[:ends])
        lines = lines[ends:]
    try:
        data = base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return _damaged(label)
    return Block(_name(label), data, encrypted)


def _damaged(label: bytes) -> Block:
    return Block(_name(label), None)


def _name(label: bytes) -> str:
    return label.decode("ascii", "replace")
