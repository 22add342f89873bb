"""Who could have written what is about to be run.

Rule: a program runs with no more rights than everybody has who could replace it: root, or the very user
that it runs as.  A link and every folder above count like the file.
"""

from collections.abc import Iterable

from tuimon.model.origin import Guard, Launch

_GROUP, _OTHERS = 0o020, 0o002
_LOADED = ("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES")


def stranger(guards: Iterable[Guard], uid: int) -> str:
    """What somebody else than root and `uid` could replace, in words; empty where there is nothing."""
    for each in guards:
        if each.uid not in {0, uid}:
            return f"{each.path} belongs to user {each.uid}"
        if each.mode & _OTHERS:
            return f"{each.path} is writable for everybody"
        if each.mode & _GROUP and each.gid != 0:
            return (
                f"{each.path} is writable for group {each.gid}" if each.gid > 0 else f"{each.path} is shared"
            )
    return ""


def loaded(launch: Launch) -> tuple[str, ...]:
    """Paths that an environment has a program load code from."""
    said = dict(launch.environment or ())
    words = (word for name in _LOADED for word in said.get(name, "").replace(" ", ":").split(":"))
    return tuple(dict.fromkeys(word for word in words if word.startswith("/")))
