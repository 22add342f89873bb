"""Sessions and clients as they are counted, against the connections that are really there."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.fixtures import Backend, Stunnel, free_port
from tuimon import export
from tuimon.commands.status import sweep
from tuimon.settings import Settings


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
