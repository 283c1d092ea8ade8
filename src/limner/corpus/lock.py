"""One writer a corpus: a lock that a writer holds, and one that the workers of a build share while they are at a batch.

Workers may outlive a run that was killed by the batch they are at. The next run waits for them, so that no two write the same
files at once. Advisory locks of the operating system, for local corpora only: they end with the process that
holds them, however it ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from limner.corpus.store import Store
from limner.errors import CorpusError

try:
    import fcntl
except ImportError:  # Windows has no fcntl: there, nothing is locked.
    fcntl = None

# What this process holds, by thread: a writer may call another (a take-down sweeps), and both take the lock.
_held: set[tuple[int, int, str]] = set()


@contextmanager
def _locked(store: Store, name: str, *, shared: bool, wait: float, busy: str) -> Generator[None]:
    path = store.local(name)
    if path is None or fcntl is None:
        yield
        return
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise CorpusError(f"{store.url} cannot be written to ({error.strerror})") from None
    try:
        until = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise CorpusError(f"{store.url}: {busy}") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


@contextmanager
def writing(store: Store) -> Generator[None]:
    """Hold the corpus to write to it; raises `CorpusError` at once where another writer holds it. Who holds it may take it
    again."""
    mine = (os.getpid(), threading.get_ident(), os.path.realpath(store.local("") or ""))
    if not store.is_local or mine in _held:
        yield
        return
    with _locked(store, ".scratch/run.lock", shared=False, wait=0, busy="another limner is writing to it; wait or stop it"):
        busy = "workers of a run that was killed are still at it; stop them or try again"
        with _locked(store, ".scratch/workers.lock", shared=False, wait=120, busy=busy):
            pass
        _held.add(mine)
        try:
            yield
        finally:
            _held.discard(mine)


@contextmanager
def working(store: Store) -> Generator[None]:
    """Held by a worker during a batch."""
    with _locked(store, ".scratch/workers.lock", shared=True, wait=120, busy="another run is starting"):
        yield
