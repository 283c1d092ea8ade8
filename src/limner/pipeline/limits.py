"""Bounds on one input: a deadline and a limit of memory in the worker, and a mark that says which input a dead worker was at."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from limner.corpus.store import Store


class OverrunError(Exception):
    """An input took longer than its plan allows."""


_AGAIN = 1.0
_GRACE = 15.0
"""Seconds after which a worker is ended whose deadline could not be raised: it is in a library that does not come back."""
MEMORY = 2 * 2**30
"""Bytes of memory that the reading of one input may take in a worker, on top of what the worker has."""


class _Whole(threading.local):
    """Whether this thread is at something that must be done whole, and what is to be raised when it is."""

    going_on = False
    late: OverrunError | None = None


_whole = _Whole()


@contextmanager
def whole() -> Generator[None]:
    """Have a deadline that passes in the block raise at its end: a signal may come at any line, and leave things half done."""
    _whole.going_on = True
    try:
        yield
    finally:
        _whole.going_on = False
        late, _whole.late = _whole.late, None
        if late:
            raise late


@contextmanager
def deadline(seconds: float) -> Generator[None]:
    """Raise `OverrunError` in the block after `seconds`, though not inside `whole`. Where signals cannot be had (outside a
    process's main thread, or on Windows) the block runs unbounded."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def overrun(signum: int, frame: FrameType | None) -> None:
        error = OverrunError(f"took longer than {seconds:g} s")
        if _whole.going_on:
            _whole.late = error
        elif not _finalising(frame):
            raise error

    before = signal.signal(signal.SIGALRM, overrun)
    try:
        try:
            # It comes again: in a finaliser, and where libraries pass over every error, it is lost.
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        # It may have come on the way to the line above.
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def bounded(seconds: float, memory: int = MEMORY) -> Generator[None]:
    """`deadline`, and in a worker process what holds against libraries too: one that does not come back to Python within `_GRACE` ends
    the worker, and an allocation of more than `memory` bytes fails (a `MemoryError`, or the end of the worker where a library does
    not check for it). Either costs the input: `runners.Processes` goes on without it."""
    if multiprocessing.parent_process() is None or os.name != "posix":
        with deadline(seconds):
            yield
        return
    with open(os.devnull, "w") as nowhere, _limited(memory):
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=nowhere)
        try:
            with deadline(seconds):
                yield
        finally:
            faulthandler.cancel_dump_traceback_later()


@contextmanager
def _limited(memory: int) -> Generator[None]:
    """Where the system can say how much memory of its own a process has (Linux)."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text().split()[5])
    except (OSError, ValueError, IndexError):
        yield
        return
    # RLIMIT_DATA counts private memory that can be written to, as the sixth figure of statm does, with the stack (proc(5), getrlimit(2)).
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = pages * resource.getpagesize() + memory
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _finalising(frame: FrameType | None) -> bool:
    """Whether a finaliser is running: often the first Python code after a long call of C, and what is raised there is printed and
    lost."""
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


class Mark:
    """Says on disk which input a task is at, so that it is known after the worker died; only where the store is local."""

    def __init__(self, store: Store, key: str):
        path = _mark(store, key)
        self._handle = -1
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def at(self, position: int) -> None:
        """The task is now at its `position`-th input."""
        if self._handle >= 0:
            os.pwrite(self._handle, b"%010d" % position, 0)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def last_mark(store: Store, key: str) -> int | None:
    """The input that the task `key` was at when it was last heard of, or None."""
    path = _mark(store, key)
    try:
        return int(path.read_text()) if path else None
    except (FileNotFoundError, ValueError):
        return None


def _mark(store: Store, key: str) -> Path | None:
    local = store.local(".scratch")
    return Path(local) / f"at-{key.replace('/', '-')}" if local else None
