"""A trickle of real clients through the demo's fleet, so that logs and sessions have something to show.

Rule: the trickle never disturbs: it is slow, it is the same every time but for its timing's seeded
jitter, and a service that is gone or broken costs it nothing but one failed visit.
Each kind of client has a loopback address of its own, as clients in the field do.
Standard library only.
"""

import asyncio
import random
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

_PATIENCE = 5.0  # seconds for a handshake, an answer, a close
_GET = b"GET /status HTTP/1.1\r\nHost: localhost\r\nUser-Agent: demo\r\n\r\n"
_MAIL = (b"EHLO branch-07.corp.example\r\n", b"NOOP\r\n", b"QUIT\r\n")


class Visit(Struct, frozen=True):
    """A client that comes to the accept port of `service` every `every` seconds or so, from `peer`.

    It speaks TLS if `sni` is given.  Each message of `say` is sent and its answer awaited, with `pause`
    seconds after each; without `say` it sends `rounds` messages of a few hundred bytes.
    """

    service: str
    peer: str
    every: float
    sni: str = ""
    say: tuple[bytes, ...] = ()
    rounds: int = 2
    pause: float = 0.1
    verify: bool = True


VISITS = (
    Visit("web", "127.0.0.21", 4, "www.corp.example", (_GET, _GET)),
    Visit("web", "127.0.0.22", 3, "www.corp.example", (_GET,) * 12, pause=7),  # stays
    Visit("shop", "127.0.0.23", 6, "shop.example", (_GET,)),
    Visit("shop", "127.0.0.24", 8, "madrid.eu.example", (_GET, _GET)),
    Visit("ldap", "127.0.0.25", 9, "ldap.corp.example"),
    Visit("edi-in", "127.0.0.26", 11, "edi.corp.example", rounds=4),
    Visit("as2", "127.0.0.26", 10, "as2.corp.example", rounds=3),
    Visit("as2", "127.0.0.27", 5, "as2.corp.example", rounds=9, pause=11),  # stays
    Visit("notice", "127.0.0.28", 25, "notice.corp.example", (b"",)),
    Visit("billing", "127.0.0.29", 13, "billing.corp.example", verify=False),
    Visit("redis", "127.0.0.7", 5),
    Visit("redis", "127.0.0.7", 3, rounds=20, pause=5),  # stays
    Visit("redis", "127.0.0.7", 4, rounds=8, pause=9),  # stays
    Visit("api-out", "127.0.0.7", 7, say=(_GET, _GET)),
    Visit("smtp-out", "127.0.0.7", 17, say=_MAIL),
    Visit("psk-out", "127.0.0.7", 12),
    # Those that fail, each for a reason of its own.
    Visit("web", "127.0.0.66", 40, say=(_GET,)),  # a scanner: plain HTTP to a TLS port
    Visit("billing", "127.0.0.30", 50, "billing.corp.example"),  # minds the expired certificate
    Visit("pgsql-eu", "127.0.0.31", 20, "pgsql-eu.corp.example"),
    Visit("erp", "127.0.0.7", 45),
)


async def run_traffic(ports: Mapping[str, int], ca_file: Path) -> None:
    """Pay all `VISITS` again and again until cancelled; `ports` maps service names to accept ports."""
    async with asyncio.TaskGroup() as group:
        for number, visit in enumerate(VISITS):
            group.create_task(_repeat(visit, ports[visit.service], ca_file, number))


async def _repeat(visit: Visit, port: int, ca_file: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - jitter, and the same for every fleet
    await asyncio.sleep(dice.uniform(0.2, min(visit.every, 15.0)))
    while True:
        with suppress(OSError):  # refused, reset, untrusted, timed out: what a client meets in the field
            await _pay(visit, port, ca_file, dice)
        await asyncio.sleep(visit.every * dice.uniform(0.6, 1.4))


async def _pay(visit: Visit, port: int, ca_file: Path, dice: random.Random) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1",
        port,
        local_addr=(visit.peer, 0),
        ssl=_context(visit, ca_file),
        server_hostname=visit.sni or None,
        ssl_handshake_timeout=_PATIENCE if visit.sni else None,
        ssl_shutdown_timeout=_PATIENCE if visit.sni else None,
    )
    try:
        for message in visit.say or tuple(_message(dice) for _ in range(visit.rounds)):
            writer.write(message)
            async with asyncio.timeout(_PATIENCE):
                await writer.drain()
                if not await reader.read(4096):
                    return
            await asyncio.sleep(visit.pause)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _context(visit: Visit, ca_file: Path) -> ssl.SSLContext | None:
    if not visit.sni:
        return None
    context = ssl.create_default_context(cafile=str(ca_file))
    if not visit.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _message(dice: random.Random) -> bytes:
    return dice.randbytes(dice.randint(100, 300)).hex().encode() + b"\n"
