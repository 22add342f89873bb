"""One member of the fleet that is soaked, and all that may be done to it.

Rule: whatever was done, `mend` makes it well again; what it starts it ends by its own pid.
"""

import os
import select
import shutil
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.control.bench import free
from tests.fixtures import Pki, Stunnel


class Target:
    """A back end that stays as long as its clients, in one thread whatever comes."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self._wake, self._end = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        clients: list[socket.socket] = []
        while True:
            ready = select.select([self._listener, self._end, *clients], [], [])[0]
            if self._end in ready:
                break
            for each in ready:
                if each is self._listener:
                    clients.append(each.accept()[0])
                elif not _heard(each):
                    each.close()
                    clients.remove(each)
        for each in (self._listener, self._end, *clients):
            each.close()

    def close(self) -> None:
        """End it and hang up on everybody."""
        self._wake.close()
        self._thread.join()


def _heard(client: socket.socket) -> bytes:
    try:
        return client.recv(4096)
    except OSError:
        return b""


class Member:
    """A stunnel of its own with one server service, a back end and a certificate of its own."""

    def __init__(self, folder: Path, pki: Pki, name: str) -> None:
        self.name, self._folder, self._pki = name, folder, pki
        # Held, so that the kernel gives them to no connection while nobody listens there.
        (self.port, self._holder), (self._target, self._other) = free(), free()
        self._cert, self._key = folder / f"{name}.pem", folder / f"{name}.key"
        self._edits = self._rotations = 0
        self._backend: Target | None = None
        self.frozen = self.expired = False
        self._certificate("server")
        self._listen()
        self._stunnel: Stunnel | None = self._started()

    def _text(self) -> str:
        lines = (
            f"; {self._edits} edits",
            f"[{self.name}]",
            f"accept = 127.0.0.1:{self.port}",
            f"connect = 127.0.0.1:{self._target}",
            f"cert = {self._cert}",
            f"key = {self._key}",
        )
        return "\n".join(lines) + "\n"

    def _started(self) -> Stunnel:
        with suppress(FileNotFoundError):  # or the words that are waited for are those of the last start
            (self._folder / f"{self.name}.log").rename(self._folder / f"{self.name}.log.0")
        return Stunnel(self._folder, self._text(), name=self.name)

    def _listen(self) -> None:
        if self._backend is None:
            self._backend = Target(self._target)

    def _certificate(self, which: str) -> None:
        for kind, place in (("key", self._key), ("pem", self._cert)):
            fresh = place.with_suffix(".new")
            shutil.copy(self._pki.path(f"{which}.{kind}"), fresh)
            fresh.chmod(0o600)
            fresh.replace(place)

    def thaw(self) -> None:
        """SIGCONT."""
        if self.frozen and self._stunnel is not None:
            os.kill(self._stunnel.pid, signal.SIGCONT)
        self.frozen = False

    def kill(self) -> None:
        """It is gone from one moment to the other."""
        if self._stunnel is not None:
            self._stunnel.close(signal.SIGKILL)
        self._stunnel, self.frozen = None, False

    def freeze(self) -> None:
        """SIGSTOP: it hangs, with somebody in its queue."""
        if self._stunnel is not None:
            os.kill(self._stunnel.pid, signal.SIGSTOP)
            self.frozen = True

    def leave(self) -> None:
        """Its target ends."""
        if self._backend is not None:
            self._backend.close()
        self._backend = None

    def expire(self) -> None:
        """Its certificate is replaced by one that has expired, and loaded."""
        self._certificate("expired")
        self.expired = True
        self.reload()

    def reload(self) -> None:
        """SIGHUP."""
        if self._stunnel is not None and not self.frozen:
            os.kill(self._stunnel.pid, signal.SIGHUP)

    def edit(self) -> None:
        """The configuration is written anew, and loaded or not."""
        self._edits += 1
        path = self._folder / f"{self.name}.conf"
        head, _, _ = path.read_text().partition(";")
        fresh = path.with_suffix(".edited")
        fresh.write_text(head + self._text())
        fresh.replace(path)
        if self._edits % 2:
            self.reload()

    def renew(self) -> None:
        """The certificate is replaced by its like, and loaded."""
        self._certificate("server")
        self.expired = False
        self.reload()

    def rotate(self) -> None:
        """The log is renamed and reopened, or copied and emptied."""
        log = self._folder / f"{self.name}.log"
        self._rotations += 1
        if not log.exists() or self._stunnel is None:
            return
        if self._rotations % 2:
            log.rename(f"{log}.1")
            self._stunnel.reopen_log()
        else:
            shutil.copy(log, f"{log}.1")
            os.truncate(log, 0)

    def annoy(self) -> None:
        """Peers that babble, hang up, reset or say nothing come to its door."""
        for first in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\xff\xff", b"", os.urandom(300)):
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 0.3)) as peer:
                peer.sendall(first)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", len(first) % 2, 0))

    def mend(self) -> None:
        """Make it well."""
        self.thaw()
        self._listen()
        if self._stunnel is None:
            self._certificate("server")
            self._stunnel = self._started()
        else:
            self.renew()
        self.expired = False

    def close(self) -> None:
        """End it."""
        self.thaw()
        if self._stunnel is not None:
            self._stunnel.close()
        self.leave()
        self._holder.close()
        self._other.close()


FAULTS: tuple[Callable[[Member], None], ...] = (
    *(Member.kill, Member.freeze, Member.thaw, Member.leave, Member.expire, Member.edit),
    *(Member.renew, Member.rotate, Member.annoy, Member.mend),
)
