"""Fixtures of the headless middle: a host, certificates, back ends, stunnels that end with the test."""

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.fixtures import Backend, Pki, Stunnel
from tests.tables import Line, leave, left, lines
from tuimon.demo.fleet import Fleet, start_fleet
from tuimon.host.local import LocalHost

# As tuimon.cli does, and for its reason: tests start hundreds of processes beside busy threads.
subprocess._USE_VFORK = False

# An installed tuimon is compiled: the ones that tests start are, whatever their surroundings say.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples everywhere, and no example is wrong because the machine was busy.
settings.register_profile("everywhere", derandomize=True, deadline=None)
settings.load_profile("everywhere")


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tuimon remembers from run to run is the tests' own, never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        state = tmp_path_factory.mktemp("state")
        (state / "tuimon").mkdir(mode=0o700)  # somebody has been here before
        patch.setenv("XDG_STATE_HOME", str(state))
        yield


@pytest.fixture
async def host() -> AsyncIterator[LocalHost]:
    """This machine, polled so rarely that only the watcher can be quick."""
    local = LocalHost(poll=60, name="here")
    yield local
    await local.close()


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """ca, server, client, expired, and a stranger's CA; see `Pki`."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    """What is closed when the test ends, last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def backend(cleanup: ExitStack) -> Callable[..., Backend]:
    """Start a back end that greets and answers as told."""

    def start(greeting: bytes = b"", answers: dict[bytes, bytes] | None = None) -> Backend:
        peer = Backend(greeting, answers)
        cleanup.callback(peer.close)
        return peer

    return start


@pytest.fixture
def start_stunnel(cleanup: ExitStack, tmp_path: Path, pki: Pki) -> Callable[..., Stunnel]:
    """Start a stunnel with these sections; `cert` and `key` of the PKI are the defaults of all."""

    def start(
        services: str,
        *,
        cert: str = "server",
        options: str = "",
        name: str = "stunnel",
        by: tuple[str, ...] = ("stunnel",),
        log: Path | None = None,
    ) -> Stunnel:
        files = f"cert = {pki.path(cert + '.pem')}\nkey = {pki.path(cert + '.key')}\n" if cert else ""
        program = Stunnel(tmp_path, services, options + "\n" + files, name, by=by, log=log)
        cleanup.callback(program.close)
        return program

    return start


@pytest.fixture(scope="module")
def demo_fleet() -> Iterator[Fleet]:
    """The demo's fleet of real services, sound and broken ones, for tests that only look."""
    with start_fleet() as running:
        yield running


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where tests run in several processes, hand the tables on to the one that prints."""
    if hasattr(session.config, "workeroutput"):
        tables = {title: [tuple(row) for row in rows] for title, rows in left(session.config).items()}
        session.config.workeroutput["tables"] = tables


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the tables of a process that has ended."""
    for title, rows in getattr(node, "workeroutput", {}).get("tables", {}).items():
        leave(node.config, title, (Line(*row) for row in rows))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print all tables."""
    for title, rows in left(config).items():
        terminalreporter.section(title)
        for line in lines(rows):
            terminalreporter.write_line(line)
