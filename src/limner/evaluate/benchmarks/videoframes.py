"""Frames of videos for models that read images: evenly spread, made once and kept in limner's cache under the hash of the file."""

from __future__ import annotations

import importlib
import io
import os
from pathlib import Path
from typing import Any

from limner.errors import MissingExtra
from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks.files import digest
from limner.packages.cachedir import cache_folder

_SIDE = 1_024  # pixels of the longer side at most
_MOST = 100_000  # frames of a video that are decoded


def frames(video: Path, count: int = 8) -> tuple[Path, ...]:
    """`count` frames in the middle of as many equal stretches of time (all, where there are fewer), as JPEG files. Raises `BenchmarkError` for what
    is no video."""
    folder = cache_folder("frames") / f"{digest(video)[:32]}-{count}-{_SIDE}"
    if not folder.is_dir():
        _store(_decoded(video, count), folder)
    return tuple(sorted(folder.glob("*.jpg")))


def _store(pictures: list[bytes], folder: Path) -> None:
    """All of them or none: a folder that is there is whole."""
    waiting = folder.with_name(f".{folder.name}.{os.getpid()}")
    waiting.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(pictures):
        (waiting / f"{number:03}.jpg").write_bytes(data)
    try:
        waiting.rename(folder)
    except OSError:  # another process was first
        for path in waiting.iterdir():
            path.unlink()
        waiting.rmdir()


def _decoded(video: Path, count: int) -> list[bytes]:
    try:
        av: Any = importlib.import_module("av")
    except ImportError:
        raise MissingExtra("video", "av", "reading the videos of a benchmark") from None
    try:
        with av.open(str(video)) as container:
            stream = container.streams.video[0]
            total = 0
            for _ in container.decode(stream):
                total += 1
                if total > _MOST:
                    raise BenchmarkError(f"{video} has more than {_MOST:,} frames")
        shown = min(count, total)
        wanted = [int((i + 0.5) * total / shown) for i in range(shown)]
        found: list[bytes] = []
        with av.open(str(video)) as container:
            for number, frame in enumerate(container.decode(container.streams.video[0])):
                if number > wanted[-1]:
                    break
                if number in wanted:
                    found.append(_jpeg(frame.to_image()))
    except (av.error.FFmpegError, IndexError, OSError, ValueError) as error:
        raise BenchmarkError(f"{video} cannot be read as a video: {error}") from None
    return found


def _jpeg(picture: Any) -> bytes:
    picture.thumbnail((_SIDE, _SIDE))
    with io.BytesIO() as out:
        picture.save(out, "JPEG", quality=90)
        return out.getvalue()
