"""Who runs tasks: this process, a pool of processes, or Ray. One contract: tasks in, commits out in any order."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Protocol

from limner.corpus.commit import Commit
from limner.corpus.lock import working
from limner.errors import LimnerError, MissingExtra, PlanError
from limner.pipeline.limits import last_mark
from limner.pipeline.task import Task, run


class Runner(Protocol):
    """Runs tasks; yields each with its commit, in the order they finish."""

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Commit]]: ...


def runner(name: str, workers: int = 0, address: str = "") -> Runner:
    """The runner called `name` (`processes` or `ray`) with that many workers; 0 for one a core. Even one worker is a
    process of its own: a library that crashes ends it, and not the run. `address` is the Ray cluster's."""
    workers = workers or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else workers or os.cpu_count() or 1
    if name == "ray":
        return RayRunner(workers, address)
    if name != "processes":
        raise PlanError(f"there is no runner {name!r}; one of processes, ray")
    return Processes(workers)


class Inline:
    """Runs tasks in this process, one after the other."""

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Commit]]:
        """See `Runner`."""
        for task in tasks:
            yield task, run(task)


class Processes:
    """Runs tasks on a pool of processes of this machine.

    A worker that dies (killed, out of memory, a crash in a library) costs its input only: the tasks in flight are run again one
    at a time, and an input at which a worker then dies twice is left out and recorded.
    """

    def __init__(self, workers: int):
        self.workers = workers

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Commit]]:
        """See `Runner`."""
        waiting = iter(tasks)
        while True:
            flying: dict[Future[Commit], Task] = {}
            pool = _pool(self.workers)
            try:
                yield from self._run(pool, waiting, flying)
                return
            except BrokenProcessPool:
                suspects = list(flying.values())
            finally:
                _end(pool)
            for task in suspects:
                yield task, run_alone(task)

    def _run(
        self, pool: ProcessPoolExecutor, waiting: Iterator[Task], flying: dict[Future[Commit], Task]
    ) -> Iterator[tuple[Task, Commit]]:
        while True:
            while len(flying) < 2 * self.workers and (task := next(waiting, None)) is not None:
                flying[_submit(pool, task)] = task
            if not flying:
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                commit = future.result()
                yield flying.pop(future), commit


def run_alone(task: Task, deaths: int = 2) -> Commit:
    """Run a task in a process of its own, again and again until it ends well; an input at which the process died `deaths`
    times is left out. Raises `LimnerError` where it dies without being at any input."""
    died: Counter[int] = Counter()
    while True:
        pool = _pool(1)
        try:
            return _submit(pool, task).result()
        except BrokenProcessPool:
            position = last_mark(task.out, task.key) if task.inputs else None
            died[-1 if position is None else position] += 1
            if died[-1] > deaths:
                message = f"a worker died {died[-1]} times at batch {task.stem}; see the system's log (out of memory?)"
                raise LimnerError(message) from None
            if position is not None and died[position] >= deaths:
                task = replace(task, poison={**task.poison, position: f"a worker died at it {deaths} times"})
        finally:
            _end(pool)


def _pool(workers: int) -> ProcessPoolExecutor:
    if os.name != "posix":
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_belong_to_the_run, initargs=(dict(os.environ),))
    from multiprocessing import forkserver, resource_tracker

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["limner.pipeline.task", "limner.sources.html"])
    # The tracker takes signals from its own children only, but lets them through to this process again.
    resource_tracker.ensure_running()
    with _uninterrupted():
        forkserver.ensure_running()
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_belong_to_the_run, initargs=(dict(os.environ),))


def _submit(pool: ProcessPoolExecutor, task: Task) -> Future[Commit]:
    # It may start a worker, which must not be lost sight of half started: `_end` would miss it.
    with _uninterrupted():
        return pool.submit(run_in_worker, task)


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Have what is started in the block, and what that starts, never see Ctrl-C, which a terminal sends to every process of a
    command: it ends the run, and the run ends them. This process sees it after the block."""
    if os.name != "posix" or threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    # The mask is what other processes inherit. Here it does not do: a thread that has none would take the signal.
    handler = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler or signal.SIG_DFL)
        if caught:
            signal.raise_signal(signal.SIGINT)


def _belong_to_the_run(environment: dict[str, str]) -> None:
    """Have this worker see the run's environment (the server that it is a fork of was started earlier, and may have another), leave Ctrl-C
    to the run that started it, and end when that does, however it ends: a pool's workers would wait for ever."""
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True, name="follows-the-run").start()


def _follow(parent: Any) -> None:
    parent.join()
    # Nothing is lost: a batch without its commit record does not count.
    os._exit(1)


def run_in_worker(task: Task) -> Commit:
    """Run a task in a worker process: not when the run that gave it has ended, and seen by the next one while it lasts."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise LimnerError("the run that gave this task has ended")
    with working(task.root):
        return run(task)


def _end(pool: ProcessPoolExecutor) -> None:
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        with suppress(OSError, ValueError):
            process.terminate()


class RayRunner:
    """Runs tasks on Ray, one task a batch, so that a task is one read and one write and the scheduler has little to do.

    `address` is a cluster's (`ray://host:10001`, `auto`), or empty for a local one. The corpus must lie where every
    node reaches it. A worker that is lost has its task run again, which writes the same bytes.
    """

    def __init__(self, workers: int, address: str = ""):
        try:
            import ray
        except ImportError:
            raise MissingExtra("ray", "ray", "the Ray runner") from None
        if address.startswith("ray://") and importlib.util.find_spec("grpc") is None:
            raise MissingExtra("", "ray[client]", f"the Ray cluster at {address}")
        self._ray: Any = ray
        self.workers = workers
        if not self._ray.is_initialized():
            own: dict[str, Any] = {} if address else {"num_cpus": workers}
            self._ray.init(address=address or None, log_to_driver=False, include_dashboard=False, **own)
        self._run = self._ray.remote(max_retries=5)(run)

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Commit]]:
        """See `Runner`."""
        waiting = iter(tasks)
        flying: dict[Any, Task] = {}
        exhausted = False
        while True:
            while not exhausted and len(flying) < 2 * self.workers:
                task = next(waiting, None)
                if task is None:
                    exhausted = True
                    break
                flying[self._run.remote(task)] = task
            if not flying:
                return
            done, _ = self._ray.wait(list(flying), num_returns=1)
            for reference in done:
                yield flying.pop(reference), self._ray.get(reference)
