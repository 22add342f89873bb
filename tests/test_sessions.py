"""Sessions and clients as they are counted, against the connections that are really there."""

import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures import Backend, Stunnel, free_port
from tuimon import export
from tuimon.commands.status import sweep
from tuimon.settings import Settings
from tuimon.ui import past_page
from tuimon.ui.document import Document
from tuimon.ui.palette import Palette


async def test_sessions_and_clients_are_the_connections_that_are_there(
    tmp_path: Path,
    start_stunnel: Callable[..., Stunnel],
    backend: Callable[..., Backend],
    cleanup: ExitStack,
) -> None:
    """Two through TCP and three through a Unix socket; the threads of the process say the same."""
    port, path, target = free_port(), str(tmp_path / "accept.sock"), backend().port
    services = (
        f"[tcp]\naccept = 127.0.0.1:{port}\nconnect = {target}\n"
        f"[unix]\naccept = {path}\nconnect = 127.0.0.1:{target}\nclient = yes\n"
    )
    program = start_stunnel(services)
    for _ in range(2):
        cleanup.enter_context(socket.create_connection(("127.0.0.1", port)))
    for _ in range(3):
        client = cleanup.enter_context(socket.socket(socket.AF_UNIX))
        client.connect(path)
    program.wait_for("accepted connection", 5)
    store = await sweep(Settings(), (str(program.config),))
    status = export.status(store)
    (instance,) = status["instances"]
    sessions = {each["name"]: each["sessions"] for each in status["services"]}
    assert sessions == {"tcp": 2, "unix": 3}
    assert instance["clients"]["now"] == 5
    (row,) = store.instances()
    process = row.instance.process
    assert process
    assert process.threads == 5 + 2  # one waits for clients, one counts the days
    assert instance["clients"]["limit"] == process.client_limit


@pytest.mark.parametrize("debug", [5, 4])
async def test_sessions_of_a_door_that_several_share_are_told_by_the_log(
    start_stunnel: Callable[..., Stunnel],
    backend: Callable[..., Backend],
    cleanup: ExitStack,
    debug: int,
) -> None:
    """Each has its own, the primary all that came; where the log does not tell, none is said to have none."""
    port, target = free_port(), backend(b"hello").port
    rest = f"connect = {target}\ndebug = {debug}\n"
    services = f"[web]\naccept = 127.0.0.1:{port}\n{rest}"
    services += "".join(f"[{each}]\nsni = web:{each}.example\n{rest}" for each in "abc")
    program = start_stunnel(services)
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    for name in ("a.example", "a.example", "b.example", "web.example"):
        client = socket.create_connection(("127.0.0.1", port))
        session = cleanup.enter_context(anybody.wrap_socket(client, server_hostname=name))
        assert session.recv(5) == b"hello"
    store = await sweep(Settings(), (str(program.config),))
    sessions = {row.tunnel.service.name: row.tunnel.sessions for row in store.rows()}
    told = {"a": 2, "b": 1, "c": 0} if debug == 5 else dict.fromkeys("abc")
    assert sessions == {"web": 4} | told
    for row in store.rows():
        document = Document(Palette(), 100, now=store.now, settings=store.settings)
        past_page.sessions(document, row, store.past(row.key))
        assert ("the log does not tell" in document.plain) is (row.tunnel.sessions is None)
