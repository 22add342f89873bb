"""A stunnel of its own for every situation: started as an operator would, and ended by its own file's name.

Rule: its parent is gone, as with every daemon, so that nothing but its configuration tells whose it is.
"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.fixtures import PATIENCE, Backend, Pki
from tuimon.parse.x509 import read_file

STUNNEL = os.path.realpath(shutil.which("stunnel4") or shutil.which("stunnel") or "stunnel")


class Field:
    """What all situations share: a folder, certificates, a back end that answers."""

    def __init__(self, folder: Path, pki: Pki) -> None:
        self.folder, self.pki = folder, pki
        self.echo = Backend(b"hello", {b"ping": b"pong"})
        self.conf = folder / "conf"
        self.conf.mkdir()
        folder.chmod(0o755)
        self.conf.chmod(0o755)

    def close(self) -> None:
        """End the back end."""
        self.echo.close()


class Session:
    """A client that stays."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        self._socket = anybody.wrap_socket(socket.create_connection((host, port), PATIENCE))
        assert self._socket.recv(5) == b"hello"

    @property
    def alive(self) -> bool:
        """Whether the tunnel still carries it."""
        try:
            self._socket.sendall(b"ping")
            return self._socket.recv(4) == b"pong"
        except OSError:
            return False

    def close(self) -> None:
        """Go."""
        self._socket.close()


class Bench:
    """One situation's configuration, ports, files and processes."""

    def __init__(self, field: Field, name: str) -> None:
        self.field, self.name = field, name
        self.config = field.conf / f"{name}.conf"
        self.folder = field.folder / name
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.log = self.folder / "stunnel.log"
        self.held: list[socket.socket] = []
        self.port = self.free()
        self.sessions: list[Session] = []
        self.others: list[subprocess.Popen[bytes]] = []
        for ending in ("pem", "key"):
            shutil.copy(field.pki.path(f"server.{ending}"), self.folder / f"own.{ending}")

    def free(self) -> int:
        """A port for one of its services."""
        port, holder = free()
        self.held.append(holder)
        return port

    def section(self, *options: str, name: str = "", accept: str = "", connect: str = "") -> str:
        """A server section."""
        lines = [
            f"[{name or self.name}]",
            f"accept = {accept or f'127.0.0.1:{self.port}'}",
            f"connect = {connect or f'127.0.0.1:{self.field.echo.port}'}",
            f"cert = {self.folder}/own.pem",
            f"key = {self.folder}/own.key",
        ]
        return "\n".join((*lines, *options, ""))

    def write(
        self, *sections: str, options: str = "", foreground: str = "quiet", output: str = "yes"
    ) -> None:
        """Write the configuration."""
        head = f"foreground = {foreground}\n" if foreground else ""
        head += f"output = {self.log}\n" if output == "yes" else ""
        self.config.write_text(
            f"{head}syslog = no\ndebug = 5\n{options}\n" + "".join(sections or (self.section(),))
        )

    def start(self, *sections: str, program: str = STUNNEL, cwd: str = "/", **words: str) -> None:
        """Write the configuration and start stunnel on it, with nobody for a parent."""
        self.write(*sections, **words)
        self.launch(program, cwd)

    def launch(self, program: str = STUNNEL, cwd: str = "/", argument: str = "") -> None:
        """Start stunnel on the configuration as it is."""
        self.begin(program, cwd, argument)
        self.until(lambda: self.pids and self.serves())

    def begin(self, program: str = STUNNEL, cwd: str = "/", argument: str = "") -> None:
        """… and wait for its log alone: whom it leads to may be gone."""
        argv = ["setsid", "--fork", program, argument or str(self.config)]
        null = subprocess.DEVNULL
        subprocess.run(argv, stdin=null, stdout=null, stderr=null, cwd=cwd, check=True)
        self.until(lambda: self.pids)

    def child(self) -> None:
        """Start it as a child that somebody waits for."""
        self.write()
        null = subprocess.DEVNULL
        argv = ["setpriv", "--pdeathsig", "TERM", STUNNEL, str(self.config)]
        self.others.append(subprocess.Popen(argv, stdin=null, stdout=null, stderr=null))
        self.until(lambda: self.pids and self.serves())

    def until(self, fact: object) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not fact():  # type: ignore[operator]
            assert time.monotonic() < deadline, f"{self.name}: {self.said()[-2000:]}"
            time.sleep(0.01)

    def said(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    @property
    def pids(self) -> list[int]:
        """Processes that run the configuration now."""
        return [pid for pid, line in stunnels() if str(self.config) in line or self.config.name in line[1:]]

    def serves(self, port: int = 0, host: str = "127.0.0.1") -> bool:
        """Whether a client gets through to the back end."""
        try:
            Session(port or self.port, host).close()
        except (OSError, AssertionError):
            return False
        return True

    def served(self) -> str:
        """The fingerprint of the certificate that a client is shown."""
        pem = ssl.get_server_certificate(("127.0.0.1", self.port), timeout=PATIENCE)
        return read_file("x", pem.encode()).certificates[0].sha256

    def on_disk(self) -> str:
        """The fingerprint of the certificate in its file."""
        return read_file("x", (self.folder / "own.pem").read_bytes()).certificates[0].sha256

    def session(self) -> Session:
        """A client that comes and stays."""
        self.sessions.append(Session(self.port))
        return self.sessions[-1]

    def renew(self, certificate: str = "intruder", key: str = "") -> None:
        """Put another certificate, and its key, in the place of its own."""
        shutil.copy(self.field.pki.path(f"{certificate}.pem"), self.folder / "own.pem")
        shutil.copy(self.field.pki.path(f"{key or certificate}.key"), self.folder / "own.key")

    def hold(self, *, listen: bool = True) -> int:
        """A port that somebody else has; one who does not listen cannot be seen."""
        holder = socket.socket()
        holder.bind(("127.0.0.1", 0))
        if listen:
            holder.listen()
        self.held.append(holder)
        port: int = holder.getsockname()[1]
        return port

    def tell(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        os.kill(self.pids[0], number)

    def end(self) -> None:
        """End whatever runs its configuration, and let everybody go."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
                os.kill(pid, signal.SIGCONT)
        self.until(lambda: not self.pids)
        for each in self.others:
            each.wait(PATIENCE)
        for thing in (*self.sessions, *self.held):
            thing.close()


def stunnels() -> Iterator[tuple[int, list[str]]]:
    """Every process that was started as stunnel, with its command line."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                line = os.fsdecode(Path(f"/proc/{name}/cmdline").read_bytes()).split("\0")
                if os.path.basename(line[0]).startswith("stunnel"):
                    yield int(name), line


def free() -> tuple[int, socket.socket]:
    """A port that is ours alone: held by a socket that does not listen, so that stunnel may still bind it
    (SO_REUSEADDR on both sides)."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port, holder
