"""Shakes hands with a port COUNT times as the prober does, and prints the CPU seconds it took."""

import asyncio
import sys
import time

from tuimon.collect.dial import Material, probe
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.handshake import Depth
from tuimon.model.tunnel import Plan


async def shake(port: str, count: int) -> float:
    """One after the other; the wait for an early close costs no CPU and is left out."""
    host = LocalHost()
    plan = Plan(Depth.HANDSHAKE, (Endpoint(f"127.0.0.1:{port}", host="127.0.0.1", port=port),))

    async def once() -> None:
        seen = await probe(host, plan, Material(), timeout=10, early_close=0.0001)
        assert seen.ok, seen
        assert seen.chain

    try:
        await once()
        began = time.process_time()
        for _ in range(count):
            await once()
        return time.process_time() - began
    finally:
        await host.close()


if __name__ == "__main__":
    print(asyncio.run(shake(sys.argv[1], int(sys.argv[2]))))
