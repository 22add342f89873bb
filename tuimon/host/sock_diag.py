"""sock_diag(7): a question to the kernel about its sockets, and the whole answer.

Rule: the system calls alone; what the bytes mean is known elsewhere.
"""

import os
import socket
import struct
import sys

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_ERROR, _DONE = 2, 3  # types of messages
_PATIENCE = 2.0
_MOST = 1 << 20  # bytes of a piece; the kernel makes them of 32 KiB at most
_HEAD = struct.Struct("=IH")


def ask(request: bytes) -> bytes:
    """Every message of the answer, one after the other; raises `OSError` where the kernel has none."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE)
        kernel.send(request)
        pieces: list[bytes] = []
        while not pieces or not _ends(pieces[-1]):
            pieces.append(kernel.recv(_MOST))
    return b"".join(pieces)


def _ends(piece: bytes) -> bool:
    """Whether this is the last piece."""
    at = 0
    while at < len(piece):
        length, kind = _HEAD.unpack_from(piece, at)
        if kind == _ERROR:
            code = -int.from_bytes(piece[at + 16 : at + 20], sys.byteorder, signed=True)
            raise OSError(code, os.strerror(code))
        if kind == _DONE:
            return True
        at += max(16, (length + 3) & ~3)
    return False
