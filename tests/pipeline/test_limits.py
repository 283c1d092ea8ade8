"""An input that takes too long is broken off, and takes nothing of the others with it."""

from __future__ import annotations

import itertools
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from limner.corpus import Store, batch
from limner.corpus.batch import BatchWriter
from limner.corpus.media import sha256
from limner.pipeline.limits import OverrunError, deadline
from limner.pipeline.task import Work

FILES = [bytes([i]) * 2_000 for i in range(8)]
WATCHED = (batch.__file__, tempfile.__file__)
STEPS = ("carry", "seek", "write", "rollover", "_check")


def test_what_takes_too_long_is_broken_off() -> None:
    began = time.monotonic()
    with pytest.raises(OverrunError, match=r"longer than 0\.05 s"), deadline(0.05):
        time.sleep(60)
    assert time.monotonic() - began < 5


def test_what_passes_over_every_error_is_broken_off_all_the_same() -> None:
    began = time.monotonic()

    def deaf() -> None:
        with suppress(Exception):
            time.sleep(60)
        time.sleep(60)

    with pytest.raises(OverrunError), deadline(0.05):
        deaf()
    assert time.monotonic() - began < 10
    time.sleep(1.1)  # and it does not come once more when all is over


def test_a_finaliser_is_not_broken_off_but_what_follows_it() -> None:
    ended: list[bool] = []

    class Slow:
        def __del__(self) -> None:
            time.sleep(0.3)
            ended.append(True)

    def work() -> None:
        slow = Slow()
        del slow
        time.sleep(60)

    began = time.monotonic()
    with pytest.raises(OverrunError), deadline(0.05):
        work()
    assert ended == [True]
    assert time.monotonic() - began < 10


def test_broken_off_at_any_line_of_storing_a_file_the_others_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "SPOOL_BYTES", 9_000)  # the fifth file moves all to the disk
    for at in itertools.count():
        lines = 0

        def interrupt(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal lines
            if frame.f_code.co_filename not in WATCHED or frame.f_code.co_name not in STEPS:
                return None
            if event == "line":
                if lines == at:  # noqa: B023 - it is gone before the next turn
                    signal.raise_signal(signal.SIGALRM)
                lines += 1
            return interrupt

        writer = BatchWriter(Store(str(tmp_path)), "0")
        work = Work(writer, (), keep_dropped=True)
        broken = 0
        for data in FILES:
            try:
                with deadline(60):
                    sys.settrace(interrupt)
                    try:
                        work.put(data)
                    finally:
                        sys.settrace(None)
            except OverrunError:
                broken += 1
        for data in FILES[:-1]:
            work.put(data)
        assert all(writer.media(sha256(data)) == data for data in FILES[:-1])
        assert writer.media(sha256(FILES[-1])) in (None, FILES[-1])
        writer.close()
        if not broken:
            break
    assert at > 50
