"""Lines of a log made records, against a loop of one compiled regex over the same bytes."""

import random
import re
import time

from tests.bench.field import Field, name_of
from tests.bench.figure import Figure, Scale, interleaved
from tuimon.parse.lines import LineAssembler
from tuimon.parse.stunnel_connections import LogReader

SEED = 7
_LINE = re.compile(rb"^(\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d) LOG(\d)\[([^\]]*)\]: (.*)$")
_CHUNK = 64 * 1024


def log_text(lines: int, services: int = 40) -> bytes:
    """A log of whole connections at debug 5, with one refused target in twenty; seeded."""
    dice = random.Random(SEED)  # noqa: S311 - a log, no secret
    found: list[str] = []
    connection = 0
    while len(found) < lines:
        connection += 1
        name, peer = (
            name_of(dice.randrange(services)),
            f"10.0.{dice.randrange(9)}.7:{20000 + connection % 40000}",
        )
        second = (
            f"{connection // 100 % 86400 // 3600:02}:{connection // 6000 % 60:02}:{connection // 100 % 60:02}"
        )
        head = f"2026.11.26 {second} LOG5[{connection}]: "
        found.append(f"{head}Service [{name}] accepted connection from {peer}")
        if dice.random() < 0.05:
            found.append(
                f"{head}s_connect: connect 127.0.0.1:9: Connection refused (111)".replace("LOG5", "LOG3")
            )
            found.append(f"{head}Connection reset: 0 byte(s) sent to TLS, 0 byte(s) sent to socket")
            continue
        found.append(f"{head}s_connect: connected 127.0.0.1:8080")
        found.append(f"{head}Service [{name}] connected remote server from 127.0.0.1:{peer[-5:]}")
        found.append(f"{head}Connection closed: 1420 byte(s) sent to TLS, 310 byte(s) sent to socket")
    return "".join(f"{line}\n" for line in found[:lines]).encode()


def run(field: Field, scale: Scale) -> list[Figure]:
    """CPU of this process, as the log collector feeds it: chunks of 64 KiB."""
    data = log_text(scale.lines)
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]

    def ours() -> float:
        assembler, reader, count = LineAssembler(), LogReader(), 0
        began = time.process_time()
        for chunk in chunks:
            count += len(reader.feed(assembler.feed(chunk)))
        assert count == scale.lines
        return count / (time.process_time() - began)

    def theirs() -> float:
        count = 0
        began = time.process_time()
        for line in data.splitlines():
            if _LINE.match(line):
                count += 1
        assert count == scale.lines
        return count / (time.process_time() - began)

    return [
        Figure(
            "log lines made records per CPU-second", *interleaved(scale.rounds, ours, theirs), "/s", 0.2, "≥"
        )
    ]
