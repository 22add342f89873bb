"""What may stand where a file is expected, and a fleet of configurations each of which has one such thing.

Rule: a row is a place and a kind; its configuration, its service and the odd thing itself bear its name.
"""

import os
import random
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.bench.field import free_ports
from tests.fixtures import Pki

HUGE = 100 << 20
"""Bytes of a file that is too large for anything."""


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)
    try:  # the name of a Unix socket is at most 108 bytes long
        with closing(socket.socket(socket.AF_UNIX)) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"; a comment without an end ")
        file.truncate(HUGE)


KINDS: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "full": lambda path: path.symlink_to("/dev/full"),
    "folder": Path.mkdir,
    "socket": _socket,
    "nowhere": lambda path: path.symlink_to("nothing"),
    "loop": lambda path: path.symlink_to(path.name),
    "huge": _huge,
    "bytes": lambda path: path.write_bytes(random.Random(7).randbytes(5000)),  # noqa: S311
}

PLACES = {
    "config": "",
    "include": "include = {odd}",
    "cert": "cert = {odd}",
    "key": "key = {odd}",
    "ca": "CAfile = {odd}\nverifyChain = yes",
    "crl": "CRLfile = {odd}\nCAfile = {ca}\nverifyChain = yes",
    "capath": "CApath = {odd}\nverifyChain = yes",
    "psk": "PSKsecrets = {odd}\nciphers = PSK",
    "log": "output = {odd}",
    "pid": "pid = {odd}",
}
"""What a configuration says to have the thing in each place."""

MORE = {
    "crlpath": "CRLpath = {odd}\nCAfile = {ca}\nverifyChain = yes",
    "chroot": "chroot = {odd}",
    "exec": "exec = {odd}",
}
"""Places of things that stunnel may take for anything, but waits for."""

_GLOBAL = {"include", "log", "pid", "chroot"}


class Row(NamedTuple):
    """One case."""

    place: str
    kind: str

    @property
    def name(self) -> str:
        """Of its configuration, its service and the thing."""
        return f"{self.place}-{self.kind}"


ROWS = tuple(Row(place, kind) for place in PLACES for kind in KINDS)


def write(folder: Path, row: Row, odd: Path, *, port: int, cert: str, key: str, ca: str) -> None:
    """Write the configuration of a row whose thing is `odd` to `folder`."""
    line = (PLACES | MORE)[row.place].format(odd=odd, ca=ca)
    above, inside = (line, "") if row.place in _GLOBAL else ("", line)
    cert = "" if row.place == "cert" else f"cert = {cert}"
    key = "" if row.place == "key" else f"key = {key}"
    target = "" if row.place == "exec" else "connect = 127.0.0.1:1"
    section = f"[{row.name}]\naccept = 127.0.0.1:{port}\n{target}\n{cert}\n{key}\n{inside}\n"
    (folder / f"{row.name}.conf").write_text(f"{above}\n{section}")


def fleet(folder: Path, things: Path, pki: Pki) -> None:
    """Write all rows."""
    cert, key, ca = (pki.path(name) for name in ("server.pem", "server.key", "ca.pem"))
    for row, port in zip(ROWS, free_ports(len(ROWS)), strict=True):
        if row.place == "config":
            KINDS[row.kind](folder / f"{row.name}.conf")
            continue
        odd = things / row.name
        KINDS[row.kind](odd)
        write(folder, row, odd, port=port, cert=cert, key=key, ca=ca)
