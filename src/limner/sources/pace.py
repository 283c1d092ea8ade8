"""How fast a host is asked: so many requests at a time, and a pause between their starts."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from itertools import count


class Pace:
    """Turns at hosts. `per_host` requests at a time; the pause is given with each turn, since a host's robots.txt may
    ask for a longer one."""

    def __init__(self, per_host: int):
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(per_host))
        self._next: dict[str, float] = {}

    @asynccontextmanager
    async def turn(self, host: str, pause: float) -> AsyncGenerator[None]:
        """Wait until `host` may be asked; the next one to ask waits `pause` seconds from then."""
        async with self._gates[host]:
            while (wait := self.wait(host)) > 0:
                await asyncio.sleep(wait)
            self._next[host] = asyncio.get_running_loop().time() + pause
            yield

    def hold(self, host: str, seconds: float) -> None:
        """Leave `host` alone for that long: it said that it was asked too much."""
        until = asyncio.get_running_loop().time() + seconds
        self._next[host] = max(self._next.get(host, 0.0), until)

    def wait(self, host: str) -> float:
        """Seconds until `host` may be asked again."""
        return self._next.get(host, 0.0) - asyncio.get_running_loop().time()


async def by_host(
    items: Sequence[tuple[str, str]],
    work: Callable[[str], Awaitable[None]],
    pace: Pace,
    concurrency: int,
    per_host: int,
) -> None:
    """Do `work(url)` for all `items`, pairs of host and URL: at most `concurrency` at a time and `per_host` of one
    host, a host in its order, hosts taken up as their turn comes, so that no slow host holds up the others."""
    waiting: dict[str, deque[str]] = {}
    for host, url in items:
        waiting.setdefault(host, deque()).append(url)
    ready: list[tuple[float, int, str]] = [(0.0, order, host) for order, host in enumerate(waiting)]
    listed = set(waiting)
    busy: defaultdict[str, int] = defaultdict(int)
    turns = count(len(ready))
    flying: dict[asyncio.Task[None], str] = {}
    loop = asyncio.get_running_loop()

    def line_up(host: str, least: float) -> None:
        if host not in listed and waiting[host] and busy[host] < per_host:
            listed.add(host)
            heappush(ready, (loop.time() + max(pace.wait(host), least), next(turns), host))

    try:
        while ready or flying:
            while ready and len(flying) < concurrency and ready[0][0] <= loop.time():
                host = heappop(ready)[2]
                listed.discard(host)
                busy[host] += 1
                flying[asyncio.ensure_future(work(waiting[host].popleft()))] = host
                # The task has not taken its turn yet, so what `pace` knows is a moment old.
                line_up(host, 0.01)
            pause = max(ready[0][0] - loop.time(), 0.0) if ready and len(flying) < concurrency else None
            if not flying:
                await asyncio.sleep(pause or 0.0)
                continue
            done, _ = await asyncio.wait(flying, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                host = flying.pop(task)
                busy[host] -= 1
                task.result()
                line_up(host, 0.0)
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
