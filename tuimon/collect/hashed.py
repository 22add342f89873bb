"""Folders of certificates and revocation lists by hashed name (`CApath`, `CRLpath`).

Rule: OpenSSL finds nothing there but `HASH.N` and `HASH.rN` (openssl-rehash(1)); nothing else is read.
"""

import re

from tuimon.collect.base import side_by_side
from tuimon.host.base import Host
from tuimon.model.failure import Failure

_NAME = re.compile(r"[0-9a-f]{8}\.r?\d{1,4}")
_MOST = 4000  # names of one folder; that of a whole operating system has 150


async def hashed(host: Host, folder: str, limit: int) -> list[tuple[str, bytes]] | Failure:
    """Path and contents (of at most `limit` bytes) of every hashed name that can be read, in order."""
    entries = await host.list(folder)
    if isinstance(entries, Failure):
        return entries
    names = sorted(each.name for each in entries if each.regular and _NAME.fullmatch(each.name))
    found: dict[str, bytes] = {}

    async def look(path: str) -> None:
        content = await host.read(path, limit)
        if not isinstance(content, Failure):
            found[path] = content.data

    await side_by_side([f"{folder}/{name}" for name in names[:_MOST]], look)
    return sorted(found.items())
