"""What systemd prints about a boot: properties of a unit, and the folders that systemd-tmpfiles makes.

Rule: sans-IO; a line that is not understood tells nothing.
"""

import posixpath

from tuimon.text import printable

_MAKING = frozenset("dDvqQ")
"""Types of tmpfiles.d(5) that make a folder; modifiers may follow."""


def properties_of(output: bytes) -> dict[str, str]:
    """`Name=value` lines."""
    pairs = (line.partition("=") for line in output.decode("utf-8", "replace").splitlines())
    return {printable(name): printable(value) for name, equals, value in pairs if equals}


def folders_of_tmpfiles(output: bytes) -> frozenset[str]:
    """The folders that `systemd-tmpfiles --cat-config` names, without those whose names hold specifiers."""
    found = set()
    for line in output.decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0][0] in _MAKING and words[1].startswith("/") and "%" not in words[1]:
            found.add(posixpath.normpath(printable(words[1])))
    return frozenset(found)
