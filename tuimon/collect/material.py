"""What a client service brings to a handshake and trusts in it: the contents of its files.

Rule: read anew for every handshake, and nothing of it is kept.
"""

from tuimon.collect.dial import Material
from tuimon.collect.hashed import hashed
from tuimon.host.base import Host
from tuimon.model.failure import Failure, Reason
from tuimon.model.tunnel import Plan

_LIMIT = 4 * 1024 * 1024  # bytes of a CA file


async def material_of(host: Host, plan: Plan) -> Material:
    """The PEM files that a client service itself would use; what cannot be read is left out."""
    contents = []
    for path in (plan.ca_file, plan.cert, plan.key, plan.crl_file):
        content = await host.read(path, _LIMIT) if path else None
        contents.append(b"" if content is None or isinstance(content, Failure) else content.data)
    ca, certificate, key, crl = contents
    ca, crl = ca + await _folder(host, plan.ca_path), crl + await _folder(host, plan.crl_path)
    return Material(ca, certificate, key, crl)


async def _folder(host: Host, path: str) -> bytes:
    """What is there under hashed names; blank (nobody is trusted) where a folder holds none."""
    contents = await hashed(host, path, _LIMIT) if path else Failure(Reason.MISSING)
    return b"" if isinstance(contents, Failure) else b"\n".join((b"\n", *(data for _, data in contents)))
