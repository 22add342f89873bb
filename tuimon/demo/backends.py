"""`python -m tuimon.demo.backends FOLDER PARENT`: the fleet's back ends and clients, in one process.

Rule: standard library only, so that it starts quickly; and it outlives the fleet's starter by nothing:
on SIGTERM, which the kernel also sends when the starter (pid PARENT) ends in whatever way, it ends
what is left of the fleet and removes FOLDER.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from tuimon.demo import lifeline
from tuimon.demo.traffic import run_traffic

PLAN = "plan.json"
"""File in the folder: {"accept": {service: port}, "target": {service: port of the back end}}."""

_PAGE = b"all systems go\n" * 24
_MAIL_REPLIES = {
    b"EHLO": b"250-mail.corp.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
    b"QUIT": b"221 mail.corp.example closing\r\n",
}

Speaker = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def speak_echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes."""
    while data := await reader.read(4096):
        writer.write(data)
        await writer.drain()


async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request, whatever it is, with a small page."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(_PAGE)
    while line := await reader.readline():
        if line in (b"\r\n", b"\n"):
            writer.write(head + _PAGE)
            await writer.drain()


async def speak_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet and agree to everything (RFC 5321), until QUIT."""
    writer.write(b"220 mail.corp.example ESMTP\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        writer.write(_MAIL_REPLIES.get(verb, b"250 OK\r\n"))
        await writer.drain()
        if verb == b"QUIT":
            return


_SPEAKERS: dict[str, Speaker] = {
    "web": speak_http,
    "api": speak_http,
    "shop": speak_http,
    "shop-eu": speak_http,
    "mail": speak_smtp,
}


def _polite(speaker: Speaker) -> Speaker:
    """`speaker`, closing its connection at the end and not minding a peer that hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError):  # ValueError: a line without end
            await speaker(reader, writer)
        writer.close()

    return serve


async def serve(folder: Path) -> None:
    """Run back ends and clients as `PLAN` says until SIGTERM.  Raises OSError if a port is taken."""
    plan = json.loads((folder / PLAN).read_text())
    async with AsyncExitStack() as stack:
        for name, port in plan["target"].items():
            speaker = _polite(_SPEAKERS.get(name, speak_echo))
            stack.push_async_callback(_stop, await asyncio.start_server(speaker, "127.0.0.1", port))
        traffic = asyncio.create_task(run_traffic(plan["accept"], folder / "pki/ca.pem"))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, traffic.cancel)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        with suppress(asyncio.CancelledError):
            await traffic
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one is enough; now clear away in peace


async def _stop(server: asyncio.Server) -> None:
    server.close()  # without wait_closed(): it would wait for clients that stay


def main(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or until the parent is gone, then clear the folder away."""
    folder, parent = arguments
    # Blocked until the loop can take it, so that a signal on the way there is late and not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if lifeline.die_with(int(parent)):
        asyncio.run(serve(Path(folder)))
    lifeline.clear(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
