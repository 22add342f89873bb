"""A service that is well, has something done to it while it is watched, and is mended again.

Rule: real stunnel, real files, real signals; what is done is what an operator, an attacker or a tired
machine would do.
"""

import contextlib
import socket
import threading
from collections.abc import Callable

from msgspec import Struct

from tests.lab.bench import Bench, Lab, Running

Act = Callable[["Patient"], None]


class Door:
    """A back end whose port is its own, open or closed."""

    def __init__(self, lab: Lab) -> None:
        self.port = lab.port()
        self._listener: socket.socket | None = None
        lab.defer(self.close)

    def open(self) -> None:
        """Listen, and keep whoever comes until they go."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                guest, _ = listener.accept()
                threading.Thread(target=self._keep, args=(guest,), daemon=True).start()

    def _keep(self, guest: socket.socket) -> None:
        with guest, contextlib.suppress(OSError):
            while guest.recv(4096):
                pass

    def close(self) -> None:
        """Listen no more; harmless when repeated."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None


class Patient(Bench):
    """One service, its back end, and for a client service the far end."""

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__(lab, name)
        self.door = Door(lab)
        self.door.open()
        self.process: Running | None = None
        self.far: Patient | None = None
        self.thief: socket.socket | None = None
        self.text = ""

    @property
    def running(self) -> Running:
        """The process that was started last."""
        assert self.process is not None
        return self.process

    @property
    def end(self) -> "Patient":
        """The far end of a client service."""
        assert self.far is not None
        return self.far

    def begin(self) -> None:
        """Start stunnel on what was written."""
        self.process = self.run()

    def serve(self, *options: str) -> None:
        """A server service with a certificate of its own."""
        self.renew()
        self.text = self.server(*options, cert=self.name, connect=self.door.port)
        self.write(self.text)
        self.begin()

    def tunnel(self, *options: str) -> None:
        """A client service, and the server service that it leads to."""
        self.far = Patient(self.lab, f"{self.name}-far")
        self.far.config = self.lab.far / f"{self.far.name}.conf"
        self.far.serve()
        self.text = self.client(self.far.accept, *options)
        self.write(self.text)
        self.begin()

    def renew(self, **what: object) -> None:
        """Another certificate and key of its own; see `issue` for `what`."""
        self.pki.leaf(self.name, **({"names": ("lab.example",)} | what))

    def again(self) -> None:
        """Start it anew after it ended."""
        self.log.unlink(missing_ok=True)
        self.begin()


class Case(Struct, frozen=True):
    """What is done to a patient, the codes of which one is its true cause, and what mends it."""

    name: str
    codes: tuple[str, ...]
    start: Act
    harm: Act
    mend: Act
