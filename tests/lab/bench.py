"""The laboratory's bench: every row gets its configuration, its ports, its peers and its processes.

Rule: real stunnel processes on loopback, each ended by its own pid; nothing of a row can be seen by
another one but the sound parts that all share.
"""

import os
import pty
import select
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.fixtures import PATIENCE, Backend
from tests.lab.authority import Authorities

STUNNEL = shutil.which("stunnel") or shutil.which("stunnel4") or "stunnel"
OPTIONS = "foreground = quiet\nsyslog = no\ndebug = 5\npid =\n"
NOBODY = "nowhere.invalid:7"
"""A name that never resolves (RFC 6761)."""


class Lab:
    """What all rows share: a folder whose `conf/` is swept, certificates, and an end for everything."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.conf, self.far = folder, folder / "conf", folder / "far"
        self.conf.mkdir()
        self.far.mkdir()
        self.authorities = Authorities(folder)
        self.authorities.leaf("sound", names=("lab.example",))
        self.authorities.leaf("client")
        (folder / "psk.txt").write_text(f"lab:{os.urandom(32).hex()}\n")
        (folder / "psk.txt").chmod(0o600)
        self.edits: list[tuple[str, Callable[[], object]]] = []
        self._stack = ExitStack()
        self.echo = self.backend()

    def close(self) -> None:
        """End every process and peer, last first."""
        self._stack.close()

    def defer(self, end: Callable[[], object]) -> None:
        """Have `end` called when the laboratory closes."""
        self._stack.callback(end)

    def backend(self, greeting: bytes = b"", answers: dict[bytes, bytes] | None = None) -> int:
        """The port of a back end that greets and stays."""
        peer = Backend(greeting, answers)
        self.defer(peer.close)
        return peer.port

    def port(self) -> int:
        """A port that is ours alone: held by a socket that does not listen, so that a connection to it
        is refused, and stunnel may still bind it (SO_REUSEADDR on both sides).  It is held on every
        address, as some rows bind it so, and a connection from 127.0.0.9 must not have it."""
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("0.0.0.0", 0))  # noqa: S104 - it does not listen
        self.defer(holder.close)
        port: int = holder.getsockname()[1]
        return port

    def serve(self, listening: socket.socket) -> None:
        """Accept whoever comes to this socket, and stay silent until the laboratory closes."""
        held = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    held.append(listening.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()

        def end() -> None:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()
            thread.join(5)
            for each in held:
                each.close()

        self.defer(end)

    def open_folder(self) -> Path:
        """A folder that every user may look into, unlike the laboratory's own."""
        folder = Path(tempfile.mkdtemp(prefix="lab-"))
        folder.chmod(0o755)
        self.defer(lambda: shutil.rmtree(folder))
        return folder

    def listener(self, backlog: int = 16) -> socket.socket:
        """A listening socket that accepts nobody."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.defer(listening.close)
        return listening


class Bench:
    """One row's part of the laboratory; `name` is that of its configuration and its section."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.config, self.log = lab.conf / f"{name}.conf", lab.folder / f"{name}.log"
        self.pki = lab.authorities
        self.accept, self.target = lab.port(), 0

    def file(self, name: str) -> str:
        """The path of a shared file."""
        return str(self.lab.folder / name)

    def folder(self, name: str, *files: str) -> str:
        """A folder of this row's own with copies of shared `files` under their hashed names."""
        folder = self.lab.folder / f"{self.name}-{name}"
        folder.mkdir()
        for file in files:
            shutil.copy(self.lab.folder / file, folder)
        subprocess.run(("openssl", "rehash", str(folder)), check=True, capture_output=True)
        return str(folder)

    @property
    def ca(self) -> str:
        """The option that names the root."""
        return f"CAfile = {self.file('ca.pem')}"

    def server(self, *options: str, cert: str = "sound", connect: object = "", name: str = "") -> str:
        """A server section; `connect` is a port or an address, by default that of a sound back end, and
        `None` for none."""
        lines = [f"[{name or self.name}]"]
        if not any(each.startswith(("accept", "sni")) for each in options):
            lines.append(f"accept = 127.0.0.1:{self.accept}")
        if connect is not None:
            lines.append(f"connect = {_address(connect or self.lab.echo)}")
        if cert:
            lines += [f"cert = {self.file(cert + '.pem')}", f"key = {self.file(cert + '.key')}"]
        return "\n".join((*lines, *options)) + "\n"

    def client(self, remote: object, *options: str) -> str:
        """A client section towards `remote`, a port or an address."""
        lines = (f"[{self.name}]", "client = yes", f"accept = 127.0.0.1:{self.accept}")
        return "\n".join((*lines, f"connect = {_address(remote)}", *options)) + "\n"

    def write(self, text: str, *options: str, keep_time: bool = False) -> None:
        """Write the configuration; `keep_time` gives it the age that it had."""
        before = self.config.stat().st_mtime_ns if keep_time else 0
        head = f"{OPTIONS}output = {self.log}\n"
        self.config.write_text(head + "".join(f"{each}\n" for each in options) + text)
        if keep_time:
            os.utime(self.config, ns=(before, before))

    def then(self, edit: Callable[[], object]) -> None:
        """Have `edit` called when tuimon has looked at the configuration once, as it does all the time."""
        self.lab.edits.append((str(self.config), edit))

    def later(self, path: Path | str) -> None:
        """Date a file past the second of the load, which is all that the log tells of it."""
        stamp = time.time() + 2
        os.utime(path, (stamp, stamp))

    def start(self, text: str, *options: str) -> "Running":
        """Write the configuration, start stunnel and wait until it serves."""
        self.write(text, *options)
        return self.run()

    def start_by_hand(self, text: str, password: str, *options: str) -> None:
        """Write the configuration and start stunnel on a terminal, where somebody types the password."""
        self.write(text, *options)
        terminal, line = pty.openpty()
        argv = ["setsid", "--ctty", "setpriv", "--pdeathsig", "TERM", STUNNEL, str(self.config)]
        process = subprocess.Popen(argv, stdin=line, stdout=line, stderr=line)
        os.close(line)
        self.lab.defer(lambda: _end(process, terminal))
        said = b""
        while b"Enter " not in said:  # the prompt names the file, and OpenSSL cuts a long one off
            assert select.select([terminal], [], [], PATIENCE)[0], f"stunnel says {said!r}"
            said += os.read(terminal, 4096)
        os.write(terminal, password.encode() + b"\n")
        deadline = time.monotonic() + PATIENCE
        while not self.log.exists() or "Configuration successful" not in self.log.read_text():
            assert time.monotonic() < deadline, f"stunnel says {said!r}"
            time.sleep(0.005)

    def run(self, *by: str) -> "Running":
        """Start stunnel, `by` a command that becomes it, on the configuration as it is, and wait until it
        serves."""
        running = Running(self.lab, self.config, self.log, by)
        running.wait_for("Configuration successful")
        return running

    def run_detached(self, pid: Path) -> None:
        """Let stunnel go to the background, as an init script does; it is ended by its pid file."""
        subprocess.run([STUNNEL, str(self.config)], stdin=subprocess.DEVNULL, capture_output=True, check=True)
        deadline = time.monotonic() + PATIENCE
        while not (pid.exists() and pid.read_text().endswith("\n")):
            assert time.monotonic() < deadline, "no pid file"
            time.sleep(0.005)
        number = int(pid.read_text())
        self.lab.defer(lambda: os.kill(number, signal.SIGTERM))

    def refused(self, text: str, *options: str) -> None:
        """Write the configuration and let stunnel refuse it, as the operator has just seen."""
        self.write(text, *options)
        self.fails()

    def fails(self) -> None:
        """Start stunnel on the configuration as it is, and see it refuse."""
        done = subprocess.run(
            [STUNNEL, str(self.config)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode, f"stunnel accepts {self.config}"

    def visit(self, first: bytes = b"") -> None:
        """Come as a client would: say what comes `first` and hear the answer, shake hands, and stay until
        stunnel hangs up."""
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.accept), PATIENCE) as plain:
            plain.sendall(first)
            while first and not plain.recv(4096).endswith(b"\r\n\r\n"):
                pass
            with anybody.wrap_socket(plain) as secure:
                while secure.recv(4096):
                    pass

    def occupy(self, count: int) -> list[socket.socket]:
        """Connections that say nothing and stay until the laboratory closes."""
        held = [socket.create_connection(("127.0.0.1", self.accept), PATIENCE) for _ in range(count)]
        for each in held:
            self.lab.defer(each.close)
        return held

    def babble(self) -> None:
        """Say something that is no TLS, and wait for stunnel to hang up; raises `TimeoutError`."""
        with socket.create_connection(("127.0.0.1", self.accept), PATIENCE) as client:
            client.settimeout(0.5)
            client.sendall(b"no TLS\r\n")
            with suppress(ConnectionResetError):
                while client.recv(64):
                    pass

    def remote(self, *options: str, cert: str = "sound", connect: object = "") -> int:
        """A far server service, whose configuration nobody sweeps; returns its port."""
        far = Bench(self.lab, f"{self.name}-far")
        far.config = self.lab.far / f"{far.name}.conf"
        far.start(far.server(*options, cert=cert, connect=connect))
        return far.accept


