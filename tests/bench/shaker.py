"""Shakes hands with a port COUNT times as the prober does, and prints the CPU seconds it took."""

import asyncio
import sys
import time

from tuimon.collect.dial import Material, probe
from tuimon.host.local import LocalHost
from tuimon.model.endpoint import Endpoint
from tuimon.model.handshake import Depth
from tuimon.model.tunnel import Plan
from tuimon.settings import Settings


async def shake(port: str, count: int) -> float:
    """As many at once as the prober has: who waits for an early close costs no CPU and delays nobody.

    One after the other, the machine would idle through each wait, and its caches be cold for the next
    handshake: that alone costs half of one more, which `openssl s_time`, that never waits, is spared.
    """
    host = LocalHost()
    plan = Plan(Depth.HANDSHAKE, (Endpoint(f"127.0.0.1:{port}", host="127.0.0.1", port=port),))
    left = iter(range(count))

    async def once() -> None:
        seen = await probe(host, plan, Material(), timeout=10, early_close=0.0001)
        assert seen.ok, seen
        assert seen.chain

    async def shaking() -> None:
        for _ in left:
            await once()

    try:
        await once()
        began = time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(Settings().probes.concurrency):
                group.create_task(shaking())
        return time.process_time() - began
    finally:
        await host.close()


if __name__ == "__main__":
    print(asyncio.run(shake(sys.argv[1], int(sys.argv[2]))))
