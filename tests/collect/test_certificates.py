"""Certificate files on a real disk: read at first, and again whenever they change in any way."""

from pathlib import Path

from tests.fixtures import Pki, Recorder, running
from tuimon.collect.certificates import Certificates
from tuimon.events import CertificateRead
from tuimon.host.local import LocalHost
from tuimon.model.certificate import CertificateFile
from tuimon.model.failure import Reason
from tuimon.model.tunnel import Interest


class Reader:
    """The collector with what it has told."""

    def __init__(self, host: LocalHost) -> None:
        self.collector = Certificates(host)
        self.told = Recorder()

    def want(self, *paths: Path) -> None:
        self.collector.want(Interest(certificates=frozenset(map(str, paths))))

    def last(self, path: Path) -> CertificateFile | None:
        files = [each.file for each in self.told.of(CertificateRead) if each.file.path == str(path)]
        return files[-1] if files else None

    async def holds(self, path: Path, name: str) -> CertificateFile:
        """Wait until the file was read with this common name in it."""

        def found() -> CertificateFile | None:
            file = self.last(path)
            names = [each.common_name for each in file.certificates] if file else []
            return file if name in names else None

        file = await self.told.until(found)
        assert file is not None
        return file


async def test_a_renewal_by_symlink_is_read(host: LocalHost, tmp_path: Path, pki: Pki) -> None:
    """certbot: live → archive."""
    reader, live = Reader(host), tmp_path / "live.pem"
    live.symlink_to(pki.path("server.pem"))
    async with running(reader.collector, reader.told):
        reader.want(live)
        first = await reader.holds(live, "server")
        assert first.stamp is not None
        assert (first.kind, first.owner, first.failure) == ("pem", "root", None)
        (tmp_path / "new").symlink_to(pki.path("client.pem"))
        (tmp_path / "new").replace(live)
        await reader.holds(live, "client")


async def test_missing_appearing_broken_and_denied(host: LocalHost, tmp_path: Path, pki: Pki) -> None:
    """What cannot be read is a fact with a reason; a folder in the place of a file, too."""
    reader, path = Reader(host), tmp_path / "cert.pem"
    async with running(reader.collector, reader.told):
        reader.want(path, tmp_path)
        file = await reader.told.until(lambda: reader.last(path))
        assert file is not None
        assert file.failure is not None
        assert file.failure.reason is Reason.MISSING
        folder = await reader.told.until(lambda: reader.last(tmp_path))
        assert folder is not None
        assert folder.failure is not None
        assert folder.failure.reason is Reason.NOT_REGULAR
        path.write_bytes(pki.pem("server.pem"))
        await reader.holds(path, "server")
        path.write_bytes(b"no certificate")
        await reader.told.until(lambda: (last := reader.last(path)) and not last.certificates)


async def test_a_key_is_known_by_its_public_half_only(host: LocalHost, tmp_path: Path, pki: Pki) -> None:
    """Nothing of it is kept."""
    reader, path = Reader(host), tmp_path / "both.pem"
    path.write_bytes(pki.pem("server.pem") + pki.pem("server.key"))
    path.chmod(0o640)
    async with running(reader.collector, reader.told):
        reader.want(path)
        file = await reader.holds(path, "server")
    assert file.key is not None
    assert file.key.spki_sha256 == file.certificates[0].spki_sha256
    assert file.mode == 0o640
    secret = pki.pem("server.key").splitlines()[1].decode()
    assert secret not in repr(reader.told.events)


async def test_a_folder_is_read_by_its_hashed_names(host: LocalHost, tmp_path: Path, pki: Pki) -> None:
    """As OpenSSL reads CApath: a name that is no hash does not count; one that appears is seen."""
    reader = Reader(host)
    (tmp_path / "0a1b2c3d.0").write_bytes(pki.pem("server.pem"))
    (tmp_path / "client.pem").write_bytes(pki.pem("client.pem"))
    async with running(reader.collector, reader.told):
        reader.collector.want(Interest(folders=frozenset({str(tmp_path)})))
        file = await reader.holds(tmp_path, "server")
        assert (file.kind, len(file.certificates)) == ("folder", 1)
        (tmp_path / "0a1b2c3d.1").write_bytes(pki.pem("client.pem"))
        await reader.holds(tmp_path, "client")
