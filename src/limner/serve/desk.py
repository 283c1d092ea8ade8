"""Where work waits its turn: so many jobs at once, so many behind them, and no more."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from starlette.requests import Request

from limner.experts.device import cores
from limner.serve.errors import Busy, Refused

P = ParamSpec("P")
T = TypeVar("T")

_LOOK = 0.5  # seconds between looks whether who asked is still there


class Desk:
    """Runs jobs in `threads`; `waiting` more may wait, for `seconds` at most until they are done. What nobody waits for any longer is not begun.
    The threads share the processor's cores: arithmetic that asks for all of them in each is slower than in one."""

    def __init__(self, threads: int, waiting: int, seconds: float, name: str = "limner-desk"):
        self._pool = ThreadPoolExecutor(threads, name)
        self._cores = max(1, (os.cpu_count() or 1) // threads)
        self._most, self._seconds = threads + waiting, seconds
        self._open = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the threads go; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, request: Request | None, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `job` gives. Raises `Busy` where too many wait, `Refused` where it takes too long; gives up where who sent `request` has gone."""
        with self._lock:
            if self._open >= self._most:
                raise Busy("too many are waiting for an answer; try again in a few seconds")
            self._open += 1
        held = self._pool.submit(self._job, job, *args, **kwargs)
        held.add_done_callback(self._done)
        answer = asyncio.ensure_future(asyncio.wrap_future(held))
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=min(_LOOK, max(end - loop.time(), 0.01)))
                if answer.done():
                    break
                if loop.time() >= end:
                    raise Refused(f"no answer within {self._seconds:.0f} s", 503, code="timeout")
                if request is not None and await request.is_disconnected():
                    raise Refused("who asked has gone", 499)
            return answer.result()
        finally:
            if not answer.done():
                held.cancel()
                answer.cancel()

    def _job(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        cores(self._cores)
        return job(*args, **kwargs)

    def _done(self, future: Future[Any]) -> None:
        with self._lock:
            self._open -= 1
