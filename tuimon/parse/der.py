"""The little DER (X.690) that cryptography does not hand out: cutting whole values apart, joining them.

Rule: only tag and length are understood here, contents are passed on as they are; what is malformed is
a `ValueError`.
"""

SEQUENCE = 0x30
CONTEXT_0 = 0xA0
CONTEXT_3 = 0xA3

_HIGH_TAG = 0x1F


def first(data: bytes) -> bytes:
    """The value that `data` begins with, header included; what follows it is cut off."""
    return data[: _extent(data, 0)[1]]


def children(value: bytes) -> list[bytes]:
    """The values inside one constructed value, each with its header, in order."""
    at, end = _extent(value, 0)
    found = []
    while at < end:
        _, after = _extent(value, at)
        if after > end:
            raise ValueError("a value reaches beyond the one that holds it")
        found.append(value[at:after])
        at = after
    return found


def wrap(tag: int, *parts: bytes) -> bytes:
    """One constructed value with `tag` around whole values."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size) + content


def dotted(value: bytes) -> str:
    """An OBJECT IDENTIFIER in dotted notation."""
    start, end = _extent(value, 0)
    arcs: list[int] = []
    arc = 0
    for octet in value[start:end]:
        arc = arc << 7 | octet & 0x7F
        if arc.bit_length() > 128:
            raise ValueError("an arc of the object identifier is too large")
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs:
        raise ValueError("the object identifier is empty")
    root = min(arcs[0] // 40, 2)
    return ".".join(map(str, (root, arcs[0] - 40 * root, *arcs[1:])))


def _extent(data: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at `at` starts, and where it ends."""
    if at + 2 > len(data) or data[at] & _HIGH_TAG == _HIGH_TAG:
        raise ValueError("no DER value")
    length, start = data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or start + size > len(data):
            raise ValueError("no DER length")
        length = int.from_bytes(data[start : start + size])
        start += size
    if start + length > len(data):
        raise ValueError("a DER value is cut off")
    return start, start + length
