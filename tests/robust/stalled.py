"""`python -m tests.robust.stalled FOLDER`: a file system that stalls, as one does whose server is gone.

Rule: every name exists; one that begins with `deaf` is never found (nor missed), one that begins with `mute`
opens and is never read, any other is empty.  Like NFS it lets go of whoever is killed, and of all when it
ends.  It speaks the kernel's FUSE protocol itself, since no package is sure to be there.
"""

import contextlib
import ctypes
import os
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FOLDER, _SILENT, _EMPTY = 1, 2, 3
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _INIT, _OPENDIR, _READDIR, _INTERRUPT = (
    1,
    2,
    3,
    14,
    15,
    26,
    27,
    28,
    36,
)
_DONE = {18, 25, 29}  # RELEASE, FLUSH, RELEASEDIR
_BATCH_FORGET = 42
_EINTR, _ENOSYS = 4, 38
_PARALLEL = 1 << 18  # FUSE_PARALLEL_DIROPS: who looks for one name does not wait behind who looks for another


@contextlib.contextmanager
def stalled(folder: Path) -> Iterator[Path]:
    """Mount it meanwhile; raises `OSError` where this machine or user may not."""
    os.close(os.open("/dev/fuse", os.O_RDWR))
    argv = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "tests.robust.stalled", str(folder)]
    server = subprocess.Popen(argv, cwd=ROOT)
    try:
        deadline = time.monotonic() + 15
        while not os.path.ismount(folder):
            if server.poll() is not None:
                raise OSError("cannot mount")
            assert time.monotonic() < deadline, "not mounted in time"
            time.sleep(0.01)
        yield folder
    finally:
        server.kill()
        server.wait()
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def _attributes(node: int) -> bytes:
    kind = stat.S_IFDIR | 0o755 if node == _FOLDER else stat.S_IFREG | 0o600
    size = 4096 if node == _SILENT else 0
    now = int(time.time()) - 3600
    return struct.pack("<6Q10I", node, size, 8, now, now, now, 0, 0, 0, kind, 1, 0, 0, 0, 4096, 0)


def _answer(opcode: int, node: int, body: bytes) -> bytes | int | None:
    """What the kernel is told: bytes, an error number, or nothing at all."""
    if opcode == _INIT:
        return struct.pack("<4I2H2I2HI28x", 7, 31, 65536, _PARALLEL, 16, 12, 65536, 1, 16, 0, 0)
    if opcode == _LOOKUP:
        if body.startswith(b"deaf"):
            return None
        found = _SILENT if body.startswith(b"mute") else _EMPTY
        return struct.pack("<4Q2I", found, 0, 0, 0, 0, 0) + _attributes(found)
    if opcode == _GETATTR:
        return struct.pack("<Q2I", 0, 0, 0) + _attributes(node)
    if opcode in {_OPEN, _OPENDIR}:
        return struct.pack("<QII", 0, 1, 0)
    if opcode == _READ:
        return None if node == _SILENT else b""
    return b"" if opcode == _READDIR or opcode in _DONE else _ENOSYS


def serve(folder: str) -> None:
    """Mount, and answer until killed."""
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"stalled", folder.encode(), b"fuse.stalled", 6, options):
        sys.exit(os.strerror(ctypes.get_errno()))
    while True:
        request = os.read(device, 1 << 20)
        _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
        if opcode in {_FORGET, _BATCH_FORGET}:
            continue
        if opcode == _INTERRUPT:
            unique, answer = struct.unpack_from("<Q", request, 40)[0], _EINTR
        else:
            given = _answer(opcode, node, request[40:])
            if given is None:
                continue
            answer = given
        data, error = (b"", -answer) if isinstance(answer, int) else (answer, 0)
        with contextlib.suppress(FileNotFoundError):  # it was answered, or given up, meanwhile
            os.write(device, struct.pack("<IiQ", 16 + len(data), error, unique) + data)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.argv[1])
