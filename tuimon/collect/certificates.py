"""Certificates, keys, CA files, revocation lists and hashed folders of them on disk.

Rule: a file is read again whenever it, a symlink on the way or its target changes; it is never held
open.  Keys are read only to compare their public half with the certificate; nothing of them is kept.
"""

from tuimon.collect.base import Publish, side_by_side
from tuimon.collect.hashed import hashed
from tuimon.events import CertificateRead
from tuimon.host.base import Host
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Failure
from tuimon.model.tunnel import Interest
from tuimon.parse.x509 import read_file

_LIMIT = 4 * 1024 * 1024  # bytes; the bundle of a whole operating system is below 300 KiB


class Certificates:
    """Publishes `CertificateRead` for every wanted path, at first and on every change."""

    name = "certificates"

    def __init__(self, host: Host) -> None:
        self._host = host
        self._watch = host.watch()
        self._wanted: frozenset[str] = frozenset()
        self._folders: frozenset[str] = frozenset()

    def want(self, interest: Interest) -> None:
        """Read exactly these files, and what these folders hold under hashed names."""
        self._wanted, self._folders = interest.certificates, interest.folders
        self._watch.want(self._wanted | self._folders)

    async def run(self, publish: Publish) -> None:
        """Read until cancelled."""

        async def look(path: str) -> None:
            publish(CertificateRead(self._host.name, await self._read(path)))

        changed = self._wanted | self._folders
        while True:
            await side_by_side(sorted(changed), look)
            changed = await self._watch.changes()

    async def _read(self, path: str) -> CertificateFile:
        if path in self._folders:
            return await self._read_folder(path)
        content = await self._host.read(path, _LIMIT)
        if isinstance(content, Failure):
            return CertificateFile(path, failure=content)
        return read_file(path, content.data, stamp=content.stamp, mode=content.mode, owner=content.owner)

    async def _read_folder(self, folder: str) -> CertificateFile:
        stamp = await self._host.stamp(folder)
        contents = await hashed(self._host, folder, _LIMIT)
        if isinstance(contents, Failure) or isinstance(stamp, Failure):
            failure = contents if isinstance(contents, Failure) else stamp
            return CertificateFile(folder, failure=failure if isinstance(failure, Failure) else None)
        files = [read_file(path, data) for path, data in contents]
        return CertificateFile(
            folder,
            kind="folder",
            certificates=tuple(each for file in files for each in file.certificates),
            crls=tuple(each for file in files for each in file.crls),
            undecodable=tuple(file.path for file in files if file.failure is not None),
            stamp=stamp,
        )
