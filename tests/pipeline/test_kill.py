"""Killed at any instant and run again, a build ends in the same corpus as one that was left alone."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from limner.pipeline import build
from limner.sources.files import FolderSource
from pipeline.pages import write_site
from pipeline.test_build import contents, plan

BUILD = """
import sys
from limner.pipeline import build, runner
from limner.sources.files import FolderSource
from pipeline.test_build import plan
if __name__ == "__main__":
    build(plan(batch=2), sys.argv[2], sources=[FolderSource(sys.argv[1])], runner=runner("processes", 2))
"""


def start(site: Path, out: Path) -> subprocess.Popen[bytes]:
    script = out.parent / "run.py"
    script.write_text(f"import sys; sys.path[:0] = {[str(Path(__file__).parent.parent)]!r}\n{BUILD}")
    return subprocess.Popen([sys.executable, str(script), str(site), str(out)], stderr=subprocess.PIPE, start_new_session=True)


def test_killed_and_continued_equals_uninterrupted(tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", pages=60)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    began = time.monotonic()
    whole = start(site, tmp_path / "a" / "corpus")
    assert whole.wait(120) == 0, whole.stderr and whole.stderr.read()
    lasted = time.monotonic() - began
    rng = random.Random(11)
    kills = 0
    for _ in range(40):
        process = start(site, tmp_path / "b" / "corpus")
        try:
            process.wait(rng.uniform(0.3, 0.8) * lasted)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            # The pipe ends only when the run's workers have ended too.
            process.communicate(timeout=60)
            kills += 1
            if kills == 6:
                break
        else:
            assert process.returncode == 0, process.stderr and process.stderr.read()
            break
    last = start(site, tmp_path / "b" / "corpus")
    assert last.wait(120) == 0, last.stderr and last.stderr.read()
    assert kills > 0
    assert contents(tmp_path / "b" / "corpus") == contents(tmp_path / "a" / "corpus")


def test_killed_at_the_very_end_it_is_closed_by_the_next_run(tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", pages=6)
    source = [FolderSource(str(site))]
    build(plan(batch=2), str(tmp_path / "a"), sources=source)
    build(plan(batch=2), str(tmp_path / "b"), sources=source)
    # As a kill between the last fact and the last file leaves it.
    for kept in (tmp_path / "b" / "index").glob("statistics-*"):
        kept.unlink()
    (tmp_path / "b" / "CARD.md").unlink()
    (tmp_path / "b" / ".stages").mkdir()
    build(plan(batch=2), str(tmp_path / "b"), sources=source)
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert (tmp_path / "b" / "CARD.md").is_file()
    assert not (tmp_path / "b" / ".stages").exists()
