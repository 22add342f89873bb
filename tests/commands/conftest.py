"""What the tests of `probe` and `certs` share: the commands run in place, and peers of every kind."""

import json
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import Backend, Pki, Stunnel
from tests.tls.conftest import Program
from tuimon import cli

Ask = Callable[..., tuple[int, Any]]
Back = Callable[..., Backend]
One = Callable[..., dict[str, Any]]
Serve = Callable[..., int]
ServeTls = Callable[..., None]
Start = Callable[..., Stunnel]
Show = Callable[..., tuple[int, Any]]
Told = Callable[..., str]


@pytest.fixture(autouse=True)
def _restore(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings of whoever runs the tests, and the signals as they were."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run `tuimon probe --json` with these arguments: the exit status and the document."""

    def run(*arguments: object) -> tuple[int, Any]:
        status = cli.main(["probe", "--json", *map(str, arguments)])
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def one(ask: Ask) -> One:
    """Probe one port of 127.0.0.1: its result with the exit status, and its problem codes."""

    def run(port: int, *arguments: object) -> dict[str, Any]:
        status, (result,) = ask(f"127.0.0.1:{port}", *arguments)
        return result | {"status": status, "codes": [each["code"] for each in result["problems"]]}

    return run


@pytest.fixture
def s_server(cleanup: ExitStack, pki: Pki) -> Serve:
    """Start `openssl s_server` with these arguments and return its port."""

    def start(*arguments: object, cert: str = "server") -> int:
        argv = ["setpriv", "--pdeathsig", "TERM", "openssl", "s_server", "-accept", "127.0.0.1:0"]
        if cert:
            argv += ["-cert", pki.path(cert + ".pem"), "-key", pki.path(cert + ".key")]
        program = Program([*argv, *map(str, arguments)], ready="ACCEPT", stream="stdout")
        cleanup.callback(program.close)
        return int(program.ready_line.rpartition(":")[2])

    return start


@pytest.fixture
def peer(cleanup: ExitStack) -> Serve:
    """A listener that does `behave(connection)` with whoever comes; returns its port."""

    def start(behave: Callable[[socket.socket], object]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(10)
                        behave(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def close() -> None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join(10)

        cleanup.callback(close)
        return listener.getsockname()[1]

    return start


@pytest.fixture
def serve_tls(pki: Pki) -> ServeTls:
    """Be a TLS server on a connection, and then do something with it (wait for its end)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.path("server.pem"), pki.path("server.key"))

    def serve(connection: socket.socket, behave: Callable[[ssl.SSLSocket], object] | None = None) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            if behave:
                behave(tls)
            else:
                tls.recv(1)

    return serve


def section(port: int, target: int, *options: str) -> str:
    return "\n".join(["[s]", f"accept = 127.0.0.1:{port}", f"connect = 127.0.0.1:{target}", *options, ""])


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """Run `tuimon certs --json`: the exit status and the document."""

    def run(*arguments: object) -> tuple[int, Any]:
        status = cli.main(["certs", "--json", *map(str, arguments)])
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run `tuimon certs` as people do."""

    def run(*arguments: object) -> str:
        cli.main(["certs", *map(str, arguments)])
        return capsys.readouterr().out

    return run


def codes(certificate: dict[str, Any]) -> list[str]:
    """The problem codes of a certificate in JSON."""
    return [each["code"] for each in certificate["problems"]]
