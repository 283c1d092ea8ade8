"""The same plan on a real Ray cluster of this machine: the same bytes, also when a worker is killed on the way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limner.errors import MissingExtra
from limner.pipeline import build, runner
from limner.sources.files import FolderSource
from pipeline.pages import write_site
from pipeline.test_build import contents, plan

ray: Any = pytest.importorskip("ray", reason="ray is not installed: pip install 'limner[ray]'")


class KillsAWorker:
    """A listener that kills a Ray worker process once, in the middle of the first stage."""

    def __init__(self) -> None:
        self.killed: list[int] = []

    def stage(self, name: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, inputs: int, counts: Any) -> None:
        """Kill on the second batch."""
        if not self.killed:
            self.killed = worker_pids()[:1]
            for pid in self.killed:
                os.kill(pid, signal.SIGKILL)

    def message(self, text: str) -> None:
        """Nothing."""


def worker_pids() -> list[int]:
    """The process ids of busy Ray workers on this machine."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                title = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if title.startswith(b"ray::run"):
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    here = str(Path(__file__).parent.parent)
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": here}})
    yield
    ray.shutdown()


def test_a_client_of_a_cluster_asks_for_the_package_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(MissingExtra, match=r"ray://head:10001 needs ray\[client\], .* pip install 'ray\[client\]'"):
        runner("ray", 1, "ray://head:10001")


@pytest.mark.usefixtures("cluster")
def test_ray_writes_the_same_bytes_and_survives_a_lost_worker(tmp_path: Path) -> None:
    site = [FolderSource(str(write_site(tmp_path / "site", pages=60)))]
    build(plan(batch=3), str(tmp_path / "here"), sources=site)
    build(plan(batch=3), str(tmp_path / "ray"), sources=site, runner=runner("ray", 2))
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")
    killer = KillsAWorker()
    build(plan(batch=3), str(tmp_path / "killed"), sources=site, runner=runner("ray", 2), progress=killer)
    assert killer.killed
    assert contents(tmp_path / "killed") == contents(tmp_path / "here")
