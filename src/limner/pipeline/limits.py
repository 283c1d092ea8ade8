"""Bounds on one input: a deadline in the worker, and a mark that says which input a dead worker was at."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from limner.corpus.store import Store


class OverrunError(Exception):
    """An input took longer than its plan allows."""


@contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Raise `OverrunError` in the block after `seconds`. Where signals cannot be had (outside a process's main thread, or on
    Windows) the block runs unbounded."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def overrun(signum: int, frame: FrameType | None) -> None:
        raise OverrunError(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, overrun)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _mark(store: Store, key: str) -> Path | None:
    local = store.local(".scratch")
    return Path(local) / f"at-{key.replace('/', '-')}" if local else None


def marked(store: Store, key: str, position: int) -> None:
    """Note that the task `key` is now at its `position`-th input; only where the store is local."""
    if path := _mark(store, key):
        try:
            path.write_text(str(position))
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(position))


def last_mark(store: Store, key: str) -> int | None:
    """The input that the task `key` was at when it was last heard of, or None."""
    path = _mark(store, key)
    try:
        return int(path.read_text()) if path else None
    except (FileNotFoundError, ValueError):
        return None