def _end(process: subprocess.Popen[bytes], terminal: int) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:  # seen now and then of one on a terminal; it is not what is examined
        process.kill()
        process.wait()
    os.close(terminal)


def _address(where: object) -> str:
    return f"127.0.0.1:{where}" if isinstance(where, int) else str(where)


class Running:
    """A stunnel process of ours."""

    def __init__(self, lab: Lab, config: Path, log: Path, by: tuple[str, ...] = ()) -> None:
        self._log = log
        argv = ["setpriv", "--pdeathsig", "TERM", *by, STUNNEL, str(config)]
        null = subprocess.DEVNULL
        self._stderr = lab.folder / f"{log.stem}.stderr"  # tells why it ends before it opens its log
        with self._stderr.open("wb") as stderr:
            self._process = subprocess.Popen(argv, stdin=null, stdout=null, stderr=stderr)
        lab.defer(self.end)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, words: str, count: int = 1) -> None:
        """Wait until the log says `words` `count` times."""
        deadline = time.monotonic() + PATIENCE
        while self._said().count(words) < count:
            assert self._process.poll() is None, f"stunnel ended: {self._said()}{self._stderr.read_text()}"
            assert time.monotonic() < deadline, f"no {words!r} in {self._said()}"
            time.sleep(0.005)

    def wait_for_port(self, port: int) -> None:
        """Wait until it listens there, where it has no log to tell so."""
        deadline = time.monotonic() + PATIENCE
        with socket.socket() as knocking:
            while knocking.connect_ex(("127.0.0.1", port)):
                assert time.monotonic() < deadline, f"nobody listens on {port}"
                time.sleep(0.005)

    def _said(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def reload(self, *, answer: str = "Configuration successful") -> None:
        """SIGHUP, and wait until the log has answered once more."""
        count = self._said().count(answer)
        self.tell(signal.SIGHUP)
        self.wait_for(answer, count + 1)

    def reload_until(self, done: Callable[[], bool]) -> None:
        """SIGHUP, and wait until something has come of it that the log does not tell."""
        self.tell(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while not done():
            assert time.monotonic() < deadline, "nothing came of the reload"
            time.sleep(0.005)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for it; harmless when repeated."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
        self._process.wait(PATIENCE)
