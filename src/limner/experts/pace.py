"""How fast a server is asked: requests and tokens a minute, where `LIMNER_REQUESTS_A_MINUTE` or `LIMNER_TOKENS_A_MINUTE` say so."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping

from limner.errors import ExpertError

NAMES = "LIMNER_REQUESTS_A_MINUTE", "LIMNER_TOKENS_A_MINUTE"


class Pace:
    """Lets requests go one after the other so that a minute has no more of them, and of their tokens, than given. Threads wait their turn."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = [_limit(environment, name) for name in NAMES]
        self._now, self._sleep = now, sleep
        self._free = 0.0
        self._lock = threading.Lock()

    def wait(self, tokens: int) -> float:
        """Wait until a request with so many tokens may go; returns the seconds it waited."""
        shares = (amount / limit for amount, limit in zip((1, tokens), self._limits, strict=True) if limit)
        takes = 60 * max(shares, default=0.0)
        if not takes:
            return 0.0
        with self._lock:
            start = max(self._free, self._now())
            self._free = start + takes
        waits = start - self._now()
        if waits > 0:
            self._sleep(waits)
        return max(waits, 0.0)


def _limit(environment: Mapping[str, str], name: str) -> float:
    given = environment.get(name, "").strip()
    if not given:
        return 0.0
    try:
        found = float(given)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ExpertError(f"{name} is {given!r}: give a number above 0")
    return found
